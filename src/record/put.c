/* SPDX-License-Identifier: Apache-2.0 */
#include "record/put.h"

#include "base/config.h"
#include "socket/sock.h"
#include "transport/tcp/tcp.h"

void put_addr(struct record_out *out, const struct nst_addr *addr)
{
    if (out_pointer(out, addr))
        out_bytes(out, addr->b, sizeof(addr->b));
}

void put_endpoint(struct record_out *out, const struct nst_endpoint *endpoint)
{
    if (!out_pointer(out, endpoint))
        return;
    out_bytes(out, endpoint->addr.b, sizeof(endpoint->addr.b));
    out_u16(out, endpoint->port);
    out_u32(out, endpoint->nic);
}

void put_route(struct record_out *out, const struct nst_route *route)
{
    if (!out_pointer(out, route))
        return;
    out_bytes(out, route->prefix.b, sizeof(route->prefix.b));
    out_u8(out, route->prefix_len);
    out_u32(out, route->nic);
    out_bytes(out, route->gateway.b, sizeof(route->gateway.b));
    out_bytes(out, route->source.b, sizeof(route->source.b));
    out_u32(out, route->metric);
    out_u32(out, route->mtu);
}

void put_nic_addr(struct record_out *out, const struct nst_nic_addr *addr)
{
    if (!out_pointer(out, addr))
        return;
    out_bytes(out, addr->addr.b, sizeof(addr->addr.b));
    out_u8(out, addr->prefix_len);
    out_u8(out, addr->place);
    out_u8(out, addr->no_dad);
    out_u8(out, addr->deprecated);
    out_u8(out, addr->state);
    out_u8(out, addr->kind);
    out_u8(out, addr->probe);
    out_u64(out, (uint64_t)addr->valid);
    out_u64(out, (uint64_t)addr->preferred);
}

void put_text(struct record_out *out, const char *text)
{
    uint8_t len = 0;
    if (!out_pointer(out, text))
        return;
    while (len < RECORD_NAME_MAX && text[len] != 0)
        len++;
    out_u8(out, len);
    out_bytes(out, text, len);
}

struct tape_link put_link_state(const struct nst_link *link)
{
    return (struct tape_link){
        .caps = link->caps,
        .mtu = link->mtu,
        .max_header = link->max_header,
        .gso_max = link->gso_max,
        .addr = link->addr,
        .tx_blocked = link->tx_blocked,
    };
}

void put_link(struct record_out *out, const struct tape_link *link)
{
    out_u32(out, link->caps);
    out_u32(out, link->mtu);
    out_u32(out, link->max_header);
    out_u32(out, link->gso_max);
    out_bytes(out, link->addr.b, sizeof(link->addr.b));
    out_u8(out, link->tx_blocked);
}

/* Whether it is one that a NIC can have; and what it can be asked. */
static void put_new_link(struct record_out *out, const struct nst_link *link)
{
    if (!out_pointer(out, link))
        return;
    const struct nst_link_ops *ops = link->ops;
    const bool is_usable = link->upper == NULL && ops != NULL && ops->transmit != NULL &&
                           ops->parse_header != NULL && ops->push_header != NULL;
    out_u8(out, is_usable);
    out_u8(out, ops != NULL && ops->set_mtu != NULL);
    out_u8(out, ops != NULL && ops->set_address != NULL);
    const struct tape_link state = put_link_state(link);
    put_link(out, &state);
}

void put_nic_config(struct record_out *out, const struct nst_nic_config *config)
{
    struct nst_nic_config c;
    const bool is_known =
        config_copy(&c, sizeof(c), config, offsetof(struct nst_nic_config, disabled));
    out_u8(out, is_known);
    if (!is_known)
        return;
    out_u32(out, c.id);
    put_text(out, c.name);
    put_new_link(out, c.link);
    out_u8(out, c.disabled);
    out_u8(out, c.promiscuous);
    out_u8(out, c.spoofing);
    out_u32(out, c.tx_queue_packets);
    out_u32(out, c.tx_queue_bytes);
    out_u8(out, c.link_local);
    out_u8(out, c.no_group_reports);
    out_u8(out, c.accept_ra);
    out_u8(out, c.temporary_addresses);
}

