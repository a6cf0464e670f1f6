/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of notify share: sockets of the program, and calls that wait for an answer. See
 * notify.h.
 */
#ifndef NICSTACK_CLI_NOTIFY_NOTIFY_SOCKET_H
#define NICSTACK_CLI_NOTIFY_NOTIFY_SOCKET_H

#include <linux/seccomp.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "notify/notify.h"
#include "notify/notify_message.h"

enum {
    NOTIFY_BUCKETS = 4096,
    NOTIFY_SERVERS_MAX = 8,
    NOTIFY_OPTIONS_MAX = 40,
    NOTIFY_BUFFER_SIZE = 65536,
};

/* What becomes of a call, beside a result (0 and more) or a negative errno. */
#define NOTIFY_CONTINUE ((int64_t)-10001) /* the kernel does it, on the program's end */
#define NOTIFY_WAIT     ((int64_t)-10002) /* it is tried again when its socket says something new */
#define NOTIFY_ANSWERED ((int64_t)-10003)

/* A call, with its arguments as the program gave them. */
struct notify_call {
    TAILQ_ENTRY(notify_call) link; /* socket->calls, while it waits */
    struct nst_loop_timer timer;   /* of a call that waits no longer than so long */
    struct notify *notify;
    struct notify_socket *socket; /* of args[0]; NULL: none of ours */
    uint64_t id;
    uint64_t args[6];
    pid_t tid;
    int nr;
    bool is_begun; /* connect: it is this call's own attempt */
    bool is_over;  /* its time is up */
};

TAILQ_HEAD(notify_calls, notify_call);

enum notify_state {
    NOTIFY_FRESH,
    NOTIFY_CONNECTING,
    NOTIFY_CONNECTED, /* of datagrams: it has a peer */
    NOTIFY_LISTENING,
};

struct notify_socket {
    struct nst_watch watch;     /* first: of our end */
    struct notify_socket *next; /* in its bucket */
    struct notify *notify;
    uint64_t inode; /* of the program's end */
    pid_t tid;      /* who named it last, and by which descriptor */
    int fd;
    enum nst_socket_type type;
    int family;
    enum notify_state state;
    nst_socket socket;        /* of the guest's stack */
    struct nst_endpoint peer; /* as the program said it, or accept found it */
    int error;                /* SO_ERROR: an errno */
    struct notify_calls calls;
    struct nst_loop_timer timer; /* to go on pumping */
    int32_t options[NOTIFY_OPTIONS_MAX];
    int linger;   /* seconds; negative: off */
    bool is_gone; /* the program has closed it */

    /* Streams. */
    struct nst_pump pump;
    size_t filled;       /* bytes in the program's end that keep it from being writable */
    bool is_told;        /* the program knows that it is connected */
    bool is_discarding;  /* the program will not read any more */
    nst_socket accepted; /* the next connection, 0: none waits */
    struct nst_endpoint accepted_peer;
    bool has_token; /* the byte that says so is in the program's end */

    /* Datagrams. */
    struct nst_endpoint sender; /* of the one in the program's end */
    struct nst_addr alias;      /* the name server that the program means by our DNS */
    bool has_alias;
};

struct notify {
    struct notify_config config;
    struct nst_stack *stack;
    struct nst_link *loopback;
    struct nst_watch watch; /* of the listener */
    struct notify_socket *sockets[NOTIFY_BUCKETS];
    struct nst_addr servers[NOTIFY_SERVERS_MAX];
    size_t server_count;
    struct seccomp_notif *request; /* as large as this kernel's */
    struct seccomp_notif_resp *response;
    size_t request_size, response_size;
    struct iovec pieces[NOTIFY_PIECES_MAX];
    uint8_t buffer[NOTIFY_BUFFER_SIZE];
};

/* ---- notify_socket.c ---- */

/*
 * Makes a socket of the guest's stack, or takes `accepted` over (0: none), and its pair of ends.
 * ret_theirs: the program's end, to be handed in and closed. 0 or a negative errno; then
 * `accepted` stays the caller's.
 */
int notify_socket_new(struct notify *notify, enum nst_socket_type type, int family,
                      nst_socket accepted, int *ret_theirs, struct notify_socket **ret_socket);
