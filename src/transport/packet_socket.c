/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/packet_socket.h"

#include "stack/nic.h"
#include "wire/addr.h"
#include "wire/eth.h"

/* What a frame in rxq brings along. */
struct frame_cb {
    struct nst_link_header header;
    uint32_t nic;
    uint32_t size; /* memory that it holds */
    uint8_t type;  /* enum pkt_type */
};
_Static_assert(sizeof(struct frame_cb) <= PKT_CB_SIZE, "fits the control block");
_Static_assert((int)NST_FRAME_OUTGOING == (int)PKT_OUTGOING &&
                   (int)NST_FRAME_OTHERHOST == (int)PKT_OTHERHOST &&
                   (int)NST_FRAME_BROADCAST == (int)PKT_BROADCAST,
               "the public types are ours");

/* ---- What passes ---- */

static SLOW_PATH void lose(struct packet_socket *s)
{
    s->rx_dropped++;
    COUNT(s->stack->counters.packet_buffer_full);
}

/* A clone that begins at `off` from its head, as it would be on a wire. NULL: no memory. */
static struct pkt *clone_from(const struct pkt *p, uint16_t off)
{
    struct pkt *copy = pkt_clone(p);
    if (copy == NULL)
        return NULL;
    if (copy->gso == NST_GSO_NONE)
        nst_pkt_complete_csum(pkt_pub(copy));
    uint8_t *begin = copy->head + off;
    if (begin < copy->data)
        nst_pkt_push(pkt_pub(copy), (uint32_t)(copy->data - begin));
    else
        nst_pkt_pull(pkt_pub(copy), (uint32_t)(begin - copy->data));
    /* Nothing in front is wanted any more. */
    pkt_set_link(copy);
    pkt_set_net(copy);
    pkt_set_trans(copy);
    return copy;
}

static void show(struct nic_tap *tap, const struct nic *nic, const struct pkt *p,
                 const struct nst_link_header *header, uint8_t type)
{
    struct packet_socket *s = container_of(tap, struct packet_socket, tap);

    if (s->rx_bytes >= s->rx_max) {
        lose(s);
        return;
    }
    struct pkt *copy = clone_from(p, s->cooked ? p->net_off : p->link_off);
    if (copy == NULL) {
        lose(s);
        return;
    }
    pkt_count_delivered(copy);
    nst_pkt_shrink(pkt_pub(copy));
    if (copy->arrival == 0)
        copy->arrival = s->stack->now;
    const uint32_t size = dgram_pkt_size(copy);
    *PKT_CB(copy, struct frame_cb) =
        (struct frame_cb){.header = *header, .nic = nic->id, .size = size, .type = type};
    s->rx_bytes += size;
    pktq_push(&s->rxq, copy);
    ready_notify(&s->stack->ready, s->ready, NST_READY_IN);
}

/* ---- Life ---- */

static void writable(struct todo *todo)
{
    struct packet_socket *s = container_of(todo, struct packet_socket, wait);
    ready_notify(&s->stack->ready, s->ready, NST_READY_OUT);
}

struct packet_socket *packet_socket_new(struct nst_stack *stack, bool cooked, struct ready *ready)
{
    struct packet_socket *s = mem_zalloc(&stack->pool->mem, sizeof(*s));
    if (s == NULL)
        return NULL;
    list_init(&s->tap.node);
    s->tap.show = show;
    todo_init(&s->wait, writable);
    s->stack = stack;
    s->ready = ready;
    s->rx_max = DGRAM_BUFFER;
    s->cooked = cooked;
    return s;
}

void packet_socket_free(struct packet_socket *s)
{
    struct pkt *p;

    nic_tap_remove(s->stack, &s->tap);
    while ((p = pktq_pop(&s->rxq)) != NULL)
        pkt_free(p);
    todo_cancel(&s->wait);
    mem_free(&s->stack->pool->mem, s, sizeof(*s));
}

int packet_socket_bind(struct packet_socket *s, const struct nst_endpoint *local)
{
    if (!addr_is_unspecified(&local->addr) || (local->port != 0 && local->port < ETH_TYPE_MIN))
        return -NST_EINVAL;
    if (local->nic != 0 && nic_by_id(s->stack, local->nic) == NULL)
        return -NST_ENOENT;
    nic_tap_remove(s->stack, &s->tap);
    s->tap.nic = local->nic;
    s->tap.ethertype = local->port;
    s->shut_recv = false;
    nic_tap_add(s->stack, &s->tap);
    return 0;
}

void packet_socket_local(const struct packet_socket *s, struct nst_endpoint *ret)
{
    *ret = (struct nst_endpoint){.port = s->tap.ethertype, .nic = s->tap.nic};
}

/* ---- Sending ---- */

/* N43. Of to->nic and to->ethertype the zeros are filled in. */
static int send_cooked(struct nic *nic, const struct dgram_out *out, const struct nst_frame_to *to)
{
    if (to->ethertype < ETH_TYPE_MIN || out->len == 0)
        return -NST_EINVAL;
    if (out->len > nic->link->mtu)
        return -NST_EMSGSIZE;
    struct pkt *p = pkt_build(nic->stack->pool, nic->link->max_header, (uint32_t)out->len);
    if (p == NULL)
        return -NST_ENOMEM;
    dgram_copy(p, out);
    return nic_output(nic, p, to->ethertype, &to->dst);
}

