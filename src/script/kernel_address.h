/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's socket addresses to endpoints and back.
 */
#ifndef NICSTACK_SRC_SCRIPT_KERNEL_ADDRESS_H
#define NICSTACK_SRC_SCRIPT_KERNEL_ADDRESS_H

#include <sys/socket.h>

#include <nicstack/types.h>

/* What `addr` of `len` bytes says to a socket of `family`. 0, -EINVAL, -EAFNOSUPPORT, -EFAULT. */
int kernel_address_get(int family, const struct sockaddr *addr, socklen_t len,
                       struct nst_endpoint *ret_endpoint);
/* Writes the endpoint as a socket of `family` shows it, cut to *len bytes, and sets *len to what
 * there is. Either may be NULL: nothing. */
void kernel_address_put(int family, const struct nst_endpoint *endpoint, struct sockaddr *addr,
                        socklen_t *len);

#endif
