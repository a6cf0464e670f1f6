/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filter that makes the kernel ask nst about the calls of sockets.
 *
 * Asked about are socket(2) for AF_INET and AF_INET6, and the calls that name an address, a message
 * or an option. read(2), write(2), poll(2), close(2), dup(2) and the like are never asked about,
 * nor are sends and receives without an address: they go to the socket that was handed in.
 * io_uring, which would do all of it unseen, is refused as if the kernel had none, and so are
 * the internet sockets of programs for another machine than nst's (32-bit ones).
 */
#ifndef NICSTACK_CLI_NOTIFY_NOTIFY_FILTER_H
#define NICSTACK_CLI_NOTIFY_NOTIFY_FILTER_H

#include <stddef.h>

struct sock_filter;

enum {
    /* In the result: the process may not gain privileges by exec any more. */
    NOTIFY_FILTER_NO_NEW_PRIVS = 0x40000000
};

/*
 * Installs it in the calling process, for good, and for every process that comes from it. Returns
 * the listener, a close-on-exec descriptor, perhaps with NOTIFY_FILTER_NO_NEW_PRIVS; or a negative
 * errno: -ENOSYS (no seccomp, or none for this machine), -EINVAL (a kernel before 5.0), -EBUSY (a
 * listener of somebody else is there already).
 */
int notify_filter_install(void);

/* The program of the filter, and how many instructions it has; 0: none for this machine. */
size_t notify_filter_program(const struct sock_filter **ret_instructions);

#endif
