/* SPDX-License-Identifier: Apache-2.0 */
/* Packets: addresses and ports, segments, datagrams. ICMP is in parse_icmp.c. */
#include <string.h>

#include "script/parse.h"
#include "wire/tcp.h"
#include "wire/tcpopt.h"

/* ---- IP ---- */

static bool take_ecn(struct scan *s, struct script_ip *ip)
{
    static const struct {
        const char *word;
        enum script_ecn ecn;
    } words[] = {{"noecn", ECN_NONE},
                 {"ect01", ECN_ECT01},
                 {"ect0", ECN_ECT0},
                 {"ect1", ECN_ECT1},
                 {"ce", ECN_CE}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (scan_take_word(s, words[i].word)) {
            ip->ecn = words[i].ecn;
            return true;
        }
    }
    return false;
}

static bool take_ip_item(struct scan *s, struct script_ip *ip)
{
    uint64_t value;
    if (take_ecn(s, ip))
        return true;
    if (scan_take_word(s, "tos") || scan_take_word(s, "tclass")) {
        ip->has_tos = true;
        if (!scan_want_number(s, 255, &value))
            return false;
        ip->tos = (uint8_t)value;
        return true;
    }
    if (scan_take_word(s, "ttl") || scan_take_word(s, "hlim")) {
        ip->has_ttl = true;
        if (!scan_want_number(s, 255, &value))
            return false;
        ip->ttl = (uint8_t)value;
        return true;
    }
    if (scan_take_word(s, "flowlabel")) {
        ip->has_flow = true;
        if (!scan_want_number(s, 0xfffff, &value))
            return false;
        ip->flow = (uint32_t)value;
        return true;
    }
    return scan_fail(s, "noecn, ect0, ect1, ect01, ce, tos, ttl or flowlabel is missing here");
}

static bool take_ip_info(struct scan *s, struct script_ip *ip)
{
    const char *end = scan_take(s, "(") ? ")" : scan_take(s, "[") ? "]" : NULL;
    if (end == NULL)
        return true;
    do {
        if (!take_ip_item(s, ip))
            return false;
    } while (scan_take(s, ","));
    return scan_want(s, end);
}

/* Encapsulation: what follows on the line is read over. */
static bool skip_encapsulation(struct parse *p)
{
    static const char *const words[] = {"ipv4", "ipv6", "gre", "mpls"};
    struct scan *s = &p->s;
    const struct script_pos pos = s->pos;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!scan_take_word(s, words[i]))
            continue;
        parse_skip(p, pos, "encapsulation (%s) is not built in", words[i]);
        while (scan_peek(s, 0) >= 0 && scan_peek(s, 0) != '\n')
            scan_next(s);
        return true;
    }
    return false;
}

static bool take_ports(struct scan *s, struct script_packet *packet)
{
    uint64_t src, dst;
    scan_space(s);
    const int c = scan_peek(s, 0);
    if (c < '0' || c > '9')
        return true;
    if (!scan_want_number(s, 65535, &src) || !scan_want(s, ">") ||
        !scan_want_number(s, 65535, &dst))
        return false;
    scan_take(s, ":");
    packet->has_ports = true;
    packet->src_port = (uint16_t)src;
    packet->dst_port = (uint16_t)dst;
    return true;
}

/* ---- TCP ---- */

/* The bit of a letter of FLAGS; 0: it is none. */
static uint16_t flag_of(int c)
{
    switch (c) {
    case 'F':
        return TCP_FIN;
    case 'S':
        return TCP_SYN;
    case 'R':
        return TCP_RST;
    case 'P':
        return TCP_PSH;
    case '.':
        return TCP_ACK;
    case 'U':
        return TCP_URG;
    case 'E':
        return TCP_ECE;
    case 'W':
        return TCP_CWR;
    case 'A':
        return TCP_AE;
    default:
        return 0;
    }
}

/* The ACE field: AE, CWR and ECE as a number. RFC 9768 3.1.1 */
static uint16_t flags_of_ace(int digit)
{
    const unsigned ace = (unsigned)(digit - '0');
    return (uint16_t)((ace & 4 ? TCP_AE : 0) | (ace & 2 ? TCP_CWR : 0) | (ace & 1 ? TCP_ECE : 0));
}

static bool take_flags(struct scan *s, uint16_t *ret_flags)
{
    uint16_t flags = 0;
    scan_space(s);
    if (scan_peek(s, 0) == '-') {
        scan_next(s);
        *ret_flags = 0;
        return true;
    }
    if (flag_of(scan_peek(s, 0)) == 0)
        return scan_fail(s, "flags (of F S R P . U E W A, or -) are missing here");
    while (flag_of(scan_peek(s, 0)) != 0) {
        const uint16_t flag = flag_of(scan_peek(s, 0));
        if ((flags & flag) != 0)
            return scan_fail(s, "a flag is here twice");
        flags |= flag;
        scan_next(s);
    }
    if (scan_peek(s, 0) >= '0' && scan_peek(s, 0) <= '7') {
        if ((flags & (TCP_AE | TCP_CWR | TCP_ECE)) != 0)
            return scan_fail(s, "ECN flags are either letters or a number");
        flags |= flags_of_ace(scan_peek(s, 0));
        scan_next(s);
    }
    *ret_flags = flags;
    return true;
}

