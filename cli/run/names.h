/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of addresses, as the answers of our name server told them.
 */
#ifndef NICSTACK_CLI_RUN_NAMES_H
#define NICSTACK_CLI_RUN_NAMES_H

#include <nicstack/types.h>

#define NAMES_SLOTS 1024

/* All zero at first. An address has one place, which the one that comes last has. */
struct names {
    struct {
        struct nst_addr addr;
        char *name;
    } slots[NAMES_SLOTS];
};

/* A DNS message passed: keeps the addresses of an answer under the name that was asked for,
 * whatever aliases lie between. Hostile bytes are fine. */
void names_learn(struct names *names, const uint8_t *message, size_t len);
/* NULL: not known. Valid until the next names_learn. */
const char *names_lookup(const struct names *names, const struct nst_addr *addr);
void names_fini(struct names *names);

#endif
