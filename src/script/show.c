/* SPDX-License-Identifier: Apache-2.0 */
#include "script/show.h"

#include <stdio.h>
#include <string.h>

#include "script/icmp_names.h"
#include "wire/tcpopt.h"

const char *show_time(nst_time time, char text[32])
{
    snprintf(text, 32, "%lld.%06lld", (long long)(time / NST_SEC),
             (long long)(time % NST_SEC / NST_USEC));
    return text;
}

const char *show_ecn(enum script_ecn ecn)
{
    static const char *const words[] = {"", "noecn", "ect0", "ect1", "ect01", "ce"};
    return words[ecn];
}

const char *show_flags(uint16_t flags, char text[16])
{
    static const struct {
        uint16_t flag;
        char letter;
    } letters[] = {{TCP_SYN, 'S'}, {TCP_FIN, 'F'}, {TCP_RST, 'R'}, {TCP_PSH, 'P'}, {TCP_ACK, '.'},
                   {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'W'}, {TCP_AE, 'A'}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if ((flags & letters[i].flag) != 0)
            text[n++] = letters[i].letter;
    if (n == 0)
        text[n++] = '-';
    text[n] = '\0';
    return text;
}

static const char *show_hex(struct arena *arena, const char *name, const struct script_option *o)
{
    char text[2 * SCRIPT_HEX_MAX + 2] = "";
    for (unsigned i = 0; i < o->count; i++)
        snprintf(text + (size_t)2 * i, 3, "%02x", o->hex[i]);
    return arena_format(arena, "%s%s%s", name, o->count > 0 ? " " : "", text);
}

static const char *show_sack(struct arena *arena, const struct script_option *o)
{
    const char *text = "sack";
    for (unsigned i = 0; i < o->count; i++)
        text = arena_format(arena, "%s %u:%u", text, o->start[i], o->end[i]);
    return text;
}

static const char *show_accecn(struct arena *arena, const struct script_option *o)
{
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    const char *text = "ECN";
    for (unsigned i = 0; i < o->count; i++)
        text = arena_format(arena, "%s %s %u", text, orders[o->kind == TCP_OPT_ACCECN1][i],
                            o->field[i]);
    return text;
}

const char *show_option(struct arena *arena, const struct script_option *o)
{
    switch (o->kind) {
    case TCP_OPT_EOL:
        return "eol";
    case TCP_OPT_NOP:
        return "nop";
    case TCP_OPT_MSS:
        return arena_format(arena, "mss %u", o->value);
    case TCP_OPT_WSCALE:
        return arena_format(arena, "wscale %u", o->value);
    case TCP_OPT_SACK_PERMITTED:
        return "sackOK";
    case TCP_OPT_SACK:
        return show_sack(arena, o);
    case TCP_OPT_TS:
        return arena_format(arena, "TS val %u ecr %u", o->value, o->ecr);
    case TCP_OPT_MD5:
        return show_hex(arena, "md5", o);
    case TCP_OPT_FASTOPEN:
        return show_hex(arena, "FO", o);
    case TCP_OPT_EXPERIMENT:
        return show_hex(arena, o->experiment ? "FOEXP" : "experiment", o);
    case TCP_OPT_ACCECN0:
    case TCP_OPT_ACCECN1:
        return show_accecn(arena, o);
    default:
        return arena_format(arena, "kind %u", o->kind);
    }
}

const char *show_options(struct arena *arena, const struct script_tcp *tcp)
{
    const char *text = "";
    if (tcp->options_mode == OPTIONS_ANY)
        return "...";
    for (const struct script_option *o = tcp->options; o != NULL; o = o->next)
        text =
            arena_format(arena, "%s%s%s", text, text[0] != '\0' ? "," : "", show_option(arena, o));
    return text;
}

static const char *show_tcp(struct arena *arena, const struct script_tcp *tcp)
{
    char flags[16];
    const char *text = arena_format(arena, "%s %u:%u(%u)", show_flags(tcp->flags, flags), tcp->seq,
                                    tcp->end, tcp->len);
    if (tcp->has_ack && ((tcp->flags & TCP_ACK) != 0 || tcp->ack != 0))
        text = arena_format(arena, "%s ack %u", text, tcp->ack);
    if (tcp->has_wnd)
        text = arena_format(arena, "%s win %u", text, tcp->wnd);
    if (tcp->has_urg && ((tcp->flags & TCP_URG) != 0 || tcp->urg != 0))
        text = arena_format(arena, "%s urg %u", text, tcp->urg);
    if (tcp->options != NULL || tcp->options_mode == OPTIONS_ANY)
        text = arena_format(arena, "%s <%s>", text, show_options(arena, tcp));
    return text;
}

static const char *show_icmp(struct arena *arena, const struct script_icmp *icmp, bool v6)
{
    const char *type = icmp_names_show_type(v6, icmp->type);
    const char *code = icmp_names_show_code(v6, icmp->type, icmp->code);
    const char *text = type != NULL ? type : arena_format(arena, "type_%u", icmp->type);
    if (code != NULL)
        text = arena_format(arena, "%s %s", text, code);
    else if (icmp->code != 0)
        text = arena_format(arena, "%s code_%u", text, icmp->code);
    if (icmp->has_mtu)
        text = arena_format(arena, "%s mtu %u", text, icmp->mtu);
    if (icmp->has_id)
        text = arena_format(arena, "%s id %u", text, icmp->id);
    if (icmp->echoed == ECHOED_TCP)
        text = arena_format(arena, "%s [%u:%u(%u)]", text, icmp->seq, icmp->end, icmp->len);
    if (icmp->echoed == ECHOED_UDP)
        text = arena_format(arena, "%s [udp (%u)]", text, icmp->len);
    if (icmp->echoed == ECHOED_RAW && icmp->len > 0)
        text = arena_format(arena, "%s [raw (%u)]", text, icmp->len);
    return text;
}

static const char *show_ip(struct arena *arena, const struct script_ip *ip)
{
    const char *text = show_ecn(ip->ecn);
    if (ip->has_tos)
        text = arena_format(arena, "%s%stos 0x%02x", text, text[0] ? ", " : "", ip->tos);
    if (ip->has_ttl)
        text = arena_format(arena, "%s%sttl %u", text, text[0] ? ", " : "", ip->ttl);
    if (ip->has_flow)
        text = arena_format(arena, "%s%sflowlabel 0x%x", text, text[0] ? ", " : "", ip->flow);
    return text[0] ? arena_format(arena, "(%s) ", text) : "";
}

const char *show_packet(struct arena *arena, const struct script_packet *packet, bool v6)
{
    const char *ip = show_ip(arena, &packet->ip), *ports = "", *body = "";
    if (packet->has_ports && packet->protocol != PROTOCOL_ICMP)
        ports = arena_format(arena, "%u > %u ", packet->src_port, packet->dst_port);
    switch (packet->protocol) {
    case PROTOCOL_TCP:
        body = show_tcp(arena, &packet->tcp);
        break;
    case PROTOCOL_UDP:
        return arena_format(arena, "%c %sudp %s(%u)", packet->outgoing ? '>' : '<', ip, ports,
                            packet->udp_len);
    case PROTOCOL_ICMP:
        return arena_format(arena, "%c %sicmp %s", packet->outgoing ? '>' : '<', ip,
                            show_icmp(arena, &packet->icmp, v6));
    }
    return arena_format(arena, "%c %s%s%s", packet->outgoing ? '>' : '<', ip, ports, body);
}

/* ---- Calls ---- */

static const char *show_children(struct arena *arena, const struct script_value *first)
{
    const char *text = "";
    for (const struct script_value *v = first; v != NULL; v = v->next) {
        const char *one = show_value(arena, v);
        if (v->field != NULL)
            one = arena_format(arena, "%s=%s", v->field, one);
        text = arena_format(arena, "%s%s%s", text, v == first ? "" : ", ", one);
        if (strlen(text) > 200)
            return arena_format(arena, "%s, ...", text);
    }
    return text;
}

const char *show_value(struct arena *arena, const struct script_value *v)
{
    switch (v->kind) {
    case VALUE_NUMBER:
        return arena_format(arena, "%lld", (long long)v->number);
    case VALUE_TEXT:
        return arena_format(arena, "\"%.60s\"%s", v->text, v->open ? "..." : "");
    case VALUE_ANY:
        return "...";
    case VALUE_LIST:
        return arena_format(arena, "[%s]", show_children(arena, v->first));
    case VALUE_STRUCT:
        return arena_format(arena, "{%s}", show_children(arena, v->first));
    case VALUE_CALL:
        return arena_format(arena, "%s(%s)", v->text, show_children(arena, v->first));
    }
    return "";
}

const char *show_call(struct arena *arena, const struct script_call *call)
{
    return arena_format(arena, "%s(%s)", call->name, show_children(arena, call->args));
}
