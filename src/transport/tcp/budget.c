/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/budget.h"

#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sndbuf.h"
#include "transport/tcp/timewait.h"

/* Memory that comes free elsewhere (links, other protocols) tells nobody. */
#define RETRY (10 * NST_MSEC)

static uint64_t connections_cost(const struct tcp_state *tcp)
{
    return tcp->tcbs.live * BUDGET_CONNECTION + tcp->timewaits.live * sizeof(struct timewait);
}

/* Bytes for data, and how many are in use. */
struct data {
    uint64_t limit, used;
};

static struct data measure(const struct tcp_state *tcp)
{
    const struct mem *mem = &tcp->stack->pool->mem;
    const uint64_t fixed = connections_cost(tcp);
    /* budget_may_open leaves an eighth; what is below is rounding. */
    const uint64_t least = mem->limit / 8;
    const uint64_t limit = mem->limit > fixed + least ? mem->limit - fixed : least;
    const uint64_t room = mem_room(mem);
    return (struct data){limit, limit > room ? limit - room : 0};
}

enum budget_level budget_level(const struct tcp_state *tcp)
{
    const struct data d = measure(tcp);
    if (likely(d.used <= d.limit / 2))
        return BUDGET_FREE;
    return d.used <= d.limit - d.limit / 4 ? BUDGET_TIGHT : BUDGET_CRITICAL;
}

bool budget_may_open(const struct tcp_state *tcp)
{
    const struct mem *mem = &tcp->stack->pool->mem;
    return connections_cost(tcp) + BUDGET_CONNECTION <= mem->limit - mem->limit / 8 &&
           mem_room(mem) > mem->limit / 16;
}

static uint32_t share(uint64_t bytes, uint64_t among, uint32_t least, uint32_t most)
{
    const uint64_t each = bytes / (among > 0 ? among : 1);
    if (each > most)
        return most;
    return each < least ? least : (uint32_t)each;
}

uint32_t budget_send_share(const struct tcb *tcb)
{
    const struct tcp_state *tcp = tcb->stack->tcp;
    return share(measure(tcp).limit / 2, tcp->txs.live, BUDGET_GRANT / 2, tcb->snd.buf);
}

uint32_t budget_receive_share(const struct tcb *tcb)
{
    const struct tcp_state *tcp = tcb->stack->tcp;
    /* Two segments are offered always: a window that is shut for want of memory would open when the
     * peer asks, and peers ask seldom. */
    const uint32_t mss = max_u32(tcb->rcv.mss, tcb->snd.path_mss);
    const uint32_t least = min_u32(2 * mss, TCB_BUF_MIN);
    return share(measure(tcp).limit / 4, tcp->tcbs.live, least, max_u32(tcb->rcv.buf, least));
}

uint32_t budget_first_buffer(const struct tcp_state *tcp)
{
    return share(measure(tcp).limit / 2, tcp->tcbs.live + 1, TCB_BUF_MIN, TCB_BUF_DEFAULT);
}

bool budget_may_keep(const struct tcb *tcb, uint32_t len)
{
    const uint32_t unread = rcvbuf_unread(tcb);
    const struct data d = measure(tcb->stack->tcp);
    return d.used <= d.limit - d.limit / 8 || unread == 0 ||
           unread + len <= budget_receive_share(tcb);
}

/* ---- Those who wait ---- */

void budget_wait(struct tcb *tcb)
{
    struct tcp_state *tcp = tcb->stack->tcp;
    /* A listener's children are in its lists, and nobody's to send with. */
    if (tcb->hungry || tcb->embryo)
        return;
    tcb->hungry = true;
    tcb->granted = false;
    list_remove(&tcb->node);
    list_add_tail(&tcp->hungry, &tcb->node);
    COUNT(tcb->stack->counters.tcp_memory_waits);
    if (!timer_is_armed(&tcp->hungry_timer))
        stack_arm(tcb->stack, &tcp->hungry_timer, tcb->stack->now + RETRY);
}

void budget_leave(struct tcb *tcb)
{
    if (!tcb->hungry)
        return;
    struct tcp_state *tcp = tcb->stack->tcp;
    tcb->hungry = false;
    list_remove(&tcb->node);
    list_add_tail(&tcp->all, &tcb->node);
    if (list_is_empty(&tcp->hungry))
        wheel_cancel(&tcb->stack->wheel, &tcp->hungry_timer);
}

static void grant(struct tcb *tcb)
{
    budget_leave(tcb);
    tcb->granted = true;
    if (tcb->tx != NULL)
        tcb_schedule(tcb, TODO_SEND);
    tcb_notify(tcb, NST_READY_OUT);
}

/* Once for all that was freed in this turn. */
static void serve(struct todo *todo)
{
    struct tcp_state *tcp = container_of(todo, struct tcp_state, hungry_todo);
    const struct data d = measure(tcp);
    const uint64_t until = d.limit - d.limit / 4;
    uint64_t used = d.used;
    while (!list_is_empty(&tcp->hungry) && used + BUDGET_GRANT <= until) {
        grant(LIST_FIRST(&tcp->hungry, struct tcb, node));
        used += BUDGET_GRANT;
    }
}

void budget_freed_slow(struct tcp_state *tcp)
{
    todo_schedule(tcp->stack, &tcp->hungry_todo);
}

static void fire(struct timer *timer, nst_time now)
{
    struct tcp_state *tcp = container_of(timer, struct tcp_state, hungry_timer);
    budget_relieve(tcp);
    if (list_is_empty(&tcp->hungry))
        return;
    stack_arm(tcp->stack, timer, now + RETRY);
    budget_freed_slow(tcp);
}

/* ---- Out of order ---- */

void budget_relieve_slow(struct tcp_state *tcp)
{
    while (!list_is_empty(&tcp->holes) && budget_level(tcp) == BUDGET_CRITICAL) {
        struct ooo *ooo = LIST_FIRST(&tcp->holes, struct ooo, node);
        COUNT(tcp->stack->counters.tcp_out_of_order_given_up);
        rcvbuf_free_ooo(ooo->tcb);
    }
    budget_freed(tcp);
}

void budget_init(struct nst_stack *stack)
{
    struct tcp_state *tcp = stack->tcp;
    list_init(&tcp->hungry);
    list_init(&tcp->holes);
    todo_init(&tcp->hungry_todo, serve);
    timer_init(&tcp->hungry_timer, fire);
}

void budget_fini(struct nst_stack *stack)
{
    todo_cancel(&stack->tcp->hungry_todo);
    wheel_cancel(&stack->wheel, &stack->tcp->hungry_timer);
}
