/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel offers to programs, over a stack in virtual time: descriptors, sockets, readiness,
 * pipes, with Linux's numbers and structures. Both the runner of scripts and the shared-object port
 * stand on it.
 *
 * Results are those of the system calls: 0 or positive, or a negative errno. A call that would
 * block gives KERNEL_WAIT instead and keeps in its `struct kernel_wait` how far it is: whoever
 * calls lets the world run on, at the latest to wait->until, and calls again with the same
 * arguments. Nothing of it touches the system.
 */
#ifndef NICSTACK_SRC_SCRIPT_KERNEL_H
#define NICSTACK_SRC_SCRIPT_KERNEL_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "script/kernel_side.h"
#include "script/stage.h"

#define KERNEL_WAIT    INT64_MIN
#define KERNEL_FDS_MAX 1024

/* Zero-initialise it for each call; `until` is when to call again even if nothing happened. */
struct kernel_wait {
    bool begun;
    nst_time until;
    size_t done;
};

enum kernel_kind {
    KERNEL_SOCKET,
    KERNEL_EPOLL,
    KERNEL_PIPE,
    KERNEL_ZERO, /* /dev/zero: for sendfile and splice */
};

struct kernel_interest; /* of an epoll descriptor in a file */
struct kernel_buffer;   /* of a pipe */

struct kernel_file {
    enum kernel_kind kind;
    int fd;
    int flags; /* O_NONBLOCK, O_RDWR */
    /* KERNEL_SOCKET */
    nst_socket socket;
    enum nst_socket_type type;
    int family;
    int sndbuf, rcvbuf;          /* as they were set; 0: they were not */
    nst_time sndtimeo, rcvtimeo; /* 0: for ever */
    bool listening, connecting, connected, no_linger_wait;
    bool fresh;     /* something happened since the last edge was reported */
    uint32_t edges; /* counts these happenings */
    struct kernel_side side;
    /* KERNEL_EPOLL */
    struct kernel_interest *interests;
    /* KERNEL_PIPE */
    struct kernel_buffer *buffer;
    bool writes; /* the end that is written to */
};

struct kernel {
    struct stage *world;
    struct kernel_file *files[KERNEL_FDS_MAX];
    /* The number for a new descriptor, or a negative errno; NULL: the lowest free one from 3. */
    int (*take_number)(void *context);
    void (*give_number)(void *context, int fd);
    void *context;
    nst_time epoch;          /* what the program calls time 0 */
    uint64_t capabilities;   /* that the program has, as bits by Linux's numbers */
    bool watched;            /* there are sockets that kernel_side_ran looks at */
    const char *unsupported; /* what was asked for that is not built in; static text */
    char unsupported_text[64];
};

void kernel_init(struct kernel *p, struct stage *world);
/* Closes everything that is open. */
void kernel_fini(struct kernel *p);
/* The file of a descriptor, or NULL. */
struct kernel_file *kernel_file(const struct kernel *p, int fd);
/* Has the program the capability (CAP_*)? */
bool kernel_may(const struct kernel *p, int capability);
/* Remembers that something is not built in, for whoever wants to skip. Gives `error` negated. */
int kernel_refuse(struct kernel *p, int error, const char *what, int64_t number);
int kernel_refuse_named(struct kernel *p, int error, const char *name);

/* ---- Life ---- */
int kernel_socket(struct kernel *p, int domain, int type, int protocol);
int kernel_bind(struct kernel *p, int fd, const struct sockaddr *addr, socklen_t len);
int kernel_listen(struct kernel *p, int fd, int backlog);
int64_t kernel_accept(struct kernel *p, int fd, struct sockaddr *addr, socklen_t *len, int flags,
                      struct kernel_wait *wait);
int64_t kernel_connect(struct kernel *p, int fd, const struct sockaddr *addr, socklen_t len,
                       struct kernel_wait *wait);
