/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens devices of the kernel for nst up, which is confined while it serves.
 *
 * Theory of operation. What parses packets of strangers must not be able to open anything; yet
 * orders may come at any time that ask for a new TAP or packet socket. So a process of its own is
 * forked before the config is done: it sees no packet and no order, only requests of one size, each
 * a kind of device and a name, and answers with a descriptor. It is confined too, to opening
 * devices (CONFINE_OPEN), and keeps the capabilities which that takes. It ends when the other end
 * of its socket closes, so with nst up in any case.
 */
#ifndef NICSTACK_CLI_UP_OPENER_H
#define NICSTACK_CLI_UP_OPENER_H

#include <sys/types.h>

#include "order/order.h"

struct opener {
    int fd;    /* its socket */
    pid_t pid; /* 0: it was not started */
};

/* Starts the process. 0, or -NST_E*: then there is none. */
int opener_start(struct opener *opener);

/* Opens the interface `name` as a TAP, TUN or packet socket, and returns what nst_tuntap_open or
 * nst_afpacket_open does; -NST_EPIPE: the process has ended. *ret_mtu is that of the interface of a
 * packet socket; 0: it cannot be told. */
int opener_open(const struct opener *opener, enum order_type type, const char *name,
                uint32_t *ret_mtu);

/* Ends the process. One that was not started is fine. */
void opener_stop(struct opener *opener);

#endif
