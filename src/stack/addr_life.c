/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long addresses live (RFC 4862 5.5.4): both ends are kept as times, and one timer stands at
 * the nearer of them.
 */
#include "stack/nic.h"
#include "stack/stack.h"

static nst_time end_of(const struct nst_stack *stack, nst_time lifetime)
{
    if (lifetime == 0 || lifetime >= NST_TIME_NEVER - stack->now)
        return NST_TIME_NEVER;
    return stack->now + lifetime;
}

static nst_time left_until(const struct nst_stack *stack, nst_time end)
{
    if (end == NST_TIME_NEVER)
        return NST_TIME_NEVER;
    return end > stack->now ? end - stack->now : 0;
}

bool addr_life_is_sane(nst_time valid, nst_time preferred)
{
    if (valid == 0)
        valid = NST_TIME_NEVER;
    if (preferred == 0)
        preferred = valid;
    return valid > 0 && preferred > 0 && preferred <= valid;
}

static void arm(struct addr_entry *e)
{
    struct nst_stack *stack = e->ep->nic->stack;
    const nst_time next =
        e->info.deprecated ? e->valid_until : min_i64(e->valid_until, e->preferred_until);
    wheel_cancel(&stack->wheel, &e->life);
    if (next != NST_TIME_NEVER)
        stack_arm(stack, &e->life, next);
}

void addr_life_set(struct addr_entry *e, nst_time valid, nst_time preferred)
{
    const struct nst_stack *stack = e->ep->nic->stack;
    e->valid_until = end_of(stack, valid);
    e->preferred_until = end_of(stack, preferred);
    arm(e);
}

void addr_life_fire(struct timer *timer, nst_time now)
{
    struct addr_entry *e = container_of(timer, struct addr_entry, life);
    if (now >= e->valid_until) {
        nic_addr_drop(e, NST_WHY_EXPIRED);
        return;
    }
    addrs_set_deprecated(e, true);
    arm(e);
}

struct nst_nic_addr addr_life_info(const struct addr_entry *e)
{
    const struct nst_stack *stack = e->ep->nic->stack;
    struct nst_nic_addr info = e->info;
    info.valid = left_until(stack, e->valid_until);
    info.preferred =
        info.deprecated ? 0 : left_until(stack, min_i64(e->valid_until, e->preferred_until));
    return info;
}
