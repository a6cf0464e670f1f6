/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared-object port: one stack that a driver calls from one or two threads.
 *
 * Theory of operation. One lock guards everything. A call that would block waits for the condition
 * that every other call signals, and is tried again. Virtual time is moved by the driver: by
 * gettimeofday, usleep and netdev_receive. When all is quiet for a while, in real time, as nobody
 * but callers that wait is there (at once, where only one thread has ever called), the one that
 * waits moves it to the next deadline itself.
 *
 * Before time moves, all who wait have tried again since the last change: each has a mark that says
 * so. A call that waited and was satisfied returns to a thread of the driver, which will want to
 * know the time. So time does not move on before that thread has called again, or some real time
 * has passed without it.
 *
 * Descriptors are reserved from the system: each has a number of an open /dev/null. Drivers that
 * call close and getsockopt of the C library find ours where the library is preloaded (libc.c).
 */
#ifndef NICSTACK_SRC_SCRIPT_PORT_PORT_H
#define NICSTACK_SRC_SCRIPT_PORT_PORT_H

#include <pthread.h>

#include "script/kernel.h"
#include "script/port/interface.h"

/* A call that blocks. */
struct waiter {
    struct waiter *next;
    bool stale; /* something has changed since it tried last */
};

struct port {
    struct port *next; /* of all that there are */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct stage world;
    struct kernel kernel;
    pthread_cond_t settled; /* a waiter has tried again, or a thread that returned has called */
    struct waiter *waiters;
    uint64_t calls;     /* so far: who waits sees whether anybody else is there */
    pthread_t caller;   /* of the first */
    bool threads;       /* others have called too */
    bool returning;     /* a call that waited is on its way back to its thread */
    pthread_t returned; /* that thread */
};

/* One call: what to try, and its arguments. */
struct request {
    int64_t (*make)(struct kernel *p, const struct request *r, struct kernel_wait *wait);
    int fd, number, flags;
    void *data;
    size_t len;
    struct sockaddr *addr;
    socklen_t addr_len;
    socklen_t *ret_len;
};

/* Performs it, however long it takes in virtual time. The result, or -1 and errno. */
int64_t port_perform(struct port *port, const struct request *r);

/* ---- Time, with the lock held ---- */
/* Waits until those who wait have tried again, and those who return have called again. */
void port_settle(struct port *port);
/* Runs the stack up to `until` and tells those who wait. */
void port_advance(struct port *port, nst_time until);

/* ---- The library's ports (libc.c) ---- */
void port_register(struct port *port);
void port_unregister(struct port *port);
/* Numbers of descriptors: of an open /dev/null. */
int port_take_number(void *context);
void port_give_number(void *context, int fd);

/* The calls' part of the table, and time's. */
void port_fill_calls(struct packetdrill_interface *table);
void port_fill_time(struct packetdrill_interface *table);

#endif
