/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union ancillary {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(CONTROL_MAX_FDS * sizeof(int))];
};

int control_pair(int ret_fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0)
        return -errno;
    return 0;
}

int control_send(int fd, const struct control_record *record, const int *fds, size_t count,
                 int flags)
{
    union ancillary ancillary = {0};
    struct iovec iov = {.iov_base = (void *)record, .iov_len = sizeof(*record)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > CONTROL_MAX_FDS)
        return -EINVAL;
    if (count > 0) {
        message.msg_control = ancillary.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        ancillary.header.cmsg_level = SOL_SOCKET;
        ancillary.header.cmsg_type = SCM_RIGHTS;
        ancillary.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&ancillary.header), fds, count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL | flags);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static size_t take_descriptors(struct msghdr *message, int *ret_fds)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return 0;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(ret_fds, CMSG_DATA(header), count * sizeof(int));
    return count;
}

int control_receive(int fd, int flags, struct control_record *ret_record, int *ret_fds,
                    size_t *ret_count)
{
    union ancillary ancillary;
    struct iovec iov = {.iov_base = ret_record, .iov_len = sizeof(*ret_record)};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (ret_fds) {
        message.msg_control = ancillary.bytes;
        message.msg_controllen = sizeof(ancillary.bytes);
    }
    ssize_t received;
    do {
        received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | flags);
    } while (received < 0 && errno == EINTR);
    /* A peer that died with records of ours unread resets: gone all the same. */
    if (received == 0 || (received < 0 && errno == ECONNRESET))
        return 0;
    if (received < 0)
        return -errno;
    if (ret_fds)
        *ret_count = take_descriptors(&message, ret_fds);
    return received == (ssize_t)sizeof(*ret_record) ? 1 : -EPROTO;
}
