/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/show.h"

#include "base/check.h"
#include "base/fmt.h"
#include "wire/arp.h"
#include "wire/dns.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcpopt.h"
#include "wire/udp.h"

/* What stands above IP. */
struct upper {
    struct nst_addr src;
    struct nst_addr dst;
    const uint8_t *data;
    size_t len;     /* bytes that are here */
    size_t claimed; /* bytes that the IP header says */
    uint8_t proto;
    bool quoted; /* by an ICMP error: no errors inside, no payloads */
};

static void put_addr(struct fmt *f, const struct nst_addr *addr)
{
    char text[NST_ADDR_TEXT];
    fmt_str(f, nst_addr_format(addr, text, sizeof(text)));
}

static void put_raw4(struct fmt *f, uint32_t raw4)
{
    const struct nst_addr addr = addr_from_raw4(raw4);
    put_addr(f, &addr);
}

/* "a > b: " */
static void put_hosts(struct fmt *f, const struct upper *up)
{
    put_addr(f, &up->src);
    fmt_str(f, " > ");
    put_addr(f, &up->dst);
    fmt_str(f, ": ");
}

/* "a.port > b.port: " */
static void put_flow(struct fmt *f, const struct upper *up, uint16_t src_port, uint16_t dst_port)
{
    put_addr(f, &up->src);
    fmt_f(f, ".%u > ", src_port);
    put_addr(f, &up->dst);
    fmt_f(f, ".%u: ", dst_port);
}

/* "a > b: [malformed what, length n]" */
static void put_malformed(struct fmt *f, const struct upper *up, const char *what)
{
    put_hosts(f, up);
    fmt_f(f, "[malformed %s], length %zu", what, up->claimed);
}

/* --- DNS --------------------------------------------------------------------------------- */

static void put_dns_type(struct fmt *f, uint16_t type)
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {{DNS_TYPE_A, "A"},         {DNS_TYPE_NS, "NS"},     {DNS_TYPE_CNAME, "CNAME"},
                 {DNS_TYPE_SOA, "SOA"},     {DNS_TYPE_PTR, "PTR"},   {DNS_TYPE_MX, "MX"},
                 {DNS_TYPE_TXT, "TXT"},     {DNS_TYPE_AAAA, "AAAA"}, {DNS_TYPE_SRV, "SRV"},
                 {DNS_TYPE_HTTPS, "HTTPS"}, {DNS_TYPE_ANY, "ANY"},   {DNS_TYPE_OPT, "OPT"}};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].type == type) {
            fmt_str(f, names[i].name);
            return;
        }
    }
    fmt_f(f, "TYPE%u", type);
}

static void put_name(struct fmt *f, const struct dns_name *name)
{
    char text[DNS_NAME_TEXT];
    fmt_str(f, dns_name_to_text(name, text, sizeof(text)));
}

/* The value of an answer, when it is an address or a name. */
static void put_dns_rdata(struct fmt *f, const struct dns_iter *iter,
                          const struct dns_record *record)
{
    struct nst_addr addr;
    struct dns_name name;

    put_dns_type(f, record->type);
    if (dns_record_addr(iter->data, record, &addr)) {
        fmt_char(f, ' ');
        put_addr(f, &addr);
    } else if ((record->type == DNS_TYPE_CNAME || record->type == DNS_TYPE_PTR ||
                record->type == DNS_TYPE_NS) &&
               dns_name_parse(iter->data, iter->len, record->rdata, &name) != 0) {
        fmt_char(f, ' ');
        put_name(f, &name);
    }
}

