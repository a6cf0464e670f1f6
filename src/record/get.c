/* SPDX-License-Identifier: Apache-2.0 */
#include "record/get.h"

#include "record/put.h"

#define MTU_MAX        (1u << 20)
#define MAX_HEADER_MAX 1024
#define ARRAY_MAX      65536
#define BUFFER_MAX     (1u << 30)

const struct nst_addr *get_addr(struct record_in *in, struct nst_addr *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    in_bytes(in, hold->b, sizeof(hold->b));
    return hold;
}

struct nst_mac get_mac(struct record_in *in)
{
    struct nst_mac mac;
    in_bytes(in, mac.b, sizeof(mac.b));
    return mac;
}

const struct nst_endpoint *get_endpoint(struct record_in *in, struct nst_endpoint *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_endpoint){0};
    in_bytes(in, hold->addr.b, sizeof(hold->addr.b));
    hold->port = in_u16(in);
    hold->nic = in_u32(in);
    return hold;
}

const struct nst_route *get_route(struct record_in *in, struct nst_route *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_route){0};
    in_bytes(in, hold->prefix.b, sizeof(hold->prefix.b));
    hold->prefix_len = in_u8(in);
    hold->nic = in_u32(in);
    in_bytes(in, hold->gateway.b, sizeof(hold->gateway.b));
    in_bytes(in, hold->source.b, sizeof(hold->source.b));
    hold->metric = in_u32(in);
    hold->mtu = in_u32(in);
    return hold;
}

const struct nst_nic_addr *get_nic_addr(struct record_in *in, struct nst_nic_addr *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_nic_addr){0};
    in_bytes(in, hold->addr.b, sizeof(hold->addr.b));
    hold->prefix_len = in_u8(in);
    hold->place = in_u8(in);
    hold->no_dad = in_u8(in) != 0;
    hold->deprecated = in_u8(in) != 0;
    hold->state = in_u8(in);
    hold->kind = in_u8(in);
    hold->probe = in_u8(in) != 0;
    hold->valid = (nst_time)in_u64(in);
    hold->preferred = (nst_time)in_u64(in);
    return hold;
}

const char *get_text(struct record_in *in, char hold[RECORD_NAME_MAX + 1])
{
    if (in_u8(in) == 0)
        return NULL;
    uint8_t len = in_u8(in);
    if (len > RECORD_NAME_MAX) {
        in->bad = true;
        len = 0;
    }
    in_bytes(in, hold, len);
    hold[len] = 0;
    return hold;
}

bool get_link(struct record_in *in, struct tape_link *ret_link)
{
    *ret_link = (struct tape_link){0};
    ret_link->caps = in_u32(in);
    ret_link->mtu = in_u32(in);
    ret_link->max_header = in_u32(in);
    ret_link->gso_max = in_u32(in);
    ret_link->addr = get_mac(in);
    ret_link->tx_blocked = in_u8(in) != 0;
    return ret_link->mtu > 0 && ret_link->mtu <= MTU_MAX &&
           ret_link->max_header <= MAX_HEADER_MAX && ret_link->gso_max <= MTU_MAX;
}

/* A link as it was: none, one that a NIC cannot have, or one of memory. */
static struct nst_link *get_new_link(struct nst_replay *r, struct record_in *in)
{
    struct tape_link state;
    if (in_u8(in) == 0)
        return NULL;
    const bool is_usable = in_u8(in) != 0;
    const bool has_set_mtu = in_u8(in) != 0;
    const bool has_set_address = in_u8(in) != 0;
    if (!get_link(in, &state) && is_usable)
        in->bad = true;
    if (in->bad)
        return NULL;
    struct nst_link *link = replay_link_new(r, &state, has_set_mtu, has_set_address);
    if (link != NULL && !is_usable)
        link->ops = NULL;
    return link;
}

const struct nst_nic_config *get_nic_config(struct nst_replay *r, struct record_in *in,
                                            struct get_nic_config *hold)
{
    struct nst_nic_config *c = &hold->config;
    *c = (struct nst_nic_config){0};
    if (in_u8(in) == 0)
        return c; /* its size is wrong */
    c->size = sizeof(*c);
    c->id = in_u32(in);
    c->name = get_text(in, hold->name);
    c->link = get_new_link(r, in);
    c->disabled = in_u8(in) != 0;
    c->promiscuous = in_u8(in) != 0;
    c->spoofing = in_u8(in) != 0;
    c->tx_queue_packets = in_u32(in);
    c->tx_queue_bytes = in_u32(in);
    c->link_local = in_u8(in);
    c->no_group_reports = in_u8(in) != 0;
    c->accept_ra = in_u8(in) != 0;
    c->temporary_addresses = in_u8(in) != 0;
    return c;
}

const struct nst_forwarder_config *get_forwarder(struct record_in *in,
                                                 struct nst_forwarder_config *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_forwarder_config){0};
    if (in_u8(in) == 0)
        return hold; /* its size is wrong */
    hold->size = sizeof(*hold);
    hold->nic = in_u32(in);
    hold->tcp = in_u8(in) != 0;
    hold->udp = in_u8(in) != 0;
    hold->icmp_echo = in_u8(in) != 0;
    hold->pending_max = in_u32(in);
    hold->request_timeout = (nst_time)in_u64(in);
    return hold;
}