/* Closes our end and the guest's socket, by RST if `reset`, and drops the calls that wait. */
void notify_socket_free(struct notify_socket *socket, bool reset);
struct notify_socket *notify_socket_find(const struct notify *notify, uint64_t inode);
/* A guest's socket that failed is replaced by a new one with the same options. 0 or a negative
 * errno. */
int notify_socket_renew(struct notify_socket *socket);
/* Something has happened: the calls that wait are tried again. */
void notify_socket_retry(struct notify_socket *socket);
/* The pending error, a positive errno or 0, which is cleared. */
int notify_socket_take_error(struct notify_socket *socket);
/* A descriptor of the program's end, to be closed soon; a negative errno. ret_nonblocking may be
 * NULL. */
int notify_socket_take_end(const struct notify_socket *socket, int *ret_nonblocking);
/* A result of the library as that of a call. */
int64_t notify_result(int64_t result);
/* An address of the program's, with the host's name servers replaced by our DNS. */
struct nst_endpoint notify_socket_translate(struct notify_socket *socket,
                                            const struct nst_endpoint *endpoint);

/* ---- notify_calls.c ---- */

/* Does a call and answers it, or keeps a copy of it. */
void notify_call_do(struct notify_call *call);
/* Whether its thread still waits: what was read of its process was its own. */
bool notify_call_is_alive(const struct notify_call *call);
/* Hands a descriptor in as the result of the call. Its number, or a negative errno (-ENOENT: nobody
 * waits any more). */
int notify_call_hand_in(const struct notify_call *call, int fd, bool cloexec);
/* Writes a socket address where the call wants it: `address` of `*length`, both in its memory; an
 * `address` of 0 wants none. 0 or a negative errno. */
int notify_call_write_address(const struct notify_call *call, const struct nst_endpoint *endpoint,
                              uint64_t address, uint64_t length);

/* ---- notify_stream.c ---- */

int64_t notify_stream_connect(struct notify_call *call, const struct nst_endpoint *to);
int64_t notify_stream_listen(struct notify_call *call, int backlog);
int64_t notify_stream_accept(struct notify_call *call, int flags);
int64_t notify_stream_shutdown(struct notify_call *call, int how);
/* Events of our end (epoll's), of the guest's socket (NST_READY_*). Either may free the socket. */
void notify_stream_on_end(struct notify_socket *socket, uint32_t events);
void notify_stream_on_stack(struct notify_socket *socket, uint32_t events);

/* ---- notify_datagram.c ---- */

/* One datagram to be sent or received, in the memory of the call's process. */
struct notify_datagram {
    struct iovec *pieces;
    size_t piece_count;
    uint32_t flags;       /* MSG_* */
    uint64_t name;        /* 0: none */
    uint32_t name_len;    /* sending */
    uint64_t name_len_at; /* receiving: where its length is read and written; 0: name_len is it */
    uint32_t ret_name_len;
    bool ret_truncated;
};

int64_t notify_datagram_connect(struct notify_call *call, const struct nst_endpoint *to);
/* The bytes that were sent, or a negative errno. */
int64_t notify_datagram_send(struct notify_call *call, const struct notify_datagram *datagram);
/*
 * end: the program's, from notify_socket_take_end. The bytes of the datagram (its whole length
 * with MSG_TRUNC), or a negative errno (-EAGAIN: there is none). It stays in the queue until
 * notify_datagram_consume().
 */
int64_t notify_datagram_receive(struct notify_call *call, int end,
                                struct notify_datagram *datagram);
void notify_datagram_consume(struct notify_socket *socket, int end);
void notify_datagram_on_end(struct notify_socket *socket, uint32_t events);
void notify_datagram_on_stack(struct notify_socket *socket, uint32_t events);

/* ---- notify_options.c ---- */

int64_t notify_options_get(struct notify_call *call);
int64_t notify_options_set(struct notify_call *call);
/* What they are before anybody sets them; and on a new socket of the guest's what was set. */
void notify_options_init(struct notify_socket *socket);
void notify_options_apply(struct notify_socket *socket);

#endif
