/* SPDX-License-Identifier: Apache-2.0 */
/* Where instances are found: what both ends of instance.h know. */
#ifndef NICSTACK_CLI_INSTANCE_INSTANCE_ADDRESS_H
#define NICSTACK_CLI_INSTANCE_INSTANCE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* The address of `@nicstack/UID/NAME`; its length. */
socklen_t instance_address(uid_t uid, const char *name, struct sockaddr_un *ret_address);

/* Who is at the other end of a connected unix socket, as the kernel says. False: unknown. */
bool instance_peer_uid(int fd, uid_t *ret_uid);

#endif
