/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. An address begins as tentative (N61). After a random delay of up to a second
 * (RFC 4862 5.4.2) the question whether another node has it goes to its solicited-node group; when
 * nobody has objected one retransmit time later, it is assigned. Who asks the same, or answers, is
 * another owner: then the address is a duplicate, and stays so until the host removes it or the NIC
 * is enabled anew. A link-local address that we made ourselves is tried again with another
 * identifier (RFC 7217 6), three times.
 *
 * A question of our own that a loop in the network brings back is told by its nonce (RFC 7527):
 * it proves nothing, and another is sent, up to three more.
 *
 *   TENTATIVE --timer: delay--> TENTATIVE, asked --timer: retransmit--> ASSIGNED
 *        \______________________________________/
 *                    objection |
 *                              v
 *                          DUPLICATE (or TENTATIVE with another identifier)
 *
 * Nothing is asked where nobody else can be (loopback, links that do not resolve), nor when the
 * host says no_dad. Timer: the entry's own, armed only while it is tentative.
 */
#include "network/dad.h"

#include "network/linklocal.h"
#include "network/mld.h"
#include "network/ndp.h"
#include "stack/nic.h"
#include "stack/stack.h"

static struct nst_stack *stack_of(const struct addr_entry *e)
{
    return e->ep->nic->stack;
}

static void fire(struct timer *timer, nst_time now)
{
    struct addr_entry *e = container_of(timer, struct addr_entry, timer);
    const uint32_t loops = e->looped < DAD_LOOPS_MAX ? e->looped : DAD_LOOPS_MAX;
    if (e->probes >= DAD_TRANSMITS + loops) {
        addrs_set_state(e, NST_ADDR_ASSIGNED);
        mld_address_assigned(e);
        return;
    }
    e->probes++;
    rand_bytes(&stack_of(e)->rand, e->nonce, sizeof(e->nonce));
    stack_arm(stack_of(e), &e->timer, now + e->ep->neighs.config.retransmit);
    ndp_probe(e->ep, &e->info.addr, e->nonce);
}

static bool is_needed(const struct addr_entry *e)
{
    return !e->info.no_dad && nic_has_neighbours(e->ep->nic);
}

void dad_start(struct addr_entry *e)
{
    struct nst_stack *stack = stack_of(e);
    wheel_cancel(&stack->wheel, &e->timer);
    if (!is_needed(e)) {
        addrs_set_state(e, NST_ADDR_ASSIGNED);
        mld_address_assigned(e);
        return;
    }
    timer_init(&e->timer, fire);
    e->probes = 0;
    e->looped = 0;
    addrs_set_state(e, NST_ADDR_TENTATIVE);
    if (e->ep->enabled)
        stack_arm(stack, &e->timer,
                  stack->now + rand_below(&stack->rand, DAD_DELAY / NST_MSEC) * NST_MSEC);
}

void dad_stop(struct addr_entry *e)
{
    wheel_cancel(&stack_of(e)->wheel, &e->timer);
}

static void log_duplicate(const struct addr_entry *e)
{
    char text[NST_ADDR_TEXT];
    nst_addr_format(&e->info.addr, text, sizeof(text));
    stack_log(stack_of(e), "%s: another node has %s", e->ep->nic->name, text);
}

static void fail(struct addr_entry *e, const struct nst_mac *who)
{
    if (e->info.state != NST_ADDR_TENTATIVE)
        return;
    COUNT(stack_of(e)->counters.dad_duplicates);
    log_duplicate(e);
    wheel_cancel(&stack_of(e)->wheel, &e->timer);
    addrs_set_duplicate(e, who);
    if (e->generated && linklocal_change(e))
        dad_start(e);
}

void dad_solicited(struct addr_entry *e, const uint8_t *nonce, const struct nst_mac *who)
{
    /* RFC 7527 4.2: ours, come back. */
    if (nonce != NULL && e->probes > 0 && memcmp(nonce, e->nonce, sizeof(e->nonce)) == 0) {
        COUNT(stack_of(e)->counters.dad_looped);
        e->looped++;
        return;
    }
    fail(e, who);
}

void dad_advertised(struct addr_entry *e, const struct nst_mac *who)
{
    fail(e, who);
}
