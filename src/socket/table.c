/* SPDX-License-Identifier: Apache-2.0 */
#include "socket/sock.h"
#include "transport/tcp/tcp.h"

#define SOCKETS_PER_CHUNK 32

int sockets_init(struct nst_stack *stack)
{
    struct socket_table *t = mem_zalloc(&stack->pool->mem, sizeof(*t));
    if (t == NULL)
        return -NST_ENOMEM;
    handle_table_init(&t->handles, &stack->pool->mem);
    slab_init(&t->slab, &stack->pool->mem, sizeof(struct sock), "socket", SOCKETS_PER_CHUNK);
    stack->sockets = t;
    t->stack = stack;
    todo_init(&t->ways, way_check_all);
    stack->ways = &t->ways;
    return 0;
}

static void orphan(struct nst_stack *stack, struct sock *s)
{
    if (s->type == NST_STREAM)
        tcp_set_ready(s->tcb, NULL);
    else
        s->ops->close(s, false);
    sock_free(stack, s);
}

void sockets_fini(struct nst_stack *stack)
{
    struct socket_table *t = stack->sockets;

    if (t == NULL)
        return;
    for (uint32_t i = 0; i < t->handles.capacity; i++) {
        struct sock *s = handle_at(&t->handles, i);
        if (s != NULL)
            orphan(stack, s);
    }
    stack->ways = NULL;
    todo_cancel(&t->ways);
    handle_table_fini(&t->handles);
    slab_fini(&t->slab);
    mem_free(&stack->pool->mem, t, sizeof(*t));
    stack->sockets = NULL;
}

struct sock *sock_new(struct nst_stack *stack, enum nst_socket_type type)
{
    static const struct sock_ops *const ops[] = {
        [NST_STREAM] = &stream_ops,
        [NST_DATAGRAM] = &datagram_ops,
        [NST_PING] = &ping_ops,
        [NST_RAW] = &raw_ops,
        [NST_PACKET_RAW] = &packet_raw_ops,
        [NST_PACKET_COOKED] = &packet_cooked_ops,
    };
    struct socket_table *t = stack->sockets;
    struct sock *s = slab_take(&t->slab);
    if (s == NULL)
        return NULL;
    *s = (struct sock){.ops = ops[type], .type = type};
    ready_init(&s->ready);
    s->handle = handle_add(&t->handles, s);
    if (s->handle == 0) {
        slab_give(&t->slab, s);
        return NULL;
    }
    return s;
}

void sock_free(struct nst_stack *stack, struct sock *s)
{
    struct socket_table *t = stack->sockets;
    ready_cancel(&s->ready);
    handle_remove(&t->handles, s->handle);
    slab_give(&t->slab, s);
}
