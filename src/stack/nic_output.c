/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound: NIC.md section 3.
 *
 * Theory of operation. A packet is made ready for the link when it is written: what the link cannot
 * cut or sum is cut and summed here, the link header goes in front, and it waits in txq. The
 * epilogue (nic_flush, a todo) hands txq to the link as one batch. The link takes from the front
 * and leaves what does not fit; then it is blocked until it says otherwise, and txq grows up to its
 * limits. Senders that can wait look at nic_is_blocked, put themselves on tx_waiters and are
 * scheduled when txq is below half.
 *
 * What the link took is counted by sums that lie in each queued packet's control block: the sums
 * over all that was queued before it.
 */
#include <nicstack/frame.h>

#include "base/check.h"
#include "stack/gso.h"
#include "stack/nic.h"
#include "wire/eth.h"

_Static_assert(sizeof(struct nic_tx_sums) <= PKT_CB_SIZE, "the sums fit in the control block");

/* N44: counts what left txq since the last time. */
static void count_taken(struct nic *nic)
{
    struct nic_tx_sums now = nic->tx_queued;
    if (!nst_pktq_is_empty(&nic->txq))
        now = *PKT_CB(pktq_first(&nic->txq), struct nic_tx_sums);
    COUNT_N(nic->counters.tx_bytes, now.bytes - nic->tx_taken.bytes);
    COUNT_N(nic->counters.tx_segments, now.segments - nic->tx_taken.segments);
    nic->tx_taken = now;
}

void nic_flush(struct todo *todo)
{
    struct nic *nic = container_of(todo, struct nic, todo);
    struct nst_link *link = nic->link;
    uint32_t before = nic->txq.count;
    if (before > 0 && !link->tx_blocked) {
        TAPE(nic->stack, transmits, nic);
        nic->stack->running = true;
        link->ops->transmit(link, &nic->txq);
        nic->stack->running = false;
        TAPE(nic->stack, transmitted, nic, before - nic->txq.count);
        COUNT_N(nic->counters.tx_packets, before - nic->txq.count);
        count_taken(nic);
        if (link->tx_blocked)
            COUNT(nic->counters.tx_blocked);
    }
    if (!nic_is_blocked(nic))
        list_splice_tail(&nic->stack->todos, &nic->tx_waiters);
}

void nic_writable(struct nst_link_upper *upper)
{
    struct nic *nic = container_of(upper, struct nic, upper);
    TAPE(nic->stack, writable, nic);
    if (!nst_pktq_is_empty(&nic->txq) || !list_is_empty(&nic->tx_waiters))
        todo_schedule(nic->stack, &nic->todo);
}

/* Can the link cut p itself? */
static bool link_cuts(const struct nst_link *link, const struct pkt *p)
{
    static const uint32_t needed[] = {
        [NST_GSO_TCP4] = NST_LINK_TSO4,
        [NST_GSO_TCP6] = NST_LINK_TSO6,
        [NST_GSO_UDP] = NST_LINK_USO,
    };
    return p->gso <= NST_GSO_UDP && (link->caps & needed[p->gso]) != 0 && p->len <= link->gso_max;
}

/* What p, data at the network header, will have been when the link has taken it. */
static inline void add_to_sums(struct nic *nic, struct pkt *p)
{
    *PKT_CB(p, struct nic_tx_sums) = nic->tx_queued;
    nic->tx_queued.bytes += p->len;
    nic->tx_queued.segments += unlikely(p->gso != NST_GSO_NONE) ? gso_segments(p) : 1;
}

/* The very last step of one packet, data at its link header. */
static inline void enqueue(struct nic *nic, struct pkt *p, const struct nst_link_header *header)
{
    pkt_set_link(p);
    TAPE(nic->stack, queued, nic, p, header);
    /* N30 */
    if (unlikely(nic->tapped))
        nic_tap_outbound(nic, p, header);
    pktq_push(&nic->txq, p);
}

/* The last steps of one packet: its checksum, its link header, the queue. */
static void queue_packet(struct nic *nic, struct pkt *p, const struct nst_link_header *header)
{
    struct nst_link *link = nic->link;
    if (p->csum == NST_CSUM_PARTIAL && (link->caps & NST_LINK_CSUM_TX) == 0 &&
        p->gso == NST_GSO_NONE)
        nst_pkt_complete_csum(pkt_pub(p));
    pkt_set_net(p);
    add_to_sums(nic, p);
    link->ops->push_header(link, pkt_pub(p), header);
    enqueue(nic, p, header);
}