static void put_dns_head(struct fmt *f, const struct dns_hdr *hdr)
{
    static const char *const rcodes[] = {"",          " FormErr", " ServFail",
                                         " NXDomain", " NotImp",  " Refused"};
    const unsigned rcode = hdr->flags & DNS_RCODE;

    fmt_f(f, "DNS %u", hdr->id);
    if (!(hdr->flags & DNS_QR)) {
        fmt_str(f, hdr->flags & DNS_RD ? "+" : "");
        return;
    }
    fmt_str(f, hdr->flags & DNS_AA ? "*" : "");
    fmt_str(f, hdr->flags & DNS_TC ? "|" : "");
    if (rcode < ARRAY_SIZE(rcodes))
        fmt_str(f, rcodes[rcode]);
    else
        fmt_f(f, " rcode %u", rcode);
    fmt_f(f, " %u/%u/%u", hdr->count[DNS_ANSWER], hdr->count[DNS_AUTHORITY],
          hdr->count[DNS_ADDITIONAL]);
}

/* "DNS id+ A? name (len)", "DNS id 1/0/0 name A addr, ... (len)": as many answers as there are. */
static void put_dns(struct fmt *f, const uint8_t *data, size_t len)
{
    struct dns_hdr hdr;
    struct dns_iter iter;
    struct dns_record record;
    unsigned answers = 0;

    if (dns_parse(data, len, &hdr) == 0 || !dns_iter_init(data, len, &iter)) {
        fmt_f(f, "DNS [malformed], length %zu", len);
        return;
    }
    put_dns_head(f, &hdr);
    while (fmt_is_complete(f) && dns_next(&iter, &record)) {
        if (record.section == DNS_QUESTION) {
            fmt_char(f, ' ');
            put_dns_type(f, record.type);
            fmt_str(f, "? ");
            put_name(f, &record.name);
        } else if (record.section == DNS_ANSWER) {
            fmt_str(f, answers++ == 0 ? ": " : ", ");
            put_dns_rdata(f, &iter, &record);
        }
    }
    fmt_f(f, "%s (%zu)", iter.malformed ? " [malformed]" : "", len);
}

/* --- UDP and TCP -------------------------------------------------------------------------- */

static void put_udp(struct fmt *f, const struct upper *up)
{
    struct udp_hdr hdr;

    if (udp_parse(up->data, up->len, &hdr) == 0) {
        put_malformed(f, up, "UDP");
        return;
    }
    const size_t data_len = (size_t)hdr.len - UDP_HDR_LEN;
    const size_t here = up->len - UDP_HDR_LEN;
    put_flow(f, up, hdr.src_port, hdr.dst_port);
    if (hdr.len > up->claimed)
        fmt_f(f, "UDP, bad length %zu > %zu", data_len, up->claimed - UDP_HDR_LEN);
    else if (!up->quoted && (hdr.src_port == DNS_PORT || hdr.dst_port == DNS_PORT))
        put_dns(f, up->data + UDP_HDR_LEN, data_len < here ? data_len : here);
    else
        fmt_f(f, "UDP, length %zu", data_len);
}

static void put_tcp_flags(struct fmt *f, uint16_t flags)
{
    static const char letters[] = "FSRP.UEWe"; /* by bit number */

    for (unsigned bit = 0; bit < sizeof(letters) - 1; bit++) {
        if (flags & 1u << bit)
            fmt_char(f, letters[bit]);
    }
    if (flags == 0)
        fmt_str(f, "none");
}

static void put_tcp_sack(struct fmt *f, const struct tcp_opts *opts)
{
    fmt_f(f, ",sack %u ", opts->n_sack);
    for (unsigned i = 0; i < opts->n_sack; i++)
        fmt_f(f, "{%u:%u}", opts->sack[i].start, opts->sack[i].end);
}

