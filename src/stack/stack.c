/* SPDX-License-Identifier: Apache-2.0 */
/* stack.h has the theory of operation. */
#include "stack/stack.h"

#include <nicstack/event.h>

#include "base/check.h"
#include "base/config.h"
#include "base/fmt.h"
#include "stack/nic.h"

#define MEMORY_LIMIT (64u << 20)
/* Turns of one nst_stack_run, so that traffic that feeds itself (a loopback) gives the host a
 * chance; what is left is due at once. */
#define TURNS_MAX 64
/* Received packets that a NIC may work off before the next one's turn. */
#define INPUT_BATCH 64
/* Timers of one turn; a bound on mistakes, not on work. */
#define FIRES_MAX 65536
/* Passes over the to-do list in one epilogue. */
#define PASSES_MAX 16
/* Free blocks that nobody took for so long are given back. */
#define TRIM_AFTER NST_SEC
#define LOG_LINE   256

/* ---- Life ---- */

static bool config_is_valid(const struct nst_stack_config *config)
{
    static const uint8_t zeros[sizeof(config->seed)];
    return config->allocator.alloc != NULL && config->allocator.free != NULL &&
           memcmp(config->seed, zeros, sizeof(zeros)) != 0;
}

static void trim_fire(struct timer *timer, nst_time now)
{
    struct nst_stack *stack = container_of(timer, struct nst_stack, trim);
    if (stack->pool->cache_used) {
        stack->pool->cache_used = false;
        stack_arm(stack, timer, now + TRIM_AFTER);
    } else {
        pool_trim(stack->pool);
    }
}

/* Divided here, once for all packets of a turn. */
static void set_now(struct nst_stack *stack, nst_time now)
{
    stack->now = now;
    stack->now_us = (uint32_t)(now / NST_USEC);
    stack->now_ms = (uint32_t)(now / NST_MSEC);
}

static void fill_in(struct nst_stack *stack, const struct nst_stack_config *config)
{
    stack->config = *config;
    set_now(stack, config->now);
    stack->handle_local = config->handle_local;
    stack->weak_host = config->weak_host;
    stack->csum = stack->pool->csum;
    wheel_init(&stack->wheel, config->now);
    timer_init(&stack->trim, trim_fire);
    list_init(&stack->todos);
    list_init(&stack->nics);
    list_init(&stack->raws);
    list_init(&stack->taps);
    ready_list_init(&stack->ready);
    rand_init(&stack->rand, config->seed);
    stack->hash_key = rand_siphash_key(&stack->rand);
    route_table_init(stack);
    dst_table_init(stack);
    demux_init(stack);
    stack_choose_inputs(stack);
}

int stack_new(const struct nst_stack_config *config, struct nst_stack **ret_stack)
{
    struct nst_stack_config c;
    if (!config_copy(&c, sizeof(c), config, offsetof(struct nst_stack_config, now)) ||
        !config_is_valid(&c))
        return -NST_EINVAL;
    struct nst_pool *pool =
        pool_new(&c.allocator, c.memory_limit != 0 ? c.memory_limit : MEMORY_LIMIT);
    if (pool == NULL)
        return -NST_ENOMEM;
    struct nst_stack *stack = mem_zalloc(&pool->mem, sizeof(*stack));
    if (stack == NULL) {
        pool_retire(pool);
        return -NST_ENOMEM;
    }
    stack->pool = pool;
    fill_in(stack, &c);
    *ret_stack = stack;
    return 0;
}

void stack_add_net(struct nst_stack *stack, const struct net_proto *proto)
{
    stack->net[proto->index] = proto;
}

void stack_add_transport(struct nst_stack *stack, const struct transport_proto *proto)
{
    CHECK(stack->transport_count < STACK_TRANSPORTS_MAX);
    stack->transport[stack->transport_count++] = proto;
    stack->transport_index[proto->number] = stack->transport_count;
    stack_choose_inputs(stack);
}

/* Both undo what stack_start did, as far as it came. */
static void stop_transports(struct nst_stack *stack)
{
    while (stack->transports_started > 0) {
        const struct transport_proto *t = stack->transport[--stack->transports_started];
        if (t->fini != NULL)
            t->fini(stack);
    }
}

static void stop_nets(struct nst_stack *stack)
{
    while (stack->nets_started > 0) {
        const struct net_proto *n = stack->net[--stack->nets_started];
        if (n != NULL && n->fini != NULL)
            n->fini(stack);
    }
}

