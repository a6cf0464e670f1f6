/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of POSIX over a stack in virtual time: descriptors, sockets, readiness, pipes, with
 * Linux's numbers and structures. Both the runner of scripts and the shared-object port stand on
 * it.
 *
 * Results are those of the system calls: 0 or positive, or a negative errno. A call that would
 * block gives POSIX_WAIT instead and keeps in its `struct posix_wait` how far it is: whoever calls
 * lets the world run on, at the latest to wait->until, and calls again with the same arguments.
 * Nothing of it touches the system.
 */
#ifndef NICSTACK_SRC_SCRIPT_POSIX_H
#define NICSTACK_SRC_SCRIPT_POSIX_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "script/stage.h"

#define POSIX_WAIT    INT64_MIN
#define POSIX_FDS_MAX 1024

/* Zero-initialise it for each call; `until` is when to call again even if nothing happened. */
struct posix_wait {
    bool begun;
    nst_time until;
    size_t done;
};

enum posix_kind {
    POSIX_SOCKET,
    POSIX_EPOLL,
    POSIX_PIPE,
    POSIX_ZERO, /* /dev/zero: for sendfile and splice */
};

struct posix_interest; /* of an epoll descriptor in a file */
struct posix_buffer;   /* of a pipe */

struct posix_file {
    enum posix_kind kind;
    int fd;
    int flags; /* O_NONBLOCK, O_RDWR */
    /* POSIX_SOCKET */
    nst_socket socket;
    enum nst_socket_type type;
    int family;
    int sndbuf, rcvbuf;          /* as they were set; 0: they were not */
    nst_time sndtimeo, rcvtimeo; /* 0: for ever */
    bool listening, connecting, connected, no_linger_wait;
    bool fresh;     /* something happened since the last edge was reported */
    uint32_t edges; /* counts these happenings */
    /* POSIX_EPOLL */
    struct posix_interest *interests;
    /* POSIX_PIPE */
    struct posix_buffer *buffer;
    bool writes; /* the end that is written to */
};

struct posix {
    struct stage *world;
    struct posix_file *files[POSIX_FDS_MAX];
    /* The number for a new descriptor, or a negative errno; NULL: the lowest free one from 3. */
    int (*take_number)(void *context);
    void (*give_number)(void *context, int fd);
    void *context;
    const char *unsupported; /* what was asked for that is not built in; static text */
    char unsupported_text[64];
};

void posix_init(struct posix *p, struct stage *world);
/* Closes everything that is open. */
void posix_fini(struct posix *p);
/* The file of a descriptor, or NULL. */
struct posix_file *posix_file(const struct posix *p, int fd);
/* Remembers that something is not built in, for whoever wants to skip. Gives `error` negated. */
int posix_refuse(struct posix *p, int error, const char *what, int64_t number);

/* ---- Life ---- */
int posix_socket(struct posix *p, int domain, int type, int protocol);
int posix_bind(struct posix *p, int fd, const struct sockaddr *addr, socklen_t len);
int posix_listen(struct posix *p, int fd, int backlog);
int64_t posix_accept(struct posix *p, int fd, struct sockaddr *addr, socklen_t *len, int flags,
                     struct posix_wait *wait);
int64_t posix_connect(struct posix *p, int fd, const struct sockaddr *addr, socklen_t len,
                      struct posix_wait *wait);
int posix_shutdown(struct posix *p, int fd, int how);
int64_t posix_close(struct posix *p, int fd, struct posix_wait *wait);
int posix_getsockname(struct posix *p, int fd, struct sockaddr *addr, socklen_t *len);
int posix_getpeername(struct posix *p, int fd, struct sockaddr *addr, socklen_t *len);
int posix_fcntl(struct posix *p, int fd, int command, int64_t argument);
/* `argument` is where an int is read or written. */
int posix_ioctl(struct posix *p, int fd, unsigned long request, int *argument);

/* ---- Data ---- */
int64_t posix_sendmsg(struct posix *p, int fd, const struct msghdr *msg, int flags,
                      struct posix_wait *wait);
int64_t posix_recvmsg(struct posix *p, int fd, struct msghdr *msg, int flags,
                      struct posix_wait *wait);
/* read and write, readv and writev: sockets, pipes. */
int64_t posix_readv(struct posix *p, int fd, const struct iovec *iov, int count,
                    struct posix_wait *wait);
int64_t posix_writev(struct posix *p, int fd, const struct iovec *iov, int count,
                     struct posix_wait *wait);

/* ---- Options ---- */
int posix_setsockopt(struct posix *p, int fd, int level, int name, const void *value,
                     socklen_t len);
int posix_getsockopt(struct posix *p, int fd, int level, int name, void *value, socklen_t *len);

/* ---- Readiness ---- */
struct pollfd;
struct epoll_event;
/* POLL* of a file, as they are now. */
uint32_t posix_events(struct posix *p, const struct posix_file *f);
int64_t posix_poll(struct posix *p, struct pollfd *fds, unsigned long count, int timeout_ms,
                   struct posix_wait *wait);
int posix_epoll_create(struct posix *p, int flags);
int posix_epoll_ctl(struct posix *p, int epfd, int op, int fd, struct epoll_event *event);
int64_t posix_epoll_wait(struct posix *p, int epfd, struct epoll_event *events, int max,
                         int timeout_ms, struct posix_wait *wait);
/* Forgets a file that is closed. */
void posix_epoll_forget(struct posix *p, int fd);
void posix_epoll_free(struct posix_file *f);

/* ---- Pipes and files ---- */
int posix_pipe(struct posix *p, int ret_fds[2], int flags);
int posix_open(struct posix *p, const char *path, int flags);
int64_t posix_splice(struct posix *p, int in, int out, size_t len, unsigned flags,
                     struct posix_wait *wait);
int64_t posix_sendfile(struct posix *p, int out, int in, size_t len, struct posix_wait *wait);
/* The pipe's side of readv and writev. */
int64_t posix_pipe_read(struct posix_file *f, const struct iovec *iov, int count);
int64_t posix_pipe_write(struct posix_file *f, const struct iovec *iov, int count);
uint32_t posix_pipe_events(const struct posix_file *f);
void posix_pipe_close(struct posix_file *f);

/* ---- Between the files of this module ---- */
/* A new descriptor of a kind, or a negative errno. */
int posix_new_file(struct posix *p, enum posix_kind kind, int flags, struct posix_file **ret_file);
/* 0 and a socket's file, or -EBADF, -ENOTSOCK. */
int posix_find_socket(const struct posix *p, int fd, struct posix_file **ret_file);
/* Would block: at once where the file (or MSG_DONTWAIT in `flags`) does not, after `timeout`
 * otherwise. */
int64_t posix_block(struct posix *p, const struct posix_file *f, int flags, nst_time timeout,
                    struct posix_wait *wait);

#endif