bool parse_range(struct parse *p, uint32_t *ret_seq, uint32_t *ret_end, uint32_t *ret_len)
{
    struct scan *s = &p->s;
    uint64_t seq, end, len;
    if (!scan_want_number(s, UINT32_MAX, &seq) || !scan_want(s, ":") ||
        !scan_want_number(s, UINT32_MAX, &end) || !scan_want(s, "("))
        return false;
    const struct script_pos pos = s->pos;
    if (!scan_want_number(s, UINT32_MAX, &len) || !scan_want(s, ")"))
        return false;
    if ((uint32_t)end - (uint32_t)seq != (uint32_t)len)
        return scan_fail_at(s, pos, "%llu:%llu has %u bytes, not %llu", (unsigned long long)seq,
                            (unsigned long long)end, (uint32_t)end - (uint32_t)seq,
                            (unsigned long long)len);
    *ret_seq = (uint32_t)seq;
    *ret_end = (uint32_t)end;
    *ret_len = (uint32_t)len;
    return true;
}

/* The longest payload that a packet has room for, with headers. */
#define PAYLOAD_MAX 65000u

static bool check_len(struct scan *s, struct script_pos pos, uint32_t len)
{
    return len <= PAYLOAD_MAX ||
           scan_fail_at(s, pos, "%u bytes are more than a packet can carry", len);
}

static bool take_tcp_fields(struct parse *p, struct script_tcp *tcp)
{
    struct scan *s = &p->s;
    uint64_t value;
    if (scan_take_word(s, "ack")) {
        tcp->has_ack = true;
        if (!scan_want_number(s, UINT32_MAX, &value))
            return false;
        tcp->ack = (uint32_t)value;
    }
    if (scan_take_word(s, "win")) {
        tcp->has_wnd = true;
        if (!scan_want_number(s, UINT16_MAX, &value))
            return false;
        tcp->wnd = (uint16_t)value;
    }
    if (scan_take_word(s, "urg")) {
        tcp->has_urg = true;
        if (!scan_want_number(s, UINT16_MAX, &value))
            return false;
        tcp->urg = (uint16_t)value;
    }
    return true;
}

/* The feature without which no stack sends such a segment, and which this one has not; NULL: it has
 * all that this takes. */
static const char *missing_feature(const struct script_packet *packet)
{
    const struct script_tcp *tcp = &packet->tcp;
    for (const struct script_option *o = tcp->options; o != NULL; o = o->next) {
        if (o->kind == TCP_OPT_MD5)
            return "TCP MD5 signatures (RFC 2385)";
        if (o->kind == TCP_OPT_FASTOPEN || o->kind == TCP_OPT_EXPERIMENT)
            return "TCP Fast Open (RFC 7413)";
        if (o->kind == TCP_OPT_ACCECN0 || o->kind == TCP_OPT_ACCECN1)
            return "AccECN (RFC 9768)";
    }
    if ((tcp->flags & TCP_AE) != 0)
        return "AccECN (RFC 9768)";
    return (tcp->flags & (TCP_ECE | TCP_CWR)) != 0 || packet->ip.ecn > ECN_NONE
               ? "ECN of TCP (RFC 3168)"
               : NULL;
}

static bool take_tcp(struct parse *p, struct script_packet *packet)
{
    struct scan *s = &p->s;
    struct script_tcp *tcp = &packet->tcp;
    packet->protocol = PROTOCOL_TCP;
    if (!take_flags(s, &tcp->flags))
        return false;
    scan_space(s);
    const struct script_pos pos = s->pos;
    if (!parse_range(p, &tcp->seq, &tcp->end, &tcp->len) || !check_len(s, pos, tcp->len) ||
        !take_tcp_fields(p, tcp))
        return false;
    if (scan_take(s, "<") && !parse_tcp_options(p, tcp))
        return false;
    if (!packet->outgoing && tcp->options_mode != OPTIONS_LISTED)
        return scan_fail_at(s, pos, "a packet that comes in has options that are known");
    const char *missing = packet->outgoing ? missing_feature(packet) : NULL;
    if (missing != NULL)
        parse_skip(p, pos, "%s is not built in", missing);
    return true;
}

static bool take_udp(struct parse *p, struct script_packet *packet)
{
    struct scan *s = &p->s;
    uint64_t len;
    packet->protocol = PROTOCOL_UDP;
    if (!take_ports(s, packet) || !scan_want(s, "("))
        return false;
    const struct script_pos pos = s->pos;
    if (!scan_want_number(s, UINT32_MAX, &len) || !scan_want(s, ")") ||
        !check_len(s, pos, (uint32_t)len))
        return false;
    packet->udp_len = (uint32_t)len;
    return true;
}

struct script_packet *parse_packet(struct parse *p, bool outgoing)
{
    struct scan *s = &p->s;
    struct script_packet *packet = ARENA_NEW(s->arena, struct script_packet);
    bool good;
    packet->outgoing = outgoing;
    if (!take_ip_info(s, &packet->ip))
        return NULL;
    scan_space(s);
    if (skip_encapsulation(p))
        return packet;
    if (!take_ports(s, packet))
        return NULL;
    if (scan_take_word(s, "udp")) {
        good = take_udp(p, packet);
    } else if (scan_take_word(s, "icmp")) {
        packet->protocol = PROTOCOL_ICMP;
        good = parse_icmp(p, &packet->icmp);
    } else {
        good = take_tcp(p, packet);
    }
    return good && !s->failed ? packet : NULL;
}
