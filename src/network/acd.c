/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. An IPv4 address is assigned at once and announced twice, 2 s apart (RFC 5227
 * 2.3), which corrects what neighbours remember of it. When another station uses it too, the host
 * is told (NST_EVENT_ADDR_DUPLICATE) and one more announcement defends it, at most every 10 s; it
 * is never given up (2.4 c), since else two frames from anybody would take an address away from
 * whoever set it by hand (docs/decisions/0021).
 *
 * An address with `probe` is asked for first (2.1): three probes after a random delay of up to a
 * second, 1 to 2 s apart, and 2 s to listen. Who answers, uses it or probes for it as well has it:
 * then it is a duplicate, and stays so until the host removes it or the NIC is enabled anew. It is
 * defended once; if the other insists within 10 s it is given up (2.4 b).
 *
 *   TENTATIVE --3 probes, 2 s of silence--> ASSIGNED --announced twice
 *        | conflict                            | second conflict within 10 s (`probe`)
 *        v                                     |
 *    DUPLICATE <-------------------------------+
 *
 * Nothing is sent for an address with no_dad, nor where nobody else can be (loopback, links that do
 * not resolve). Timer: the entry's own, armed while it is probed for or announced.
 *
 * Not done: the rate limit of 2.1.1 for hosts that choose another address themselves; ours do not.
 */
#include "network/acd.h"

#include "network/arp.h"
#include "stack/event.h"
#include "stack/nic.h"
#include "stack/stack.h"

static struct nst_stack *stack_of(const struct addr_entry *e)
{
    return e->ep->nic->stack;
}

static void arm(struct addr_entry *e, nst_time delay)
{
    stack_arm(stack_of(e), &e->timer, stack_of(e)->now + delay);
}

static nst_time between(struct nst_stack *stack, nst_time min, nst_time max)
{
    return min + rand_below(&stack->rand, (uint32_t)((max - min) / NST_MSEC)) * NST_MSEC;
}

/* Is there anybody to speak to, and does the host want it? */
static bool may_speak(const struct addr_entry *e)
{
    return !e->info.no_dad && nic_has_neighbours(e->ep->nic);
}

/* ---- Asking and announcing ---- */

static void announce(struct addr_entry *e)
{
    arp_announce(e->ep, &e->info.addr);
    if (++e->probes < ACD_ANNOUNCEMENTS)
        arm(e, ACD_ANNOUNCE_INTERVAL);
}

void acd_announce(struct addr_entry *e)
{
    if (!may_speak(e) || !addr_entry_is_assigned(e) || !e->ep->enabled)
        return;
    wheel_cancel(&stack_of(e)->wheel, &e->timer);
    e->probes = 0;
    announce(e);
}

static void probe(struct addr_entry *e)
{
    if (e->probes == ACD_PROBES) {
        addrs_set_state(e, NST_ADDR_ASSIGNED);
        acd_announce(e);
        return;
    }
    arp_probe(e->ep, &e->info.addr);
    if (++e->probes == ACD_PROBES)
        arm(e, ACD_ANNOUNCE_WAIT);
    else
        arm(e, between(stack_of(e), ACD_PROBE_MIN, ACD_PROBE_MAX));
}

static void fire(struct timer *timer, nst_time now)
{
    struct addr_entry *e = container_of(timer, struct addr_entry, timer);
    if (addr_entry_is_assigned(e))
        announce(e);
    else
        probe(e);
}

void acd_start(struct addr_entry *e)
{
    struct nst_stack *stack = stack_of(e);
    const bool asked = e->info.probe && may_speak(e);
    wheel_cancel(&stack->wheel, &e->timer);
    timer_init(&e->timer, fire);
    e->probes = 0;
    e->conflict = 0;
    addrs_set_state(e, asked ? NST_ADDR_TENTATIVE : NST_ADDR_ASSIGNED);
    if (!asked)
        acd_announce(e);
    else if (e->ep->enabled)
        arm(e, between(stack, 0, ACD_PROBE_WAIT));
}

void acd_stop(struct addr_entry *e)
{
    wheel_cancel(&stack_of(e)->wheel, &e->timer);
}

/* ---- Conflicts ---- */

static void give_up(struct addr_entry *e, const struct nst_mac *mac)
{
    wheel_cancel(&stack_of(e)->wheel, &e->timer);
    COUNT(stack_of(e)->counters.dad_duplicates);
    addrs_set_duplicate(e, mac);
}

bool acd_tell(struct addr_entry *e, const struct nst_mac *mac)
{
    const nst_time now = stack_of(e)->now;
    if (e->conflict != 0 && now - e->conflict < ACD_DEFEND_INTERVAL)
        return false;
    const struct nst_event event = {.kind = NST_EVENT_ADDR_DUPLICATE,
                                    .value = 1,
                                    .prefix_len = e->info.prefix_len,
                                    .mac = *mac,
                                    .addr = e->info.addr};
    e->conflict = now;
    event_put(e->ep->nic, &event);
    return true;
}

/* RFC 5227 2.4. */
static void defend(struct addr_entry *e, const struct nst_mac *mac)
{
    COUNT(stack_of(e)->counters.acd_conflicts);
    if (acd_tell(e, mac)) {
        if (!e->info.no_dad)
            arp_announce(e->ep, &e->info.addr);
    } else if (e->info.probe) {
        give_up(e, mac);
    }
}

void acd_conflict(struct addr_entry *e, const struct nst_mac *mac, bool probe)
{
    if (e->info.state == NST_ADDR_TENTATIVE)
        give_up(e, mac);
    else if (addr_entry_is_assigned(e) && !probe)
        defend(e, mac);
}
