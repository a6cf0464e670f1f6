/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packet sockets see of NICs (N26, N30, N107).
 *
 * Theory of operation. A tap is one registration: a NIC or every one, an EtherType or every one. It
 * lies in a packet socket, and all of them are in one list of the stack, in order of registration;
 * they are few. Each NIC has one flag, `tapped`: is there a tap that concerns it? So a packet of a
 * NIC without one pays a branch, and with one a walk of the list.
 *
 * Life: nic_tap_add -> nic_tap_remove, or its NIC goes (then it is off the list, and told).
 *
 * Invariants: (1) nic->tapped is true exactly while a tap of this NIC or of every one is listed;
 * (2) a tap of a NIC is listed only while there is this NIC.
 */
#ifndef NICSTACK_SRC_STACK_NIC_TAP_H
#define NICSTACK_SRC_STACK_NIC_TAP_H

#include <nicstack/link.h>

#include "base/fwd.h"
#include "base/list.h"

struct nic;
struct pkt;
struct nic_tap;

struct nic_tap_ops {
    /* p passes `nic`; its link header is `header` and lies between p->link_off and p->net_off.
     * Borrows p. type: enum pkt_type. Must not add or remove taps. */
    void (*show)(struct nic_tap *tap, const struct nic *nic, const struct pkt *p,
                 const struct nst_link_header *header, uint8_t type);
    /* Its NIC was disabled, or is gone: then the tap is off the list already. */
    void (*down)(struct nic_tap *tap);
};

struct nic_tap {
    struct list node; /* of stack->taps */
    const struct nic_tap_ops *ops;
    uint32_t nic;       /* id; 0: every one */
    uint16_t ethertype; /* 0: every one */
};

/* Registers `tap`, which is not registered and whose other fields are filled in. Its NIC exists. */
void nic_tap_add(struct nst_stack *stack, struct nic_tap *tap);
/* N107: nothing where it is not registered. */
void nic_tap_remove(struct nst_stack *stack, struct nic_tap *tap);

/* For nic.c: a NIC is new, was disabled, is about to go. */
void nic_tap_nic_added(struct nic *nic);
void nic_tap_nic_down(struct nic *nic);
void nic_tap_nic_gone(struct nic *nic);

/* N26: shows p, received, to those that it concerns; its type is p->type. Only if nic->tapped. */
void nic_tap_inbound(const struct nic *nic, const struct pkt *p,
                     const struct nst_link_header *header);
/* N30: the same for p, which will be sent, link header in front. */
void nic_tap_outbound(const struct nic *nic, const struct pkt *p,
                      const struct nst_link_header *header);

#endif
