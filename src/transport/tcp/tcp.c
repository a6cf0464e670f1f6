/* SPDX-License-Identifier: Apache-2.0 */
/* TCP as a transport of the stack: the table, birth and end. */
#include "transport/tcp/tcp.h"

#include "transport/tcp/budget.h"
#include "transport/tcp/icmp.h"
#include "transport/tcp/in.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/out.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/timewait.h"
#include "wire/ipproto.h"

#define BUFFER_MAX (6u << 20)

static void init_slabs(struct tcp_state *tcp, struct mem *mem)
{
    slab_init(&tcp->tcbs, mem, sizeof(struct tcb), "tcb", 16);
    slab_init(&tcp->txs, mem, sizeof(struct tx), "tcp tx", 16);
    slab_init(&tcp->pieces, mem, sizeof(struct piece), "tcp piece", 32);
    slab_init(&tcp->recs, mem, sizeof(struct rec), "tcp record", 32);
    slab_init(&tcp->runs, mem, sizeof(struct run), "tcp run", 16);
    slab_init(&tcp->ooos, mem, sizeof(struct ooo), "tcp ooo", 16);
    slab_init(&tcp->timewaits, mem, sizeof(struct timewait), "tcp time-wait", 32);
    slab_init(&tcp->listeners, mem, sizeof(struct listener), "tcp listener", 8);
    slab_init(&tcp->opts, mem, sizeof(struct tcb_opt), "tcp options", 16);
}

static int init(struct nst_stack *stack)
{
    struct mem *mem = &stack->pool->mem;
    struct tcp_state *tcp = mem_zalloc(mem, sizeof(*tcp));
    if (tcp == NULL)
        return -NST_ENOMEM;
    const struct nst_stack_config *c = &stack->config;
    stack->tcp = tcp;
    tcp->stack = stack;
    init_slabs(tcp, mem);
    list_init(&tcp->all);
    budget_init(stack);
    timewait_init(stack);
    tcp->isn_key = rand_siphash_key(&stack->rand);
    tcp->ts_key = rand_siphash_key(&stack->rand);
    bucket_init(&tcp->challenges, 1000, 1000, stack->now);
    tcp->snd_buf_max = c->tcp_send_buffer_max ? c->tcp_send_buffer_max : BUFFER_MAX;
    tcp->rcv_buf_max = c->tcp_receive_buffer_max ? c->tcp_receive_buffer_max : BUFFER_MAX;
    tcp->snd_buf_max = max_u32(min_u32(tcp->snd_buf_max, 1u << 30), TCB_BUF_MIN);
    tcp->rcv_buf_max = max_u32(min_u32(tcp->rcv_buf_max, 1u << 30), TCB_BUF_MIN);
    const nst_time rto_min = c->tcp_rto_min > 0 ? c->tcp_rto_min : 200 * NST_MSEC;
    const nst_time rto_max = c->tcp_rto_max > 0 ? c->tcp_rto_max : 120 * NST_SEC;
    tcp->rto_min_us = (uint32_t)min_i64(rto_min / NST_USEC, 120000000);
    tcp->rto_max_us = (uint32_t)min_i64(max_i64(rto_max, rto_min) / NST_USEC, 1000000000);
    tcp->time_wait = c->tcp_time_wait > 0 ? c->tcp_time_wait : 60 * NST_SEC;
    tcp->initial_window = min_u32(c->tcp_initial_window, 1000);
    tcp->off = c->tcp_off;
    while (tcp->rcv_wscale < TCP_WSCALE_MAX && tcp->rcv_buf_max >> tcp->rcv_wscale > 65535)
        tcp->rcv_wscale++;
    return 0;
}

static void fini(struct nst_stack *stack)
{
    struct tcp_state *tcp = stack->tcp;
    if (tcp == NULL)
        return;
    while (!list_is_empty(&tcp->hungry))
        budget_leave(LIST_FIRST(&tcp->hungry, struct tcb, node));
    /* Listeners' children move to `all` while they end. */
    while (!list_is_empty(&tcp->all)) {
        struct tcb *tcb = LIST_FIRST(&tcp->all, struct tcb, node);
        tcb_free(tcb);
    }
    timewait_fini(stack);
    budget_fini(stack);
    struct slab *slabs[] = {&tcp->tcbs, &tcp->txs,       &tcp->pieces,    &tcp->recs, &tcp->runs,
                            &tcp->ooos, &tcp->timewaits, &tcp->listeners, &tcp->opts};
    for (size_t i = 0; i < ARRAY_SIZE(slabs); i++)
        slab_fini(slabs[i]);
    mem_free(&stack->pool->mem, tcp, sizeof(*tcp));
    stack->tcp = NULL;
}

const struct transport_proto tcp_proto = {
    .name = "tcp",
    .number = IP_PROTO_TCP,
    .init = init,
    .fini = fini,
    .input = in_packet,
    .error = icmp_error,
};