void put_forwarder(struct record_out *out, const struct nst_forwarder_config *config)
{
    if (!out_pointer(out, config))
        return;
    out_u8(out, config->size == sizeof(*config));
    if (config->size != sizeof(*config))
        return;
    out_u32(out, config->nic);
    out_u8(out, config->tcp);
    out_u8(out, config->udp);
    out_u8(out, config->icmp_echo);
    out_u32(out, config->pending_max);
    out_u64(out, (uint64_t)config->request_timeout);
}

void put_frame_to(struct record_out *out, const struct nst_frame_to *to)
{
    if (!out_pointer(out, to))
        return;
    out_u32(out, to->nic);
    out_bytes(out, to->dst.b, sizeof(to->dst.b));
    out_u16(out, to->ethertype);
}

void put_neigh_config(struct record_out *out, const struct nst_neigh_config *config)
{
    if (!out_pointer(out, config))
        return;
    out_u64(out, config->size);
    out_u64(out, (uint64_t)config->base_reachable);
    out_u32(out, config->min_random_ppt);
    out_u32(out, config->max_random_ppt);
    out_u64(out, (uint64_t)config->retransmit);
    out_u64(out, (uint64_t)config->first_probe);
    out_u32(out, config->multicast_probes);
    out_u32(out, config->unicast_probes);
    out_u32(out, config->dynamic_max);
}

void put_neigh_limits(struct record_out *out, const struct nst_neigh_limits *limits)
{
    if (!out_pointer(out, limits))
        return;
    out_u64(out, limits->size);
    out_u32(out, limits->destinations);
    out_u32(out, limits->packets);
    out_u32(out, limits->bytes);
    out_u32(out, limits->total_bytes);
}

void put_stack_config(struct record_out *out, const struct nst_stack_config *config)
{
    out_u64(out, config->memory_limit);
    out_bytes(out, config->seed, sizeof(config->seed));
    out_u64(out, (uint64_t)config->now);
    out_u8(out, config->handle_local);
    out_u8(out, config->weak_host);
    out_u32(out, config->tcp_send_buffer_max);
    out_u32(out, config->tcp_receive_buffer_max);
    out_u64(out, (uint64_t)config->tcp_time_wait);
    out_u64(out, (uint64_t)config->tcp_rto_min);
    out_u64(out, (uint64_t)config->tcp_rto_max);
    out_u32(out, config->tcp_initial_window);
    out_u32(out, config->tcp_off);
}

void put_data(struct record_out *out, const void *data, size_t len)
{
    out_u64(out, len);
    if (out_pointer(out, data))
        out_data(out, data, len);
}

/* Pieces beyond the last that is kept apart count as one. One that is NULL ends the data. */
void put_iovec(struct record_out *out, const struct nst_iovec *iov, size_t count)
{
    size_t rest = 0;
    if (!out_pointer(out, iov)) {
        out_u64(out, count);
        return;
    }
    const uint16_t kept = (uint16_t)min_size(count, RECORD_IOV_MAX);
    size_t whole = 0;
    while (whole < count && (iov[whole].base != NULL || iov[whole].len == 0))
        whole++;
    out_u16(out, kept);
    out_u8(out, whole < count);
    for (size_t i = kept; i < count; i++)
        rest += iov[i].len;
    for (uint16_t i = 0; i < kept; i++)
        out_u64(out, iov[i].len + (i + 1 == kept ? rest : 0));
    out->pieces = iov;
    out->count = whole < count ? 0 : count;
}

uint8_t *put_reserved(const struct nst_stack *stack, nst_socket s, size_t *ret_room)
{
    const struct sock *sock = sock_lookup(stack, s);
    if (sock == NULL || sock->type != NST_STREAM)
        return NULL;
    return tcp_reserved(sock->tcb, ret_room);
}

void put_commit(struct record_out *out, const struct nst_stack *stack, nst_socket s, size_t n)
{
    size_t room = 0;
    const uint8_t *at = put_reserved(stack, s, &room);
    out_u64(out, n);
    if (at != NULL && n <= room)
        out_data(out, at, n);
}
