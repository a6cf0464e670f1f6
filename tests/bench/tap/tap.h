/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol on nicstack over a TAP: a stack on the device, and what runs it. */
#ifndef TESTS_BENCH_TAP_TAP_H
#define TESTS_BENCH_TAP_TAP_H

#include <nicstack/host.h>
#include <nicstack/socket.h>

#include "../common/protocol.h"

/* What is on the command line. */
struct tap_config {
    const char *name;     /* of the device */
    struct nst_addr addr; /* ours */
    bool plain;           /* no virtio-net header: every checksum and segment is our own */
    bool spin;            /* never sleep */
};

/* One stack, its TAP, and the loop that runs it. */
struct world {
    struct nst_stack *stack;
    struct nst_link *link;
    struct nst_loop *loop;
    int fd;
    bool spin, stopped;
    bool serves; /* the end of stdin ends it, not an alarm or world_stop alone */
    void (*on_ready)(void *context, const struct nst_ready *ready);
    void *context;
};

/* Gives up where something fails. */
void world_init(struct world *w, const struct tap_config *config);
/* Runs until world_stop; each entry of the ready list goes to `on_ready`. */
void world_run(struct world *w, void (*on_ready)(void *context, const struct nst_ready *ready),
               void *context);
void world_stop(struct world *w);
/* One line of JSON: what hindered it, for whoever asks why a figure is what it is. */
void world_report(const struct world *w);
void world_fini(struct world *w);

/* Gives up where `r` is negative, with its word. */
void must(int64_t r, const char *what);

/* Serves all services; prints "ready", and ends with stdin. */
void serve(struct world *w);
/* Clients: 64 bytes to and fro on one connection, or on one each, closed by RST, or by FIN, the
 * server first. They take so long, and print what they saw. */
enum client_kind {
    CLIENT_ASK,
    CLIENT_CONNECT,
    CLIENT_CONNECT_FIN
};
void client(struct world *w, enum client_kind kind, const struct nst_addr *server,
            uint64_t nanoseconds);

#endif