static void put_tcp_rare_opts(struct fmt *f, const struct tcp_opts *opts)
{
    if (opts->present & TCP_OPTS_MD5)
        fmt_str(f, ",md5");
    if (opts->present & TCP_OPTS_USER_TIMEOUT)
        fmt_f(f, ",uto %u%s", opts->user_timeout & 0x7fff,
              opts->user_timeout & 0x8000 ? "min" : "s");
    if (opts->present & TCP_OPTS_FASTOPEN) {
        fmt_str(f, opts->present & TCP_OPTS_FASTOPEN_EXP ? ",tfo-exp " : ",tfo ");
        if (opts->cookie_len == 0)
            fmt_str(f, "cookiereq");
        else
            fmt_hex_bytes(f, opts->cookie, opts->cookie_len);
    }
    if (opts->present & TCP_OPTS_ACCECN) {
        fmt_f(f, ",accecn%u", opts->accecn_order);
        for (unsigned i = 0; i < opts->accecn_count; i++)
            fmt_f(f, "%c%u", i == 0 ? ' ' : '/', opts->accecn[i]);
    }
}

/* ", options [mss 1460,sackOK,TS val 1 ecr 2,wscale 7]": in this order, whatever theirs is. */
static void put_tcp_opts(struct fmt *f, const uint8_t *data, size_t len)
{
    struct tcp_opts opts;
    char text[400];
    struct fmt list;

    tcp_opts_parse(data, len, &opts);
    fmt_init(&list, text, sizeof(text));
    if (opts.present & TCP_OPTS_MSS)
        fmt_f(&list, ",mss %u", opts.mss);
    if (opts.present & TCP_OPTS_SACK_PERMITTED)
        fmt_str(&list, ",sackOK");
    if (opts.present & TCP_OPTS_TS)
        fmt_f(&list, ",TS val %u ecr %u", opts.ts_val, opts.ts_ecr);
    if (opts.present & TCP_OPTS_WSCALE)
        fmt_f(&list, ",wscale %u", opts.wscale);
    if (opts.present & TCP_OPTS_SACK)
        put_tcp_sack(&list, &opts);
    put_tcp_rare_opts(&list, &opts);
    if (opts.malformed)
        fmt_str(&list, ",[malformed]");
    if (list.length > 0)
        fmt_f(f, ", options [%s]", text + 1);
}

static void put_tcp(struct fmt *f, const struct upper *up)
{
    struct tcp_hdr hdr;
    struct tcp_quote quote;

    if (tcp_parse(up->data, up->len, &hdr) == 0) {
        if (up->quoted && tcp_quote_parse(up->data, up->len, &quote) != 0) {
            put_flow(f, up, quote.src_port, quote.dst_port);
            fmt_f(f, "tcp seq %u", quote.seq);
        } else {
            put_malformed(f, up, "TCP");
        }
        return;
    }
    const uint32_t data_len = (uint32_t)(up->claimed - hdr.hdr_len);
    put_flow(f, up, hdr.src_port, hdr.dst_port);
    fmt_str(f, "Flags [");
    put_tcp_flags(f, hdr.flags);
    fmt_char(f, ']');
    if (data_len > 0)
        fmt_f(f, ", seq %u:%u", hdr.seq, hdr.seq + data_len);
    else if (hdr.flags & (TCP_SYN | TCP_FIN | TCP_RST))
        fmt_f(f, ", seq %u", hdr.seq);
    if (hdr.flags & TCP_ACK)
        fmt_f(f, ", ack %u", hdr.ack);
    fmt_f(f, ", win %u", hdr.wnd);
    if (hdr.flags & TCP_URG)
        fmt_f(f, ", urg %u", hdr.urg);
    put_tcp_opts(f, up->data + TCP_HDR_LEN, hdr.hdr_len - (size_t)TCP_HDR_LEN);
    fmt_f(f, ", length %u", data_len);
}

/* --- ICMP -------------------------------------------------------------------------------- */