int stack_start(struct nst_stack *stack)
{
    int r = 0;
    for (; r == 0 && stack->nets_started < NET_INDEX_MAX; stack->nets_started++) {
        const struct net_proto *n = stack->net[stack->nets_started];
        if (n != NULL && n->init != NULL && (r = n->init(stack)) < 0)
            break;
    }
    for (; r == 0 && stack->transports_started < stack->transport_count;
         stack->transports_started++) {
        const struct transport_proto *t = stack->transport[stack->transports_started];
        if (t->init != NULL && (r = t->init(stack)) < 0)
            break;
    }
    if (r < 0) {
        stop_transports(stack);
        stop_nets(stack);
    }
    return r;
}

void stack_free(struct nst_stack *stack)
{
    struct nst_pool *pool = stack->pool;
    /* Transports first, while their destinations and NICs are whole; then NICs while the network
     * protocols are. */
    stop_transports(stack);
    while (!list_is_empty(&stack->nics))
        nic_free(LIST_FIRST(&stack->nics, struct nic, node));
    nst_event_stop(stack);
    dst_table_fini(stack);
    stop_nets(stack);
    demux_fini(stack);
    route_table_fini(stack);
    wheel_cancel(&stack->wheel, &stack->trim);
    DEBUG_CHECK(list_is_empty(&stack->todos) && stack->wheel.count == 0);
    DEBUG_CHECK(pool_queued(pool) == 0);
    mem_free(&pool->mem, stack, sizeof(*stack));
    pool_retire(pool);
}

/* ---- Running ---- */

static void run_links(struct nst_stack *stack)
{
    struct nic *nic;
    stack->running = true;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic->link->ops->run != NULL)
            nic->link->ops->run(nic->link, stack->now);
    }
    stack->running = false;
}

/* One batch of every NIC that has any, beginning behind the one that was served last: so a small
 * limit starves nobody. */
static uint32_t run_input(struct nst_stack *stack, uint32_t limit)
{
    uint32_t done = 0;
    struct list *at = &stack->nics;
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic->id <= stack->last_served)
            at = &nic->node;
    }
    struct list *begin = at;
    do {
        at = at->next;
        if (at == &stack->nics)
            continue;
        nic = container_of(at, struct nic, node);
        if (!nic_has_input(nic))
            continue;
        stack->last_served = nic->id;
        done += nic_run_input(nic, min_u32(limit - done, INPUT_BATCH));
    } while (at != begin && done < limit);
    return done;
}

static bool has_input(const struct nst_stack *stack)
{
    const struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic_has_input(nic))
            return true;
    }
    return false;
}

/* Connections first; the NICs that they send through come behind them in the list, so that each
 * flushes once. */
static void run_todos(struct nst_stack *stack)
{
    for (unsigned pass = 0; pass < PASSES_MAX && !list_is_empty(&stack->todos); pass++) {
        struct list batch;
        list_init(&batch);
        list_splice_tail(&batch, &stack->todos);
        while (!list_is_empty(&batch)) {
            struct todo *todo = container_of(batch.next, struct todo, node);
            list_remove(&todo->node);
            todo->run(todo);
        }
    }
}

/* The fastest checksum of this machine. Asking the CPU traps in a virtual machine, which takes more
 * than all the rest of making a stack, so it is done when the first packet is near. */
static void choose_csum(struct nst_stack *stack)
{
    stack->has_run = true;
    stack->pool->csum = csum_select();
    stack->csum = stack->pool->csum;
}

uint32_t nst_stack_run(struct nst_stack *stack, nst_time now, uint32_t work_limit)
{
    stack_check_caller(stack);
    if (unlikely(!stack->has_run))
        choose_csum(stack);
    if (now > stack->now)
        set_now(stack, now);
    if (!list_is_empty(&stack->nics))
        run_links(stack);
    uint32_t limit = work_limit != 0 ? work_limit : UINT32_MAX;
    uint32_t packets = 0;
    uint32_t fires = 0;
    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        uint32_t taken = run_input(stack, limit - packets);
        uint32_t fired = (uint32_t)wheel_advance(&stack->wheel, stack->now, FIRES_MAX);
        run_todos(stack);
        packets += taken;
        fires += fired;
        if (taken + fired == 0 || packets == limit)
            break;
    }
    if (unlikely(pool_has_cache(stack->pool)) && !timer_is_armed(&stack->trim)) {
        stack->pool->cache_used = false;
        stack_arm(stack, &stack->trim, stack->now + TRIM_AFTER);
    }
    return packets + fires;
}

nst_time nst_stack_next_deadline(const struct nst_stack *stack)
{
    if (!list_is_empty(&stack->todos) || has_input(stack))
        return stack->now;
    /* The wheel remembers what it finds; nothing that can be seen changes. */
    nst_time next = wheel_next((struct wheel *)&stack->wheel);
    const struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic->link->ops->next_deadline != NULL)
            next = min_i64(next, nic->link->ops->next_deadline(nic->link));
    }
    return next;
}

