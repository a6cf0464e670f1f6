/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/nic_tap.h"

#include "stack/nic.h"

static bool concerns(const struct nic_tap *tap, const struct nic *nic)
{
    return tap->nic == 0 || tap->nic == nic->id;
}

static void refresh_nic(struct nic *nic)
{
    const struct nic_tap *tap;
    nic->tapped = false;
    LIST_FOR_EACH (tap, &nic->stack->taps, struct nic_tap, node)
        nic->tapped |= concerns(tap, nic);
}

static void refresh(struct nst_stack *stack)
{
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node)
        refresh_nic(nic);
}

void nic_tap_add(struct nst_stack *stack, struct nic_tap *tap)
{
    list_add_tail(&stack->taps, &tap->node);
    refresh(stack);
}

void nic_tap_remove(struct nst_stack *stack, struct nic_tap *tap)
{
    list_remove(&tap->node);
    refresh(stack);
}

void nic_tap_nic_added(struct nic *nic)
{
    refresh_nic(nic);
}

/* To those of exactly that EtherType; 0: those of every one. */
static void show(const struct nic *nic, const struct pkt *p, const struct nst_link_header *header,
                 uint16_t ethertype, uint8_t type)
{
    struct nic_tap *tap;
    LIST_FOR_EACH (tap, &nic->stack->taps, struct nic_tap, node) {
        if (concerns(tap, nic) && tap->ethertype == ethertype && tap != nic->stack->tap_sending)
            tap->show(tap, nic, p, header, type);
    }
}

void nic_tap_inbound(const struct nic *nic, const struct pkt *p,
                     const struct nst_link_header *header)
{
    if (header->ethertype != 0)
        show(nic, p, header, header->ethertype, p->type);
    show(nic, p, header, 0, p->type);
}

void nic_tap_outbound(const struct nic *nic, const struct pkt *p,
                      const struct nst_link_header *header)
{
    show(nic, p, header, 0, PKT_OUTGOING);
}