static void put_unreachable(struct fmt *f, const struct icmp4_hdr *hdr)
{
    static const char *const codes[] = {
        "net unreachable",
        "host unreachable",
        "protocol unreachable",
        "port unreachable",
        "frag needed",
        "source route failed",
        "net unknown",
        "host unknown",
        "host isolated",
        "net prohibited",
        "host prohibited",
        "net unreachable for TOS",
        "host unreachable for TOS",
        "admin prohibited",
        "precedence violation",
        "precedence cutoff",
    };

    if (hdr->code < ARRAY_SIZE(codes))
        fmt_str(f, codes[hdr->code]);
    else
        fmt_f(f, "unreachable code %u", hdr->code);
    if (hdr->code == ICMP4_FRAG_NEEDED)
        fmt_f(f, " (mtu %u)", hdr->mtu);
}

static void put_icmp4_text(struct fmt *f, const struct icmp4_hdr *hdr)
{
    static const char *const types[] = {
        [ICMP4_ECHO_REPLY] = "echo reply",
        [ICMP4_SOURCE_QUENCH] = "source quench",
        [ICMP4_REDIRECT] = "redirect to ",
        [ICMP4_ECHO_REQUEST] = "echo request",
        [ICMP4_ROUTER_ADVERTISEMENT] = "router advertisement",
        [ICMP4_ROUTER_SOLICITATION] = "router solicitation",
        [ICMP4_TIME_EXCEEDED] = "time exceeded ",
        [ICMP4_PARAMETER_PROBLEM] = "parameter problem",
        [ICMP4_TIMESTAMP_REQUEST] = "timestamp request",
        [ICMP4_TIMESTAMP_REPLY] = "timestamp reply",
        [ICMP4_INFO_REQUEST] = "information request",
        [ICMP4_INFO_REPLY] = "information reply",
        [ICMP4_MASK_REQUEST] = "address mask request",
        [ICMP4_MASK_REPLY] = "address mask reply",
    };

    if (hdr->type == ICMP4_UNREACHABLE) {
        put_unreachable(f, hdr);
        return;
    }
    if (hdr->type >= ARRAY_SIZE(types) || types[hdr->type] == NULL) {
        fmt_f(f, "type %u code %u", hdr->type, hdr->code);
        return;
    }
    fmt_str(f, types[hdr->type]);
    if (hdr->type == ICMP4_REDIRECT)
        put_raw4(f, hdr->gateway4);
    else if (hdr->type == ICMP4_TIME_EXCEEDED)
        fmt_str(f, hdr->code == ICMP4_TTL_EXCEEDED ? "in transit" : "in reassembly");
    else if (hdr->type == ICMP4_PARAMETER_PROBLEM && hdr->code == ICMP4_POINTER)
        fmt_f(f, " at byte %u", hdr->pointer);
    else if (!icmp4_is_error(hdr->type) && hdr->type != ICMP4_ROUTER_ADVERTISEMENT &&
             hdr->type != ICMP4_ROUTER_SOLICITATION)
        fmt_f(f, ", id %u, seq %u", hdr->id, hdr->seq);
}

static void put_icmp4(struct fmt *f, const struct upper *up)
{
    struct icmp4_hdr hdr;

    if (icmp4_parse(up->data, up->len, &hdr) == 0) {
        put_malformed(f, up, "ICMP");
        return;
    }
    put_hosts(f, up);
    fmt_str(f, "ICMP ");
    put_icmp4_text(f, &hdr);
    fmt_f(f, ", length %zu", up->claimed);
}

/* --- IP ---------------------------------------------------------------------------------- */

static void put_upper(struct fmt *f, const struct upper *up)
{
    switch (up->proto) {
    case IP_PROTO_TCP:
        put_tcp(f, up);
        break;
    case IP_PROTO_UDP:
        put_udp(f, up);
        break;
    case IP_PROTO_ICMP:
        put_icmp4(f, up);
        break;
    case IP_PROTO_ICMPV6:
        put_hosts(f, up);
        if (up->len >= 2)
            fmt_f(f, "ICMP6 type %u code %u, length %zu", up->data[0], up->data[1], up->claimed);
        else
            fmt_f(f, "ICMP6 [malformed], length %zu", up->claimed);
        break;
    case IP_PROTO_NONE:
        put_hosts(f, up);
        fmt_f(f, "no next header, length %zu", up->claimed);
        break;
    default:
        put_hosts(f, up);
        fmt_f(f, "proto %u, length %zu", up->proto, up->claimed);
        break;
    }
}

