/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. IGMP is a transport to IPv4: queries and reports that pass the checks go to
 * the machine in listener.c, which calls back to have reports sent.
 *
 * What is believed: a message with a right checksum and TTL 1, so that it comes from the link (RFC
 * 3376 4), a query of version 2 or 3 only with a router alert, a general query only to 224.0.0.1
 * (RFC 3376 9.1), a query or report for a group only to that group or one of its receivers.
 *
 * Every message has TTL 1, TOS 0xc0 and a router alert (RFC 3376 4), and leaves from an address of
 * the NIC, or from 0.0.0.0 before it has one (4.2.13).
 */
#include "network/igmp.h"

#include "base/check.h"
#include "network/ipv4.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/igmp.h"

#define ALERT_LEN 4
#define HDR_LEN   (IP4_HDR_LEN + ALERT_LEN)
#define TOS       0xc0 /* internetwork control */

const struct nst_addr igmp_all_hosts = {{{[10] = 0xff, [11] = 0xff, 224, 0, 0, 1}}};
static const struct nst_addr all_routers = {{{[10] = 0xff, [11] = 0xff, 224, 0, 0, 2}}};
static const struct nst_addr all_igmp3_routers = {{{[10] = 0xff, [11] = 0xff, 224, 0, 0, 22}}};

/* ---- Sending ---- */

/* Sends p, data at the IGMP header. */
static void send(struct net_ep *ep, struct pkt *p, const struct nst_addr *to)
{
    static const struct nst_addr none;
    struct nst_addr source = nst_addr_v4(0, 0, 0, 0);
    addrs_select_source(ep, to, &none, &source);
    igmp_csum_put(p->data, p->len);
    pkt_set_trans(p);
    const uint32_t len = p->len + HDR_LEN;
    uint8_t *h = nst_pkt_push(pkt_pub(p), HDR_LEN);
    pkt_set_net(p);
    ip4_router_alert_build(h + IP4_HDR_LEN);
    const struct ip4_hdr hdr = {.src4 = addr_to_raw4(&source),
                                .dst4 = addr_to_raw4(to),
                                .total_len = (uint16_t)len,
                                .id = (uint16_t)rand_u32(&ep->nic->stack->rand),
                                .hdr_len = HDR_LEN,
                                .tos = TOS,
                                .ttl = 1,
                                .proto = IP_PROTO_IGMP,
                                .df = true};
    ip4_build(h, &hdr);
    const struct nst_mac mac = mac_from_group(to);
    nic_output(ep->nic, p, NST_ETHERTYPE_IPV4, &mac);
}

static void send_records(struct net_ep *ep, const struct group_record *records, unsigned count)
{
    struct pkt *p = nic_build(ep->nic, HDR_LEN, IGMP_LEN + count * IGMP_RECORD_LEN);
    if (p == NULL)
        return;
    uint8_t *at = p->data + igmp_report3_build(p->data, (uint16_t)count);
    for (unsigned i = 0; i < count; i++)
        at += igmp_record_build(at, &records[i]);
    COUNT(ep->nic->stack->counters.igmp_reports_sent);
    send(ep, p, &all_igmp3_routers);
}

static void send_group(struct net_ep *ep, const struct group *g, enum igmp_type type,
                       const struct nst_addr *to)
{
    struct pkt *p = nic_build(ep->nic, HDR_LEN, IGMP_LEN);
    if (p == NULL)
        return;
    igmp_group_build(p->data, type, addr_to_raw4(&g->addr));
    COUNT(ep->nic->stack->counters.igmp_reports_sent);
    send(ep, p, to);
}

static void send_report(struct net_ep *ep, const struct group *g, enum listener_mode mode)
{
    send_group(ep, g, mode == LISTENER_OLDEST ? IGMP_REPORT1 : IGMP_REPORT2, &g->addr);
}

static void send_leave(struct net_ep *ep, const struct group *g)
{
    send_group(ep, g, IGMP_LEAVE, &all_routers);
}

/* RFC 3376 4.2.14, 5.1: the all-hosts group is never reported. */
static bool is_told(const struct group *g)
{
    return !nst_addr_equal(&g->addr, &igmp_all_hosts);
}

const struct listener_family igmp_family = {
    .headers = HDR_LEN + IGMP_LEN,
    .record_size = IGMP_RECORD_LEN,
    .is_told = is_told,
    .send_records = send_records,
    .send_report = send_report,
    .send_leave = send_leave,
};

/* ---- Receiving ---- */

static bool has_alert(const struct pkt *p)
{
    const uint8_t *h = pkt_net(p);
    return ip4_has_router_alert(h + IP4_HDR_LEN, (size_t)(h[0] & 0x0f) * 4 - IP4_HDR_LEN);
}

/* Is a message about `group` addressed as one has to be: to all hosts if it is general? */
static bool is_query_well_sent(const struct pkt *p, const struct rx *rx,
                               const struct igmp_query *query)
{
    if (query->version > 1 && !has_alert(p))
        return false;
    if (query->group4 == 0)
        return nst_addr_equal(&rx->dst, &igmp_all_hosts);
    return addr_raw4_is_multicast(query->group4);
}

/* False: it fails a check. */
static bool input_query(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    static const uint8_t modes[] = {[1] = LISTENER_OLDEST, LISTENER_OLD, LISTENER_NEW};
    struct igmp_query query;
    if (!igmp_query_parse(p->data, p->len, &query) || !is_query_well_sent(p, rx, &query))
        return false;
    const struct listener_query q = {.mode = (enum listener_mode)modes[query.version],
                                     .general = query.group4 == 0,
                                     .group = addr_from_raw4(query.group4),
                                     .max_delay = query.max_resp_ms * NST_MSEC,
                                     .interval = query.interval_s * NST_SEC,
                                     .robustness = query.robustness};
    listener_query(ep, &q);
    return true;
}

/* RFC 2236 3: another host's report for a group of ours. */
static bool input_report(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    uint32_t group4;
    if (!igmp_group_parse(p->data, p->len, &group4) || group4 != addr_to_raw4(&rx->dst))
        return false;
    listener_report_heard(ep, &rx->dst);
    return true;
}

/* False: it fails a check. Leaves and version 3 reports are for routers. */
static bool dispatch(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    switch (p->data[0]) {
    case IGMP_QUERY:
        return input_query(ep, p, rx);
    case IGMP_REPORT1:
    case IGMP_REPORT2:
        return input_report(ep, p, rx);
    default:
        return true;
    }
}

static void input(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    if (unlikely(rx->net->index != NET_IPV4)) { /* IPv6 has MLD */
        stack_refuse_transport(p, rx);
        return;
    }
    COUNT(stack->counters.igmp_received);
    if (!pkt_pull_up(p, p->len) || p->len < IGMP_LEN || rx->ttl != 1 ||
        !csum_ok(pkt_csum(p, 0, p->len)) || !dispatch(nic_ep(rx->nic, NET_IPV4), p, rx)) {
        COUNT(stack->counters.igmp_malformed);
        pkt_drop(p, DROP_GROUP_MALFORMED);
        return;
    }
    pkt_deliver(p);
}

const struct transport_proto igmp_proto = {
    .name = "igmp",
    .number = IP_PROTO_IGMP,
    .input = input,
};