static int send_raw(struct nic *nic, const struct dgram_out *out)
{
    if (out->len > (size_t)nic->link->mtu + nic->link->max_header)
        return -NST_EMSGSIZE;
    struct pkt *p = pkt_build(nic->stack->pool, nic->link->max_header, (uint32_t)out->len);
    if (p == NULL)
        return -NST_ENOMEM;
    dgram_copy(p, out);
    return nic_output_frame(nic, p);
}

/* The NIC to leave by: 0, -NST_ENOTCONN, -NST_ENOENT, -NST_EAGAIN (then it tells when not). */
static int choose_nic(struct packet_socket *s, uint32_t id, struct nic **ret_nic)
{
    if (id == 0)
        return -NST_ENOTCONN;
    struct nic *nic = nic_by_id(s->stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if (nic->enabled && nic_is_blocked(nic)) {
        nic_wait_writable(nic, &s->wait);
        return -NST_EAGAIN;
    }
    *ret_nic = nic;
    return 0;
}

int64_t packet_socket_send(struct packet_socket *s, const struct dgram_out *out,
                           const struct nst_frame_to *to)
{
    struct nst_frame_to where = {.nic = s->tap.nic, .ethertype = s->tap.ethertype};
    struct nic *nic;

    if (to == NULL && s->cooked)
        return -NST_ENOTCONN;
    if (to != NULL) {
        where.dst = to->dst;
        where.nic = to->nic != 0 ? to->nic : where.nic;
        where.ethertype = to->ethertype != 0 ? to->ethertype : where.ethertype;
    }
    int r = choose_nic(s, where.nic, &nic);
    if (r < 0)
        return r;
    s->stack->tap_sending = &s->tap;
    r = s->cooked ? send_cooked(nic, out, &where) : send_raw(nic, out);
    s->stack->tap_sending = NULL;
    return r < 0 ? r : (int64_t)out->len;
}

/* ---- Receiving ---- */

static void describe(const struct pkt *p, size_t size, struct nst_frame_info *ret)
{
    const struct frame_cb *cb = PKT_CB(p, const struct frame_cb);
    *ret = (struct nst_frame_info){
        .nic = cb->nic,
        .len = p->len,
        .arrival = p->arrival,
        .src = cb->header.src,
        .dst = cb->header.dst,
        .ethertype = cb->header.ethertype,
        .gso_size = p->gso != NST_GSO_NONE ? p->gso_size : 0,
        .type = cb->type,
        .truncated = p->len > size,
    };
}

int64_t packet_socket_recv(struct packet_socket *s, void *data, size_t size, uint32_t flags,
                           struct nst_frame_info *ret_info)
{
    struct pkt *p = pktq_first(&s->rxq);

    if (p == NULL)
        return s->shut_recv ? 0 : -NST_EAGAIN;
    const uint32_t n = (uint32_t)min_size(p->len, size);
    if (n > 0)
        nst_pkt_copy_out(pkt_pub(p), 0, data, n);
    if (ret_info != NULL)
        describe(p, size, ret_info);
    if (!(flags & NST_MSG_PEEK)) {
        pktq_pop(&s->rxq);
        s->rx_bytes -= PKT_CB(p, const struct frame_cb)->size;
        pkt_free(p);
    }
    return n;
}

/* ---- State ---- */

int packet_socket_shutdown(struct packet_socket *s, int how)
{
    if (how != NST_SHUT_RECV)
        return -NST_EINVAL;
    nic_tap_remove(s->stack, &s->tap);
    s->shut_recv = true;
    ready_notify(&s->stack->ready, s->ready, NST_READY_IN | NST_READY_RDHUP);
    return 0;
}

uint32_t packet_socket_events(struct packet_socket *s)
{
    struct nic *nic = nic_by_id(s->stack, s->tap.nic);
    uint32_t events = 0;

    if (s->rxq.first != NULL || s->shut_recv)
        events |= NST_READY_IN;
    if (s->shut_recv)
        events |= NST_READY_RDHUP;
    if (nic != NULL && nic->enabled && nic_is_blocked(nic))
        nic_wait_writable(nic, &s->wait);
    else
        events |= NST_READY_OUT;
    return events;
}

int packet_socket_set(struct packet_socket *s, enum nst_option option, int64_t value)
{
    switch (option) {
    case NST_OPT_RECEIVE_BUFFER:
        if (value < 0)
            return -NST_EINVAL;
        s->rx_max = (uint64_t)min_i64(max_i64(value, DGRAM_BUFFER_MIN), DGRAM_BUFFER_MAX);
        return 0;
    case NST_OPT_RECEIVE_QUEUED:
    case NST_OPT_RECEIVE_DROPPED:
        return -NST_EOPNOTSUPP;
    default:
        return -NST_ENOPROTOOPT;
    }
}

int packet_socket_get(const struct packet_socket *s, enum nst_option option, int64_t *ret_value)
{
    switch (option) {
    case NST_OPT_RECEIVE_BUFFER:
        *ret_value = (int64_t)s->rx_max;
        return 0;
    case NST_OPT_RECEIVE_QUEUED:
        *ret_value = (int64_t)s->rxq.bytes;
        return 0;
    case NST_OPT_RECEIVE_DROPPED:
        *ret_value = (int64_t)s->rx_dropped;
        return 0;
    default:
        return -NST_ENOPROTOOPT;
    }
}
