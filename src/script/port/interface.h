/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libnst-script.so offers to a driver that was written for kernels: a table of calls, in this
 * order, each with the table's userdata first. Calls are POSIX's with Linux's numbers: -1 and
 * errno.
 */
#ifndef NICSTACK_SRC_SCRIPT_PORT_INTERFACE_H
#define NICSTACK_SRC_SCRIPT_PORT_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

struct packetdrill_interface {
    void *userdata;
    void (*free)(void *userdata);
    int (*socket)(void *userdata, int domain, int type, int protocol);
    int (*bind)(void *userdata, int fd, const struct sockaddr *addr, socklen_t len);
    int (*listen)(void *userdata, int fd, int backlog);
    int (*accept)(void *userdata, int fd, struct sockaddr *addr, socklen_t *len);
    int (*connect)(void *userdata, int fd, const struct sockaddr *addr, socklen_t len);
    ssize_t (*read)(void *userdata, int fd, void *data, size_t size);
    ssize_t (*readv)(void *userdata, int fd, const struct iovec *iov, int count);
    ssize_t (*recv)(void *userdata, int fd, void *data, size_t size, int flags);
    ssize_t (*recvfrom)(void *userdata, int fd, void *data, size_t size, int flags,
                        struct sockaddr *addr, socklen_t *len);
    ssize_t (*recvmsg)(void *userdata, int fd, struct msghdr *msg, int flags);
    ssize_t (*write)(void *userdata, int fd, const void *data, size_t size);
    ssize_t (*writev)(void *userdata, int fd, const struct iovec *iov, int count);
    ssize_t (*send)(void *userdata, int fd, const void *data, size_t size, int flags);
    ssize_t (*sendto)(void *userdata, int fd, const void *data, size_t size, int flags,
                      const struct sockaddr *addr, socklen_t len);
    ssize_t (*sendmsg)(void *userdata, int fd, const struct msghdr *msg, int flags);
    int (*fcntl)(void *userdata, int fd, int command, ...);
    int (*ioctl)(void *userdata, int fd, unsigned long request, ...);
    int (*close)(void *userdata, int fd);
    int (*shutdown)(void *userdata, int fd, int how);
    int (*getsockopt)(void *userdata, int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(void *userdata, int fd, int level, int name, const void *value,
                      socklen_t len);
    int (*poll)(void *userdata, struct pollfd *fds, nfds_t count, int timeout_ms);
    /* Gives the stack an IP packet. 0. */
    int (*netdev_send)(void *userdata, const void *packet, size_t count);
    /* The next packet that leaves the stack, at most *count bytes of it, and its time; 0. Moves
     * time on while there is none; *count 0: there will be none. */
    int (*netdev_receive)(void *userdata, void *packet, size_t *count, long long *time_us);
    int (*usleep)(void *userdata, useconds_t us);
    int (*gettimeofday)(void *userdata, struct timeval *tv, struct timezone *tz);
    int (*epoll_create)(void *userdata, int size);
    int (*epoll_ctl)(void *userdata, int epfd, int op, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *userdata, int epfd, struct epoll_event *events, int max,
                      int timeout_ms);
    int (*pipe)(void *userdata, int fds[2]);
    int (*splice)(void *userdata, int in, loff_t *in_offset, int out, loff_t *out_offset,
                  size_t len, unsigned flags);
};

/*
 * Makes a stack and fills the table. `flags` (NULL: none) are words separated by spaces or commas:
 * local_ip=ADDR (192.168.0.1), prefix_len=N (16), mtu=N (1500), cut (segments leave as the MSS
 * says, not up to 64 KiB). 0, or -1 and errno.
 */
int packetdrill_interface_init(const char *flags, struct packetdrill_interface *ret_interface);

#endif
