/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of ICMP types and codes in scripts, for either version of IP. Types of IPv6 are told
 * apart by the family of the script, as the keyword is the same.
 */
#ifndef NICSTACK_SRC_SCRIPT_ICMP_NAMES_H
#define NICSTACK_SRC_SCRIPT_ICMP_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* The number of a type's name ("type_9" too). False: none of that version. */
bool icmp_names_type(bool v6, const char *name, uint8_t *ret_type);
/* The number of a code's name of that type ("code_3" too). */
bool icmp_names_code(bool v6, uint8_t type, const char *name, uint8_t *ret_code);
/* The name of a type, and of a code; NULL: it has none. */
const char *icmp_names_show_type(bool v6, uint8_t type);
const char *icmp_names_show_code(bool v6, uint8_t type, uint8_t code);

#endif