int kernel_shutdown(struct kernel *p, int fd, int how);
int64_t kernel_close(struct kernel *p, int fd, struct kernel_wait *wait);
int kernel_getsockname(struct kernel *p, int fd, struct sockaddr *addr, socklen_t *len);
int kernel_getpeername(struct kernel *p, int fd, struct sockaddr *addr, socklen_t *len);
int kernel_fcntl(struct kernel *p, int fd, int command, int64_t argument);
/* `argument` is where an int is read or written. */
int kernel_ioctl(struct kernel *p, int fd, unsigned long request, int *argument);

/* ---- Data ---- */
int64_t kernel_sendmsg(struct kernel *p, int fd, const struct msghdr *msg, int flags,
                       struct kernel_wait *wait);
int64_t kernel_recvmsg(struct kernel *p, int fd, struct msghdr *msg, int flags,
                       struct kernel_wait *wait);
/* read and write, readv and writev: sockets, pipes. */
int64_t kernel_readv(struct kernel *p, int fd, const struct iovec *iov, int count,
                     struct kernel_wait *wait);
int64_t kernel_writev(struct kernel *p, int fd, const struct iovec *iov, int count,
                      struct kernel_wait *wait);

/* ---- Options ---- */
int kernel_setsockopt(struct kernel *p, int fd, int level, int name, const void *value,
                      socklen_t len);
int kernel_getsockopt(struct kernel *p, int fd, int level, int name, void *value, socklen_t *len);

/* ---- Readiness ---- */
struct pollfd;
struct epoll_event;
/* POLL* of a file, as they are now. */
uint32_t kernel_events(struct kernel *p, const struct kernel_file *f);
int64_t kernel_poll(struct kernel *p, struct pollfd *fds, unsigned long count, int timeout_ms,
                    struct kernel_wait *wait);
int kernel_epoll_create(struct kernel *p, int flags);
int kernel_epoll_ctl(struct kernel *p, int epfd, int op, int fd, struct epoll_event *event);
int64_t kernel_epoll_wait(struct kernel *p, int epfd, struct epoll_event *events, int max,
                          int timeout_ms, struct kernel_wait *wait);
/* Forgets a file that is closed. */
void kernel_epoll_forget(struct kernel *p, int fd);
void kernel_epoll_free(struct kernel_file *f);

/* ---- Pipes and files ---- */
int kernel_pipe(struct kernel *p, int ret_fds[2], int flags);
int kernel_open(struct kernel *p, const char *path, int flags);
int64_t kernel_splice(struct kernel *p, int in, int out, size_t len, unsigned flags,
                      struct kernel_wait *wait);
int64_t kernel_sendfile(struct kernel *p, int out, int in, size_t len, struct kernel_wait *wait);
/* The pipe's side of readv and writev. */
int64_t kernel_pipe_read(struct kernel_file *f, const struct iovec *iov, int count);
int64_t kernel_pipe_write(struct kernel_file *f, const struct iovec *iov, int count);
uint32_t kernel_pipe_events(const struct kernel_file *f);
void kernel_pipe_close(struct kernel_file *f);

/* ---- Between the files of this module ---- */
/* A new descriptor of a kind, or a negative errno. */
int kernel_new_file(struct kernel *p, enum kernel_kind kind, int flags,
                    struct kernel_file **ret_file);
/* 0 and a socket's file, or -EBADF, -ENOTSOCK. */
int kernel_find_socket(const struct kernel *p, int fd, struct kernel_file **ret_file);
/* Copies up to `len` bytes into the pieces; returns how many. */
size_t kernel_scatter(const struct iovec *iov, size_t count, const uint8_t *flat, size_t len);
/* Would block: at once where the file (or MSG_DONTWAIT in `flags`) does not, after `timeout`
 * otherwise. */
int64_t kernel_block(struct kernel *p, const struct kernel_file *f, int flags, nst_time timeout,
                     struct kernel_wait *wait);

#endif
