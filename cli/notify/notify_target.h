/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that waits for the answer to a call: its memory and its descriptors.
 *
 * All of it needs the right to trace it: the same user, and a kernel that lets an ancestor do so
 * (kernel.yama.ptrace_scope of 0 or 1). `tid` is the thread that waits; whether it still does,
 * and its number is still its own, is the caller's to ask (notify_call_is_alive).
 */
#ifndef NICSTACK_CLI_NOTIFY_NOTIFY_TARGET_H
#define NICSTACK_CLI_NOTIFY_NOTIFY_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Copies all of `size` bytes from or to an address of the process. 0; -EFAULT: it has no such
 * memory; -ESRCH: it is gone; -EPERM. */
int notify_target_read(pid_t tid, uint64_t address, void *to, size_t size);
int notify_target_write(pid_t tid, uint64_t address, const void *from, size_t size);

/*
 * The same with pieces of the process's memory, count of them (at most IOV_MAX), in order and as
 * far as `size` bytes reach. What is left of the pieces is not touched.
 */
int notify_target_gather(pid_t tid, const struct iovec *pieces, size_t count, void *to,
                         size_t size);
int notify_target_scatter(pid_t tid, const struct iovec *pieces, size_t count, const void *from,
                          size_t size);

/* The inode of the socket that a descriptor of the process is; 0: it is no socket. */
uint64_t notify_target_inode(pid_t tid, int fd);

/*
 * A descriptor of our own for the socket that the process knows by `fd`, if it has this inode.
 * ret_nonblocking: whether it has O_NONBLOCK; may be NULL. Close it soon: while it is open, nobody
 * learns that the process closed the socket. -EBADF: it is another; or what pidfd_getfd(2) says.
 */
int notify_target_take(pid_t tid, int fd, uint64_t inode, int *ret_nonblocking);

/* pidfd_open(2) and pidfd_getfd(2) in one. A descriptor, or a negative errno. */
int notify_target_get_descriptor(pid_t tid, int fd);

#endif
