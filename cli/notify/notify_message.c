/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_message.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int notify_message_parse(const uint8_t bytes[sizeof(struct msghdr)],
                         struct notify_message *ret_message)
{
    struct msghdr header;
    memcpy(&header, bytes, sizeof(header));
    if (header.msg_iovlen > NOTIFY_PIECES_MAX)
        return -EMSGSIZE;
    if ((int)header.msg_namelen < 0)
        return -EINVAL;
    *ret_message = (struct notify_message){
        .name = header.msg_namelen != 0 ? (uintptr_t)header.msg_name : 0,
        .name_len = header.msg_namelen,
        .pieces = (uintptr_t)header.msg_iov,
        .piece_count = (uint32_t)header.msg_iovlen,
        .control = (uintptr_t)header.msg_control,
        .control_len = header.msg_controllen,
    };
    return 0;
}

int notify_message_measure(struct iovec *pieces, size_t count, size_t max, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = pieces[i].iov_len;
        if (len > (size_t)SSIZE_MAX - size)
            return -EINVAL;
        size_t room = size < max ? max - size : 0;
        if (len > room)
            pieces[i].iov_len = room;
        size += len;
    }
    *ret_size = size;
    return 0;
}