nst_time nst_stack_now(const struct nst_stack *stack)
{
    return stack->now;
}

/* ---- To the transport ---- */

void stack_refuse_transport(struct pkt *p, const struct rx *rx)
{
    tally_add(&rx->nic->stack->unknown_protocols, rx->proto);
    if (!rx->raw_took)
        rx->net->send_error(rx->nic, p, NET_ERROR_PROTO_UNREACHABLE, 0);
    pkt_drop(p, DROP_TRANS_UNKNOWN);
}

/* The rarer part of stack_deliver_transport: raw sockets, or no transport. */
static void deliver_rest(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    const struct transport_proto *transport = stack_transport(stack, rx->proto);
    struct rx seen = *rx;
    /* N100 */
    seen.raw_took = stack->raw_input != NULL && stack->raw_input(stack, p, rx);
    /* N101 */
    if (transport != NULL)
        transport->input(stack, p, &seen);
    else
        stack_refuse_transport(p, &seen);
}

void stack_choose_inputs(struct nst_stack *stack)
{
    stack->transport_input[0] = deliver_rest;
    for (unsigned i = 0; i < stack->transport_count; i++)
        stack->transport_input[i + 1] =
            stack->raw_input != NULL ? deliver_rest : stack->transport[i]->input;
}

bool stack_report_error(struct nst_stack *stack, uint8_t proto,
                        const struct net_error_report *report)
{
    const struct transport_proto *transport = stack_transport(stack, proto);
    bool told = stack->raw_error != NULL && stack->raw_error(stack, proto, report);
    if (transport != NULL && transport->error != NULL) {
        transport->error(stack, report);
        told = true;
    }
    return told;
}

void stack_report_unresolved(struct net_ep *ep, const struct pkt *p, uint8_t proto,
                             const struct net_error_report *report)
{
    struct nst_stack *stack = ep->nic->stack;
    struct nic *came_by = nic_by_id(stack, p->nic_id); /* 0: it is our own */
    if (came_by != NULL && addrs_owner(stack, ep->proto->index, &report->src) == NULL)
        ep->proto->send_error(came_by, p, report->kind, 0);
    else
        (void)stack_report_error(stack, proto, report);
}

/* ---- What can be seen ---- */

void stack_log(struct nst_stack *stack, const char *format, ...)
{
    if (stack->config.log == NULL)
        return;
    char line[LOG_LINE];
    struct fmt f;
    va_list args;
    fmt_init(&f, line, sizeof(line));
    va_start(args, format);
    fmt_vf(&f, format, args);
    va_end(args);
    stack->config.log(stack->config.log_context, line);
}

void nst_stack_get_memory(const struct nst_stack *stack, struct nst_memory *ret_memory)
{
    const struct mem *mem = &stack->pool->mem;
    *ret_memory = (struct nst_memory){mem->used, mem->peak, mem->limit};
}

void nst_stack_get_census(const struct nst_stack *stack, struct nst_census *ret_census)
{
    const struct pool_census *c = &stack->pool->census;
    *ret_census = (struct nst_census){
        .received = c->received,
        .built = c->built,
        .cloned = c->cloned,
        .split = c->split,
        .transmitted = c->transmitted,
        .queued = pool_queued(stack->pool),
        .delivered = c->delivered,
        .merged = c->merged,
        .dropped = c->dropped,
        .alive = stack->pool->packets_alive,
        .blocks = stack->pool->blocks_alive,
    };
}

bool nst_stack_unknown_at(const struct nst_stack *stack, size_t n, struct nst_tally *ret)
{
    return tally_at(&stack->unknown_protocols, n, ret);
}

bool nst_stack_counter_at(const struct nst_stack *stack, size_t n, struct nst_counter *ret)
{
    const size_t counters = sizeof(struct stack_counters) / sizeof(uint64_t);
    if (n < counters) {
        const struct counter_desc *d = counter_stack_at(n);
        const uint8_t *at = (const uint8_t *)&stack->counters + d->offset;
        *ret = (struct nst_counter){d->name, d->text, *(const uint64_t *)(const void *)at};
        return true;
    }
    n -= counters;
    if (n >= DROP_REASON_MAX)
        return false;
    enum drop_reason reason = (enum drop_reason)n;
    *ret = (struct nst_counter){drop_counter_name(reason), drop_text(reason),
                                stack->pool->drops[reason]};
    return true;
}

int nst_stack_counter_get(const struct nst_stack *stack, const char *name, uint64_t *ret_value)
{
    struct nst_counter counter;
    for (size_t n = 0; nst_stack_counter_at(stack, n, &counter); n++) {
        if (name_equal(counter.name, name)) {
            *ret_value = counter.value;
            return 0;
        }
    }
    return -NST_ENOENT;
}