/* N45: cuts what the link cannot. */
static int queue_cut(struct nic *nic, struct pkt *p, const struct nst_link_header *header)
{
    struct nst_pktq pieces = {0};
    if (!gso_cut(p, nic->link->max_header, &pieces))
        return -NST_ENOBUFS;
    while (!nst_pktq_is_empty(&pieces))
        queue_packet(nic, pktq_pop(&pieces), header);
    return 0;
}

static int queue_whole(struct nic *nic, struct pkt *p, const struct nst_link_header *header)
{
    if (unlikely(!pkt_reserve_headroom(p, nic->link->max_header))) {
        pkt_drop(p, DROP_NO_MEMORY);
        return -NST_ENOBUFS;
    }
    queue_packet(nic, p, header);
    return 0;
}

/* May p, which is to be dropped if not, enter the queue? */
static inline int admit(struct nic *nic, struct pkt *p)
{
    /* N8 */
    if (unlikely(!nic->enabled)) {
        pkt_drop(p, DROP_TX_NIC_DOWN);
        return -NST_ENETDOWN;
    }
    /* N44: the only refusal of a full link */
    if (unlikely(nic->txq.count >= nic->txq_max_packets ||
                 nic->txq.bytes + p->len > nic->txq_max_bytes)) {
        COUNT(nic->counters.tx_dropped_no_buffer);
        pkt_drop(p, DROP_TX_NO_BUFFER);
        return -NST_ENOBUFS;
    }
    return 0;
}

struct pkt *nic_build(const struct nic *nic, uint32_t headers, uint32_t len)
{
    struct pkt *p = pkt_build(nic->stack->pool, nic->link->max_header + headers, len);
    if (p != NULL)
        nst_pkt_put(pkt_pub(p), len);
    return p;
}

int nic_output(struct nic *nic, struct pkt *p, uint16_t ethertype, const struct nst_mac *dst)
{
    const int r = admit(nic, p);
    if (unlikely(r < 0))
        return r;
    /* N43 */
    struct nst_link_header header = {.src = nic->link->addr, .ethertype = ethertype};
    if (dst != NULL)
        header.dst = *dst;
    todo_schedule(nic->stack, &nic->todo);
    if (unlikely(p->gso != NST_GSO_NONE) && !link_cuts(nic->link, p))
        return queue_cut(nic, p, &header);
    return queue_whole(nic, p, &header);
}

int nic_output_frame(struct nic *nic, struct pkt *p)
{
    struct nst_link_header header = {0};
    const int r = admit(nic, p);
    if (r < 0)
        return r;
    /* Read as whoever receives it will: so a frame that nobody could receive is refused. */
    const uint8_t *begin = p->data;
    const bool whole = nic->link->ops->parse_header(nic->link, pkt_pub(p), &header);
    TAPE(nic->stack, parsed, nic, (uint32_t)(p->data - begin), whole ? &header : NULL);
    if (!whole) {
        pkt_drop(p, DROP_LINK_MALFORMED);
        return -NST_EINVAL;
    }
    if (p->len > nic->link->mtu) {
        pkt_drop(p, DROP_IP_TOO_BIG);
        return -NST_EMSGSIZE;
    }
    pkt_set_net(p);
    add_to_sums(nic, p);
    nst_pkt_push(pkt_pub(p), (uint32_t)(p->data - begin));
    todo_schedule(nic->stack, &nic->todo);
    enqueue(nic, p, &header);
    return 0;
}

/* N43 */
int nst_nic_write(struct nst_stack *stack, const struct nst_frame_to *to, const void *data,
                  size_t len)
{
    stack_check_caller(stack);
    if (to == NULL || data == NULL)
        return -NST_EFAULT;
    struct nic *nic = nic_by_id(stack, to->nic);
    if (nic == NULL)
        return -NST_ENOENT;
    if (to->ethertype < ETH_TYPE_MIN || len == 0)
        return -NST_EINVAL;
    if (len > nic->link->mtu)
        return -NST_EMSGSIZE;
    struct pkt *p = nic_build(nic, 0, (uint32_t)len);
    if (p == NULL)
        return -NST_ENOMEM;
    memcpy(p->data, data, len);
    return nic_output(nic, p, to->ethertype, &to->dst);
}

int nic_output_neigh(struct nic *nic, struct pkt *p, uint16_t ethertype, struct neigh *neigh)
{
    struct nst_mac mac;
    /* N40 */
    if (likely(neigh_use(neigh, &mac)))
        return nic_output(nic, p, ethertype, &mac);
    if (unlikely(!nic->enabled)) {
        pkt_drop(p, DROP_TX_NIC_DOWN);
        return -NST_ENETDOWN;
    }
    neigh_enqueue(neigh, p);
    return 0;
}
