/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets inside: a handle, what it is ready for, and the endpoint of a transport beneath.
 *
 * Theory of operation
 *
 * A `struct sock` belongs to the socket table from nst_socket_open, accept or nst_request_accept
 * until close or abort. It owns its endpoint in between and gives it back to the transport then; a
 * stream goes on alone. The endpoint knows the socket only by `ready`, the entry of the ready list.
 *
 * What a type of socket can do is a table of operations; an operation that is NULL is
 * -NST_EPROTOTYPE. stream.c, datagram.c and packet.c fill them in. options.c, ready.c, transfer.c
 * and socket.c have the public functions, way.c tells who lost his NIC.
 *
 * Invariant: every socket is in the handle table; it is on the ready list at most once.
 */
#ifndef NICSTACK_SRC_SOCKET_SOCK_H
#define NICSTACK_SRC_SOCKET_SOCK_H

#include <nicstack/socket.h>

#include "base/slab.h"
#include "stack/handle.h"
#include "stack/stack.h"
#include "transport/forwarder.h"

struct sock {
    struct ready ready;
    const struct sock_ops *ops;
    nst_socket handle;
    void *context;
    bool down; /* it was told that it has no way (NST_READY_DOWN) */
    enum nst_socket_type type;
    union {
        struct tcb *tcb;
        struct dgram *dgram;
        struct packet_socket *packet;
    };
};

/* Arguments are as the public functions say, and were checked for NULL. */
struct sock_ops {
    /* Makes the endpoint. 0 or -NST_ENOMEM. */
    int (*open)(struct nst_stack *stack, struct sock *s);
    /* Gives the endpoint back. `abort`: by reset. */
    void (*close)(struct sock *s, bool abort);
    int (*bind)(struct sock *s, const struct nst_endpoint *local);
    int (*connect)(struct sock *s, const struct nst_endpoint *remote);
    int (*listen)(struct sock *s, int backlog);
    int (*accept)(struct sock *s, struct tcb **ret_child);
    int (*shutdown)(struct sock *s, int how);
    int64_t (*send)(struct sock *s, const struct nst_iovec *iov, size_t count, uint32_t flags,
                    const struct nst_endpoint *to);
    int64_t (*recv)(struct sock *s, void *data, size_t size, uint32_t flags,
                    struct nst_message *ret_message);
    int (*get_local)(struct sock *s, struct nst_endpoint *ret);
    int (*get_remote)(struct sock *s, struct nst_endpoint *ret);
    uint32_t (*events)(struct sock *s);
    int (*error)(struct sock *s);
    int64_t (*recv_error)(struct sock *s, void *data, size_t size, struct nst_error_info *ret_info);
    int (*set)(struct sock *s, enum nst_option option, int64_t value);
    int (*get)(struct sock *s, enum nst_option option, int64_t *ret_value);
    int (*join)(struct sock *s, const struct nst_addr *group, uint32_t nic);
    int (*leave)(struct sock *s, const struct nst_addr *group, uint32_t nic);
};

extern HIDDEN const struct sock_ops stream_ops;
extern HIDDEN const struct sock_ops datagram_ops;
extern HIDDEN const struct sock_ops ping_ops;
extern HIDDEN const struct sock_ops raw_ops;
extern HIDDEN const struct sock_ops packet_raw_ops;
extern HIDDEN const struct sock_ops packet_cooked_ops;

struct socket_table {
    struct nst_stack *stack;
    struct handle_table handles;
    struct todo ways; /* stack->ways */
    struct slab slab;
};

/* 0 or -NST_ENOMEM. */
int sockets_init(struct nst_stack *stack);
/* Closes every socket, datagram endpoints too; connections are left to TCP, which reports to nobody
 * any more. Not initialised is fine. */
void sockets_fini(struct nst_stack *stack);

/* N8 (way.c): is there no way to send for the local end of s? */
bool way_is_down(const struct nst_stack *stack, struct sock *s);
/* Of stack->ways: the ways of sockets changed. */
HIDDEN void way_check_all(struct todo *todo);

/* A socket of a type without endpoint. NULL: no memory. */
struct sock *sock_new(struct nst_stack *stack, enum nst_socket_type type);
/* Takes it off the tables. The endpoint is the caller's affair, before. */
void sock_free(struct nst_stack *stack, struct sock *s);

static inline bool sock_is_packet(const struct sock *s)
{
    return s->type == NST_PACKET_RAW || s->type == NST_PACKET_COOKED;
}

/* The socket of a handle; NULL: -NST_EBADHANDLE. */
static inline struct sock *sock_lookup(const struct nst_stack *stack, nst_socket handle)
{
    if (unlikely(stack == NULL))
        return NULL;
    DEBUG_CHECK(!stack->running);
    return handle_lookup(&stack->sockets->handles, handle);
}

#endif
