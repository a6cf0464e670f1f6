/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. As igmp.c, for IPv6: the messages are ICMPv6's, icmp6.c hands them in.
 *
 * What is believed: a message from a link-local address with hop limit 1 and a router alert in a
 * hop-by-hop header (RFC 3810 6.2, RFC 2710 3 and 5), a general query only to ff02::1.
 *
 * Every message leaves with hop limit 1 and that header from a link-local address of the NIC, or
 * from :: while it has none (RFC 3590 4); once there is one, ipv6.c has everything told again.
 */
#include "network/mld.h"

#include "base/check.h"
#include "network/ipv6.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/mld.h"

#define HDR_LEN (IP6_HDR_LEN + MLD_ALERT_LEN)

const struct nst_addr mld_all_nodes = {{{0xff, 0x02, [15] = 1}}};
static const struct nst_addr all_routers = {{{0xff, 0x02, [15] = 2}}};
static const struct nst_addr all_mld2_routers = {{{0xff, 0x02, [15] = 0x16}}};

/* ---- Sending ---- */

/* Sends p, data at the ICMPv6 header. */
static void send(struct net_ep *ep, struct pkt *p, const struct nst_addr *to)
{
    static const struct nst_addr unspecified;
    const struct addr_entry *own = addrs_link_local(ep, NST_ADDR_ASSIGNED);
    const struct nst_addr source = own != NULL ? own->info.addr : unspecified;
    icmp6_csum_put(p->data, csum_add(csum_pseudo_v6(&source, to, IP_PROTO_ICMPV6, p->len),
                                     pkt_csum(p, 0, p->len)));
    pkt_set_trans(p);
    mld_alert_build(nst_pkt_push(pkt_pub(p), MLD_ALERT_LEN));
    const struct ip6_hdr hdr = {.src = source,
                                .dst = *to,
                                .payload_len = (uint16_t)p->len,
                                .next = IP_PROTO_HOP_BY_HOP,
                                .hop_limit = 1};
    ip6_build(nst_pkt_push(pkt_pub(p), IP6_HDR_LEN), &hdr);
    pkt_set_net(p);
    const struct nst_mac mac = mac_from_group(to);
    nic_output(ep->nic, p, NST_ETHERTYPE_IPV6, &mac);
}

static void send_records(struct net_ep *ep, const struct group_record *records, unsigned count)
{
    struct pkt *p = nic_build(ep->nic, HDR_LEN, MLD_REPORT2_LEN + count * MLD_RECORD_LEN);
    if (p == NULL)
        return;
    uint8_t *at = p->data + mld_report2_build(p->data, (uint16_t)count);
    for (unsigned i = 0; i < count; i++)
        at += mld_record_build(at, &records[i]);
    COUNT(ep->nic->stack->counters.mld_reports_sent);
    send(ep, p, &all_mld2_routers);
}

static void send_group(struct net_ep *ep, const struct group *g, uint8_t type,
                       const struct nst_addr *to)
{
    struct pkt *p = nic_build(ep->nic, HDR_LEN, MLD_LEN);
    if (p == NULL)
        return;
    mld_group_build(p->data, type, &g->addr);
    COUNT(ep->nic->stack->counters.mld_reports_sent);
    send(ep, p, to);
}

static void send_report(struct net_ep *ep, const struct group *g, enum listener_mode mode)
{
    send_group(ep, g, ICMP6_MLD_REPORT, &g->addr);
}

static void send_leave(struct net_ep *ep, const struct group *g)
{
    send_group(ep, g, ICMP6_MLD_DONE, &all_routers);
}

/* RFC 3810 6: neither all nodes nor what stays inside the node (scopes 0 and 1). */
static bool is_told(const struct group *g)
{
    return (g->addr.b[1] & 0x0f) > 1 && !nst_addr_equal(&g->addr, &mld_all_nodes);
}

const struct listener_family mld_family = {
    .headers = HDR_LEN + MLD_REPORT2_LEN,
    .record_size = MLD_RECORD_LEN,
    .is_told = is_told,
    .send_records = send_records,
    .send_report = send_report,
    .send_leave = send_leave,
};

/* ---- Our own addresses ---- */

void mld_join_solicited(struct addr_entry *e)
{
    const struct nst_addr group = addr_solicited_node(&e->info.addr);
    e->joined = groups_join(e->ep, &group) == 0;
}

void mld_leave_solicited(struct addr_entry *e)
{
    const struct nst_addr group = addr_solicited_node(&e->info.addr);
    if (e->joined)
        groups_leave(e->ep, &group);
    e->joined = false;
}

void mld_address_assigned(const struct addr_entry *e)
{
    if (addr_is_link_local(&e->info.addr))
        listener_tell_all(e->ep);
}

/* ---- Receiving ---- */

/* A hop-by-hop header stands right behind the fixed one, and ipv6_ext.c read it whole. */
static bool has_alert(const struct pkt *p)
{
    const uint8_t *h = pkt_net(p);
    const uint8_t *ext = h + IP6_HDR_LEN;
    return h[6] == IP_PROTO_HOP_BY_HOP && mld_has_alert(ext, ((size_t)ext[1] + 1) * 8);
}

/* False: it fails a check. */
static bool input_query(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    struct mld_query query;
    if (!mld_query_parse(p->data, p->len, &query))
        return false;
    const bool general = addr_is_unspecified(&query.group);
    if (general ? !nst_addr_equal(&rx->dst, &mld_all_nodes) : !addr_is_multicast(&query.group))
        return false;
    const struct listener_query q = {.mode = query.version == 1 ? LISTENER_OLD : LISTENER_NEW,
                                     .general = general,
                                     .group = query.group,
                                     .max_delay = query.max_resp_ms * NST_MSEC,
                                     .interval = query.interval_s * NST_SEC,
                                     .robustness = query.robustness};
    listener_query(ep, &q);
    return true;
}

/* RFC 2710 4: another node's report for a group of ours. */
static bool input_report(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    struct nst_addr group;
    if (!mld_group_parse(p->data, p->len, &group) || !nst_addr_equal(&group, &rx->dst))
        return false;
    listener_report_heard(ep, &group);
    return true;
}

/* False: it fails a check. Done and version 2 reports are for routers. */
static bool dispatch(struct net_ep *ep, const struct pkt *p, const struct rx *rx)
{
    switch (p->data[0]) {
    case ICMP6_MLD_QUERY:
        return input_query(ep, p, rx);
    case ICMP6_MLD_REPORT:
        return input_report(ep, p, rx);
    default:
        return true;
    }
}

void mld_input(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    COUNT(stack->counters.mld_received);
    if (!pkt_pull_up(p, p->len) || rx->ttl != 1 || !has_alert(p)) {
        COUNT(stack->counters.mld_malformed);
        pkt_drop(p, DROP_GROUP_MALFORMED);
        return;
    }
    const bool from_router = p->data[0] == ICMP6_MLD_QUERY || p->data[0] == ICMP6_MLD_REPORT;
    if (from_router &&
        (!addr_is_link_local(&rx->src) || !dispatch(nic_ep(rx->nic, NET_IPV6), p, rx))) {
        COUNT(stack->counters.mld_malformed);
        pkt_drop(p, DROP_GROUP_MALFORMED);
        return;
    }
    pkt_deliver(p);
}
