/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observer: looks at every frame that a host sends and receives, and knows what TCP must not
 * do. It trusts nothing that a stack says about itself.
 *
 * What it checks: no data is sent beyond the window that the receiver has opened, as far as its
 * acknowledgments have arrived at the sender (RFC 9293 3.8.6); a probe of a shut window is one byte
 * beyond it. And it tells a flow that a packet of it was harmed on the way.
 */
#include "sim/sim.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcpopt.h"

#define HEADERS_MAX 160

/* A TCP segment or UDP datagram in a frame. */
struct sight {
    struct sim_flow *flow;
    bool from_server;
    bool is_tcp;
    struct tcp_hdr tcp;
    uint32_t payload;
    const uint8_t *options;
    uint32_t at, len; /* of the transport header and its payload, in the frame */
    uint32_t pseudo;  /* the partial sum of the pseudo-header */
};

static bool read_ip(const uint8_t *bytes, size_t n, struct sight *s, uint8_t *ret_proto)
{
    struct ip4_hdr ip4;
    struct ip6_hdr ip6;
    const size_t hdr = ip4_parse(bytes, n, &ip4);
    if (hdr != 0) {
        if (ip4.frag_off != 0)
            return false;
        s->at = (uint32_t)hdr;
        s->len = ip4.total_len - (uint32_t)hdr;
        s->pseudo = csum_pseudo_v4(ip4.src4, ip4.dst4, ip4.proto, s->len);
        *ret_proto = ip4.proto;
        return true;
    }
    if (ip6_parse(bytes, n, &ip6) == 0)
        return false;
    s->at = IP6_HDR_LEN;
    s->len = ip6.payload_len;
    s->pseudo = csum_pseudo_v6(&ip6.src, &ip6.dst, ip6.next, s->len);
    *ret_proto = ip6.next;
    return true;
}

static bool find_flow(struct nst_sim *sim, uint16_t src, uint16_t dst, struct sight *s)
{
    const uint32_t count = sim->topology->flow_count;
    const uint32_t from = (uint32_t)src - SIM_PORT_FIRST, to = (uint32_t)dst - SIM_PORT_FIRST;
    /* Clients have ports above those of all flows, or the destination decides. */
    s->from_server = to >= count;
    if (to < count)
        s->flow = &sim->flows[to];
    else if (from < count)
        s->flow = &sim->flows[from];
    else
        return false;
    return true;
}

/* False: it belongs to no flow. `bytes` are the first n of the packet, from the IP header on. */
static bool look(struct nst_sim *sim, const uint8_t *bytes, size_t n, struct sight *s)
{
    uint8_t proto;
    if (!read_ip(bytes, n, s, &proto) || n < s->at + 8)
        return false;
    if (!find_flow(sim, be16_get(bytes + s->at), be16_get(bytes + s->at + 2), s))
        return false;
    s->is_tcp = proto == IP_PROTO_TCP && s->flow->config.kind != NST_SIM_DATAGRAMS;
    if (!s->is_tcp)
        return true;
    const size_t hdr = tcp_parse(bytes + s->at, n - s->at, &s->tcp);
    if (hdr == 0 || s->len < hdr)
        return false;
    s->payload = s->len - (uint32_t)hdr;
    s->options = bytes + s->at + TCP_HDR_LEN;
    return true;
}

/* True: the TCP checksum over the whole packet is right. */
static bool is_intact(struct nst_sim *sim, const struct nst_pkt *p, const struct sight *s)
{
    if (!sim->may_corrupt)
        return true;
    const uint32_t n = nst_pkt_copy_out(p, ETH_HDR_LEN + s->at, sim->buffer, s->len);
    return n == s->len && csum_ok(csum_portable.sum(sim->buffer, n, s->pseudo));
}

static struct sim_observed *observed_of(const struct sight *s, bool of_server)
{
    return &s->flow->ends[of_server].observed;
}

/* A segment arrives at a host: what it allows that host to send. */
static void note_window(struct nst_sim *sim, const struct nst_pkt *p, const struct sight *s)
{
    struct sim_observed *sender = observed_of(s, !s->from_server);
    if (!is_intact(sim, p, s) || (s->tcp.flags & TCP_ACK) == 0)
        return;
    uint8_t shift = sender->wscale;
    if ((s->tcp.flags & TCP_SYN) != 0)
        shift = 0;
    const uint32_t edge = s->tcp.ack + ((uint32_t)s->tcp.wnd << shift);
    if (!sender->has_edge || (int32_t)(edge - sender->edge) > 0)
        sender->edge = edge;
    sender->has_edge = true;
}

/* A host sends a SYN: both have to offer a scale for it to count. */
static void note_syn(const struct sight *s)
{
    struct sim_observed *peer = observed_of(s, !s->from_server); /* whom our windows allow */
    struct tcp_opts opts = {0};
    tcp_opts_parse(s->options, s->tcp.hdr_len - (size_t)TCP_HDR_LEN, &opts);
    const bool has_wscale = (opts.present & TCP_OPTS_WSCALE) != 0;
    peer->wscale = has_wscale ? opts.wscale : 0;
    if ((s->tcp.flags & TCP_ACK) != 0 && !has_wscale)
        observed_of(s, s->from_server)->wscale = 0;
}

static void check_window(struct nst_sim *sim, const struct nst_pkt *p, const struct sight *s)
{
    const struct sim_observed *o = observed_of(s, s->from_server);
    if (!o->has_edge || s->payload == 0 || (s->tcp.flags & TCP_SYN) != 0)
        return;
    const int32_t beyond = (int32_t)(s->tcp.seq + s->payload - o->edge);
    if (beyond <= 0 || (p->note == NST_NOTE_WINDOW_PROBE && beyond == 1))
        return;
    sim_fault(sim, "flow %u sent %d bytes beyond its peer's window at %lld us", s->flow->index,
              beyond, (long long)(sim_now(sim) / NST_USEC));
}

void sim_observe(struct nst_sim *sim, const struct nst_pkt *p, const struct sim_port *port,
                 bool outgoing)
{
    uint8_t bytes[HEADERS_MAX];
    struct sight s = {0};
    const size_t n = nst_pkt_copy_out(p, ETH_HDR_LEN, bytes, sizeof(bytes));
    if (!look(sim, bytes, n, &s) || !s.is_tcp ||
        port->host != s.flow->ends[s.from_server == outgoing].host)
        return;
    if (!outgoing) {
        note_window(sim, p, &s);
        return;
    }
    if ((s.tcp.flags & TCP_SYN) != 0)
        note_syn(&s);
    check_window(sim, p, &s);
}

/* What finds link addresses was harmed: any flow that waits may wait for that. */
static void harm_waiting(struct nst_sim *sim)
{
    sim->unnamed_harms++;
    for (uint32_t i = 0; i < sim->topology->flow_count; i++) {
        struct sim_flow *flow = &sim->flows[i];
        if (flow->ends[0].since != NST_TIME_NEVER || flow->ends[1].since != NST_TIME_NEVER)
            sim_flow_harm(flow);
    }
}

void sim_observe_harm(struct nst_sim *sim, const struct nst_pkt *p)
{
    uint8_t bytes[HEADERS_MAX];
    struct sight s = {0};
    const size_t n = nst_pkt_copy_out(p, ETH_HDR_LEN, bytes, sizeof(bytes));
    if (look(sim, bytes, n, &s))
        sim_flow_harm(s.flow);
    else
        harm_waiting(sim);
}
