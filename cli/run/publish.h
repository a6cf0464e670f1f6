/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ports that `nst run -p` publishes: what the option says, and the sockets that listen for it.
 */
#ifndef NICSTACK_CLI_RUN_PUBLISH_H
#define NICSTACK_CLI_RUN_PUBLISH_H

#include <nicstack/host.h>

#include "run/upstream.h"
#include "tool/options.h"

/* "[ADDR:]HOST:GUEST[/tcp|/udp]", where HOST and GUEST may be ranges of one length. */
struct publish_spec {
    struct nst_addr addr; /* where to listen; 0.0.0.0 where none is given, as docker does */
    uint16_t host;        /* the first port; 0: any free one */
    uint16_t guest;
    uint16_t count; /* of ports */
    bool udp;
};

/* NULL, or what is wrong with the text. */
const char *publish_parse(const char *text, struct publish_spec *ret_spec);

struct listener {
    int fd;
    bool udp;
    struct nst_addr addr;
    uint16_t host, guest;
    struct nst_publication *publication; /* it owns fd then */
};

struct listeners {
    struct listener *list;
    unsigned count;
};

/* Opens them all, before anything else of the run. False: it was said on stderr why, and nothing is
 * open. */
bool listeners_open(const struct option_texts *texts, struct listeners *ret_listeners);
/* One line each on stderr. */
void listeners_print(const struct listeners *listeners);
/* Hands them to the gateway. 0, or the error of the library. */
int listeners_publish(struct listeners *listeners, struct nst_gateway *gateway,
                      const struct upstream *upstream);
/* The program has ended: no further connections. */
void listeners_stop(struct listeners *listeners);
/* After the gateway was freed, which closed what it had. */
void listeners_fini(struct listeners *listeners);

#endif