/* " (frag id 7 at 1480, more)" */
static void put_fragment(struct fmt *f, uint32_t id, uint16_t off, bool mf)
{
    fmt_f(f, " (frag id %u at %u%s)", id, off, mf ? ", more" : "");
}

/* A packet whose transport header is in another fragment. */
static void put_rest(struct fmt *f, const struct upper *up)
{
    put_hosts(f, up);
    fmt_f(f, "proto %u, length %zu", up->proto, up->claimed);
}

static void put_ip4(struct fmt *f, const uint8_t *data, size_t len, bool quoted)
{
    struct ip4_hdr hdr;
    const size_t hdr_len = ip4_parse(data, len, &hdr);

    if (hdr_len == 0) {
        fmt_f(f, "[malformed IPv4], length %zu", len);
        return;
    }
    const size_t here = min_size(len, hdr.total_len);
    const struct upper up = {.src = addr_from_raw4(hdr.src4),
                             .dst = addr_from_raw4(hdr.dst4),
                             .data = data + hdr_len,
                             .len = here - hdr_len,
                             .claimed = hdr.total_len - hdr_len,
                             .proto = hdr.proto,
                             .quoted = quoted};
    if (hdr.frag_off != 0)
        put_rest(f, &up);
    else
        put_upper(f, &up);
    if (ip4_is_fragment(&hdr))
        put_fragment(f, hdr.id, hdr.frag_off, hdr.mf);
    if (!quoted && !ip4_csum_ok(data, hdr_len))
        fmt_f(f, " [bad IPv4 checksum 0x%04x]", hdr.csum);
    if (!quoted && hdr.total_len > len)
        fmt_f(f, " [%zu of %u bytes]", len, hdr.total_len);
}

/* Walks the extension headers; false when they are malformed. */
static bool find_upper6(struct upper *up, struct ip6_fragment *ret_fragment, bool *ret_fragmented)
{
    struct ip6_ext_iter iter = ip6_ext_begin(up->data, up->len, up->proto);
    struct ip6_ext ext;

    *ret_fragmented = false;
    while (ip6_ext_next(&iter, &ext)) {
        if (ext.type == IP_PROTO_FRAGMENT) {
            ip6_fragment_parse(up->data + ext.off, ext.len, ret_fragment);
            *ret_fragmented = true;
        }
    }
    up->data += iter.off;
    up->len -= iter.off;
    up->claimed -= iter.off;
    up->proto = iter.next;
    return !iter.malformed;
}

static void put_ip6(struct fmt *f, const uint8_t *data, size_t len)
{
    struct ip6_hdr hdr;
    struct ip6_fragment fragment;
    bool fragmented;

    if (ip6_parse(data, len, &hdr) == 0) {
        fmt_f(f, "[malformed IPv6], length %zu", len);
        return;
    }
    struct upper up = {.src = hdr.src,
                       .dst = hdr.dst,
                       .data = data + IP6_HDR_LEN,
                       .len = min_size(len - IP6_HDR_LEN, hdr.payload_len),
                       .claimed = hdr.payload_len,
                       .proto = hdr.next};
    if (!find_upper6(&up, &fragment, &fragmented))
        put_malformed(f, &up, "extension header");
    else if (fragmented && fragment.off != 0)
        put_rest(f, &up);
    else
        put_upper(f, &up);
    if (fragmented)
        put_fragment(f, fragment.id, fragment.off, fragment.mf);
    if (hdr.payload_len > len - IP6_HDR_LEN)
        fmt_f(f, " [%zu of %u bytes]", len, hdr.payload_len + IP6_HDR_LEN);
}

