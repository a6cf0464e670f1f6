/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol on sockets of the kernel: what main.c calls. `spin` never sleeps. */
#ifndef TESTS_BENCH_SOCKETS_SOCKETS_H
#define TESTS_BENCH_SOCKETS_SOCKETS_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

/* CUBIC, where the kernel lets us: the default may be another, and may only be chosen for one
 * socket. What a listener accepts has its own. */
void socket_use_cubic(int fd);
/* A new stream socket; gives up where the kernel gives none. */
int socket_new(void);
/* Connected to `server`, at `port`, from `source` (0: any), with Nagle's algorithm off. */
int socket_connect(struct in_addr server, uint16_t port, struct in_addr source);

/* Serves all services at `address`; prints "ready", and ends with stdin. */
_Noreturn void serve(struct in_addr address, bool spin);

/* Clients: they take so long, and print what they saw. */
void client_send(struct in_addr server, int streams, uint64_t nanoseconds);
void client_receive(struct in_addr server, int streams, uint64_t nanoseconds);
void client_ask(struct in_addr server, uint64_t nanoseconds, bool spin);
/* Connects, asks and closes, again and again: by RST; with `fin` the server closes first, and each
 * connection comes from the next of `sources` addresses, which begin with `first` (0: any). */
struct sources {
    struct in_addr first;
    uint32_t count;
};
void client_connect(struct in_addr server, uint64_t nanoseconds, bool fin, struct sources sources);

#endif