const struct nst_frame_to *get_frame_to(struct record_in *in, struct nst_frame_to *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_frame_to){.nic = in_u32(in)};
    hold->dst = get_mac(in);
    hold->ethertype = in_u16(in);
    return hold;
}

/* A size that this version does not know is of none. */
static size_t get_size(struct record_in *in, size_t known)
{
    return in_u64(in) == known ? known : 0;
}

const struct nst_neigh_config *get_neigh_config(struct record_in *in, struct nst_neigh_config *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_neigh_config){.size = get_size(in, sizeof(*hold))};
    hold->base_reachable = (nst_time)in_u64(in);
    hold->min_random_ppt = in_u32(in);
    hold->max_random_ppt = in_u32(in);
    hold->retransmit = (nst_time)in_u64(in);
    hold->first_probe = (nst_time)in_u64(in);
    hold->multicast_probes = in_u32(in);
    hold->unicast_probes = in_u32(in);
    hold->dynamic_max = in_u32(in);
    return hold;
}

const struct nst_neigh_limits *get_neigh_limits(struct record_in *in, struct nst_neigh_limits *hold)
{
    if (in_u8(in) == 0)
        return NULL;
    *hold = (struct nst_neigh_limits){.size = get_size(in, sizeof(*hold))};
    hold->destinations = in_u32(in);
    hold->packets = in_u32(in);
    hold->bytes = in_u32(in);
    hold->total_bytes = in_u32(in);
    return hold;
}

void get_stack_config(struct record_in *in, struct nst_stack_config *ret_config)
{
    *ret_config = (struct nst_stack_config){.size = sizeof(*ret_config)};
    ret_config->memory_limit = in_u64(in);
    in_bytes(in, ret_config->seed, sizeof(ret_config->seed));
    ret_config->now = (nst_time)in_u64(in);
    ret_config->handle_local = in_u8(in) != 0;
    ret_config->weak_host = in_u8(in) != 0;
    ret_config->tcp_send_buffer_max = in_u32(in);
    ret_config->tcp_receive_buffer_max = in_u32(in);
    ret_config->tcp_time_wait = (nst_time)in_u64(in);
    ret_config->tcp_rto_min = (nst_time)in_u64(in);
    ret_config->tcp_rto_max = (nst_time)in_u64(in);
    ret_config->tcp_initial_window = in_u32(in);
    ret_config->tcp_off = in_u32(in);
}

/* ---- Data ---- */

const void *get_data(struct record_in *in, size_t *ret_len)
{
    *ret_len = (size_t)in_u64(in);
    if (in_u8(in) == 0)
        return NULL;
    if (*ret_len != in->data_len)
        in->bad = true;
    return in->data;
}

const struct nst_iovec *get_iovec(struct record_in *in, struct nst_iovec *hold, size_t *ret_count)
{
    size_t at = 0;
    *ret_count = 0;
    if (in_u8(in) == 0) {
        *ret_count = (size_t)in_u64(in);
        return NULL;
    }
    const uint16_t count = in_u16(in);
    const bool has_null = in_u8(in) != 0;
    for (uint16_t i = 0; i < count && !in->bad; i++) {
        const uint64_t len = in_u64(in);
        if (i >= RECORD_IOV_MAX || (!has_null && len > in->data_len - at)) {
            in->bad = true;
            break;
        }
        hold[i] = has_null ? (struct nst_iovec){NULL, 1}
                           : (struct nst_iovec){(void *)(uintptr_t)(in->data + at), (size_t)len};
        at += has_null ? 0 : (size_t)len;
    }
    *ret_count = count;
    return hold;
}

size_t get_commit(struct nst_replay *r, struct record_in *in, nst_socket s)
{
    size_t room = 0;
    const size_t n = (size_t)in_u64(in);
    uint8_t *at = put_reserved(r->stack, s, &room);
    if (at != NULL && n <= room && n == in->data_len && n > 0)
        memcpy(at, in->data, n);
    return n;
}

void *get_lent(struct nst_replay *r, struct record_in *in, size_t *ret_len, void **ret_context)
{
    const void *data = get_data(in, ret_len);
    const bool is_released = in_u8(in) != 0;
    *ret_context = NULL;
    if (data == NULL || !in_is_good(in) || !is_released)
        return (void *)(uintptr_t)data; /* refused */
    uint8_t *memory = replay_lend(r, data, *ret_len, *ret_len, ret_context);
    r->lent = *ret_context;
    return memory;
}

void *get_buffer(struct nst_replay *r, struct record_in *in, size_t *ret_size)
{
    const bool is_there = in_u8(in) != 0;
    const uint64_t size = in_u64(in);
    if (size > BUFFER_MAX)
        in->bad = true;
    *ret_size = (size_t)size;
    if (!is_there || in->bad)
        return NULL;
    return replay_scratch(r, *ret_size);
}

void *get_array(struct nst_replay *r, struct record_in *in, size_t size, int *ret_count)
{
    const bool is_there = in_u8(in) != 0;
    *ret_count = (int)in_u32(in);
    if (*ret_count > ARRAY_MAX)
        in->bad = true;
    if (!is_there || in->bad)
        return NULL;
    return replay_scratch(r, *ret_count > 0 ? (size_t)*ret_count * size : 1);
}
