/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line between nst and its init, or another process that it has forked: records over a pair of
 * SOCK_SEQPACKET sockets. nst holds the only other end, so its death is an end of file at init, and
 * the death of init one at nst.
 */
#ifndef NICSTACK_CLI_ATTACH_CONTROL_H
#define NICSTACK_CLI_ATTACH_CONTROL_H

#include <stddef.h>
#include <stdint.h>

enum {
    CONTROL_MAX_FDS = 16
};

enum control_kind {
    /* init to nst */
    CONTROL_FAILED = 1,  /* a = step (attach_text.h), b = errno: there will be no program */
    CONTROL_NOTE,        /* a = step, b = errno: set-up goes on without it; c = method that is tried
                            instead, or 0 */
    CONTROL_READY,       /* with the link; a = method, b = virtio-net header bytes, c = offloads */
    CONTROL_EXEC_FAILED, /* b = errno: the program could not be run */
    CONTROL_STOPPED,     /* a = signal that stopped the program */
    CONTROL_CONTINUED,   /* the program runs again */
    CONTROL_EXITED,      /* a = wait status of the program */
    /* nst to init */
    CONTROL_GO,     /* run the program */
    CONTROL_SIGNAL, /* a = signal to pass on */
    /* the opener to nst up (up/opener.h) */
    CONTROL_OPENED, /* with the device; a = 0 or why not, b = the interface's MTU, 0: not known */
};

struct control_record {
    uint32_t kind; /* enum control_kind */
    int32_t a;
    int32_t b;
    int32_t c;
};

/* Makes the pair, close-on-exec. Returns 0 or a negative errno. */
int control_pair(int ret_fds[2]);

/*
 * Sends one record, with count descriptors (at most CONTROL_MAX_FDS; fds may be NULL when 0).
 * flags: of send(2), such as MSG_DONTWAIT. Returns 0 or a negative errno; the peer's death is
 * -EPIPE.
 */
int control_send(int fd, const struct control_record *record, const int *fds, size_t count,
                 int flags);

/*
 * Receives one record. flags: of recv(2).
 * ret_fds, ret_count: room for CONTROL_MAX_FDS close-on-exec descriptors, now the caller's; both
 * NULL when none are expected. Returns 1 with a record, 0 when the peer is gone, a negative errno
 * (-EAGAIN: nothing yet).
 */
int control_receive(int fd, int flags, struct control_record *ret_record, int *ret_fds,
                    size_t *ret_count);

#endif