/* " (about a.port > b.port: ...)": the packet that an ICMP error in this one quotes. */
static void put_quote(struct fmt *f, const uint8_t *data, size_t len)
{
    struct ip4_hdr hdr;
    struct icmp4_hdr icmp;
    const size_t off = ip4_parse(data, len, &hdr);

    if (off == 0 || hdr.proto != IP_PROTO_ICMP || hdr.frag_off != 0)
        return;
    const size_t end = min_size(len, hdr.total_len);
    if (icmp4_parse(data + off, end - off, &icmp) == 0 || !icmp4_is_error(icmp.type))
        return;
    fmt_str(f, " (about ");
    put_ip4(f, data + off + ICMP4_HDR_LEN, end - off - ICMP4_HDR_LEN, true);
    fmt_char(f, ')');
}

static void put_ip(struct fmt *f, const uint8_t *data, size_t len)
{
    const unsigned version = len > 0 ? data[0] >> 4 : 0;

    if (version == 4) {
        fmt_str(f, "IP ");
        put_ip4(f, data, len, false);
        put_quote(f, data, len);
    } else if (version == 6) {
        fmt_str(f, "IP6 ");
        put_ip6(f, data, len);
    } else {
        fmt_f(f, "[no IP], length %zu", len);
    }
}

/* --- Ethernet ----------------------------------------------------------------------------- */

static void put_arp(struct fmt *f, const uint8_t *data, size_t len)
{
    struct arp_hdr hdr;

    if (arp_parse(data, len, &hdr) == 0) {
        fmt_f(f, "ARP [malformed], length %zu", len);
        return;
    }
    if (hdr.op == ARP_OP_REQUEST) {
        fmt_str(f, arp_is_announcement(&hdr) ? "ARP, announcement " : "ARP, who-has ");
        put_raw4(f, hdr.tpa4);
        fmt_str(f, arp_is_probe(&hdr) ? " (probe)" : " tell ");
        if (!arp_is_probe(&hdr))
            put_raw4(f, hdr.spa4);
    } else if (hdr.op == ARP_OP_REPLY) {
        fmt_str(f, "ARP, reply ");
        put_raw4(f, hdr.spa4);
        fmt_str(f, " is-at ");
        mac_show(f, &hdr.sha);
    } else {
        fmt_f(f, "ARP, op %u", hdr.op);
    }
}

static void put_eth(struct fmt *f, const uint8_t *data, size_t len)
{
    struct eth_hdr hdr;
    struct eth_tag tag;
    size_t off = eth_parse(data, len, &hdr);

    if (off == 0) {
        fmt_f(f, "[short Ethernet frame], length %zu", len);
        return;
    }
    mac_show(f, &hdr.src);
    fmt_str(f, " > ");
    mac_show(f, &hdr.dst);
    fmt_char(f, ' ');
    while ((hdr.type == ETH_TYPE_VLAN || hdr.type == ETH_TYPE_QINQ) &&
           eth_tag_parse(data + off, len - off, &tag) != 0) {
        fmt_f(f, "vlan %u ", tag.vid);
        hdr.type = tag.type;
        off += ETH_TAG_LEN;
    }
    if (hdr.type == ETH_TYPE_ARP)
        put_arp(f, data + off, len - off);
    else if (hdr.type == ETH_TYPE_IPV4 || hdr.type == ETH_TYPE_IPV6)
        put_ip(f, data + off, len - off);
    else
        fmt_f(f, "type 0x%04x, length %zu", hdr.type, len - off);
}

char *show_eth(const uint8_t *data, size_t len, char *text, size_t size)
{
    struct fmt f;

    fmt_init(&f, text, size);
    put_eth(&f, data, len);
    return text;
}

char *show_ip(const uint8_t *data, size_t len, char *text, size_t size)
{
    struct fmt f;

    fmt_init(&f, text, size);
    put_ip(&f, data, len);
    return text;
}
