/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance_address.h"

#include <stddef.h>
#include <stdio.h>

socklen_t instance_address(uid_t uid, const char *name, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* A leading NUL: an abstract name, which ends where its length says. */
    const int n = snprintf(ret_address->sun_path + 1, sizeof(ret_address->sun_path) - 1,
                           "nicstack/%u/%s", (unsigned)uid, name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

bool instance_peer_uid(int fd, uid_t *ret_uid)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || len != sizeof(peer))
        return false;
    *ret_uid = peer.uid;
    return true;
}
