/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packet sockets see of NICs (N26, N30, N107).
 *
 * Theory of operation. A tap is one registration: a NIC or every one, an EtherType or every one. It
 * lies in a packet socket, and all of them are in one list of the stack, in order of registration;
 * they are few. Each NIC has one flag, `tapped`: is there a tap that concerns it? So a packet of a
 * NIC without one pays a branch, and with one a walk of the list.
 *
 * Life: nic_tap_add -> nic_tap_remove. A NIC that goes leaves its taps listed; as with every socket
 * that is bound to a NIC, a later one of the same id is meant too.
 *
 * Invariant: nic->tapped is true exactly while a tap of this NIC or of every one is listed.
 */
#ifndef NICSTACK_SRC_STACK_NIC_TAP_H
#define NICSTACK_SRC_STACK_NIC_TAP_H

#include <nicstack/link.h>

#include "base/fwd.h"
#include "base/list.h"

struct nic;
struct pkt;
struct nic_tap;

struct nic_tap {
    struct list node; /* of stack->taps */
    /* p passes `nic`; its link header is `header` and lies between p->link_off and p->net_off.
     * Borrows p. type: enum pkt_type. Must not add or remove taps. */
    void (*show)(struct nic_tap *tap, const struct nic *nic, const struct pkt *p,
                 const struct nst_link_header *header, uint8_t type);
    uint32_t nic;       /* id; 0: every one */
    uint16_t ethertype; /* 0: every one */
};

/* Registers `tap`, which is not registered and whose other fields are filled in. */
void nic_tap_add(struct nst_stack *stack, struct nic_tap *tap);
/* N107: nothing where it is not registered. */
void nic_tap_remove(struct nst_stack *stack, struct nic_tap *tap);

/* For nic.c: a NIC is new. */
void nic_tap_nic_added(struct nic *nic);

/* N26: shows p, received, to those that it concerns; its type is p->type. Only if nic->tapped. */
void nic_tap_inbound(const struct nic *nic, const struct pkt *p,
                     const struct nst_link_header *header);
/* N30: the same for p, which will be sent, link header in front. */
void nic_tap_outbound(const struct nic *nic, const struct pkt *p,
                      const struct nst_link_header *header);

#endif
