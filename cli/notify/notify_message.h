/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message headers (struct msghdr, mmsghdr, iovec) as they lie in the memory of a program of this
 * machine: pure, and for bytes of any kind.
 */
#ifndef NICSTACK_CLI_NOTIFY_NOTIFY_MESSAGE_H
#define NICSTACK_CLI_NOTIFY_NOTIFY_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    NOTIFY_PIECES_MAX = 1024, /* UIO_MAXIOV */
};

struct notify_message {
    uint64_t name; /* address of the sockaddr; 0: none */
    uint32_t name_len;
    uint64_t pieces; /* address of the iovecs */
    uint32_t piece_count;
    uint64_t control;
    uint64_t control_len;
};

/* Reads a struct msghdr. 0; -EMSGSIZE: too many pieces. -EINVAL: an address longer than the kernel
 * takes for sending (a receiver's is cut). */
int notify_message_parse(const uint8_t bytes[sizeof(struct msghdr)],
                         struct notify_message *ret_message);

/* Checks iovecs and adds their lengths up, as far as `max`: what is longer is cut in place, and the
 * pieces behind it are emptied. *ret_size is the sum before the cut. 0; -EINVAL: nonsense. */
int notify_message_measure(struct iovec *pieces, size_t count, size_t max, size_t *ret_size);

#endif
