/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that go out: awaiting them, comparing them, telling the difference. */
#include <stdlib.h>
#include <string.h>

#include "script/icmp_names.h"
#include "script/run.h"
#include "script/show.h"
#include "wire/icmp4.h"
#include "wire/tcpopt.h"

#define ANY_TIME (1000 * NST_SEC) /* how long "*" waits at most */

/* A comparison: both sides, and the differences found so far. */
struct diff {
    struct run *run;
    const struct script_packet *want;
    const struct codec_seen *got;
    struct flow *flow;
    const char *text; /* lines; NULL: none */
};

static void differ(struct diff *d, const char *what, const char *want, const char *got)
{
    d->text =
        arena_format(&d->run->arena, "%s%s  %-9s %s expected, %s came",
                     d->text != NULL ? d->text : "", d->text != NULL ? "\n" : "", what, want, got);
}

static void compare_number(struct diff *d, const char *what, uint32_t want, uint32_t got)
{
    struct arena *arena = &d->run->arena;
    if (want != got)
        differ(d, what, arena_format(arena, "%u", want), arena_format(arena, "%u", got));
}

/* ---- IP ---- */

static void compare_ip(struct diff *d)
{
    const struct script_ip *want = &d->want->ip, *got = &d->got->packet.ip;
    const bool either = want->ecn == ECN_ECT01 && (got->ecn == ECN_ECT0 || got->ecn == ECN_ECT1);
    if (want->ecn != ECN_ANY && want->ecn != got->ecn && !either)
        differ(d, "ecn", show_ecn(want->ecn), show_ecn(got->ecn));
    if (want->has_tos && want->tos != got->tos)
        compare_number(d, "tos", want->tos, got->tos);
    if (want->has_ttl)
        compare_number(d, "ttl", want->ttl, got->ttl);
    if (want->has_flow)
        compare_number(d, "flowlabel", want->flow, got->flow);
}

/* The script's ports are names: the first packet that has them says whose. */
static void compare_ports(struct diff *d)
{
    struct flow *flow = d->flow;
    if (!d->want->has_ports)
        return;
    if (flow->script_local_port == 0)
        flow->script_local_port = d->want->src_port;
    if (flow->script_remote_port == 0)
        flow->script_remote_port = d->want->dst_port;
    compare_number(d, "source", d->want->src_port, flow->script_local_port);
    compare_number(d, "port", d->want->dst_port, flow->script_remote_port);
}

/* ---- TCP ---- */

static bool same_hex(const struct script_option *want, const struct script_option *got)
{
    return want->experiment == got->experiment && want->count == got->count &&
           memcmp(want->hex, got->hex, want->count) == 0;
}

static bool same_sack(const struct script_option *want, const struct script_option *got)
{
    for (unsigned i = 0; i < want->count; i++)
        if (want->start[i] != got->start[i] || want->end[i] != got->end[i])
            return false;
    return want->count == got->count;
}

static bool same_fields(const struct script_option *want, const struct script_option *got)
{
    for (unsigned i = 0; i < want->count; i++)
        if (want->field[i] != got->field[i])
            return false;
    return want->count == got->count;
}

/* Timestamps: the value by the flow's clock, the echo exactly. */
static bool same_timestamps(struct diff *d, const struct script_option *want,
                            const struct script_option *got)
{
    const uint32_t tick = d->run->ends.ts_tick_us;
    const int64_t off = flow_ts_note(d->flow, want->value, got->value, tick);
    const int64_t allowed =
        runner_tolerance(d->run, 0) / NST_USEC + (tick > 1000 ? (int64_t)tick : 1000);
    return want->ecr == got->ecr && off <= allowed && off >= -allowed;
}

static bool same_option(struct diff *d, const struct script_option *want,
                        const struct script_option *got)
{
    if (want->kind != got->kind)
        return false;
    switch (want->kind) {
    case TCP_OPT_MSS:
    case TCP_OPT_WSCALE:
        return want->value == got->value;
    case TCP_OPT_SACK:
        return same_sack(want, got);
    case TCP_OPT_TS:
        return same_timestamps(d, want, got);
    case TCP_OPT_ACCECN0:
    case TCP_OPT_ACCECN1:
        return same_fields(want, got);
    default:
        return same_hex(want, got);
    }
}

static void compare_options(struct diff *d)
{
    const struct script_tcp *want = &d->want->tcp, *got = &d->got->packet.tcp;
    const struct script_option *w = want->options, *g = got->options;
    if (want->options_mode == OPTIONS_ANY)
        return;
    while (w != NULL && g != NULL && same_option(d, w, g)) {
        w = w->next;
        g = g->next;
    }
    if (w != NULL || g != NULL)
        differ(d, "options",
               arena_format(&d->run->arena, "<%s>", show_options(&d->run->arena, want)),
               arena_format(&d->run->arena, "<%s>", show_options(&d->run->arena, got)));
}

static void compare_flags(struct diff *d, uint16_t want, uint16_t got)
{
    char a[16], b[16];
    if (want != got)
        differ(d, "flags", show_flags(want, a), show_flags(got, b));
}

static void compare_tcp(struct diff *d)
{
    const struct script_tcp *want = &d->want->tcp, *got = &d->got->packet.tcp;
    compare_ports(d);
    if ((got->flags & TCP_SYN) != 0)
        flow_learn_isn(d->flow, got->seq, want->seq);
    compare_flags(d, want->flags, got->flags);
    compare_number(d, "seq", want->seq, got->seq - d->flow->offset);
    compare_number(d, "length", want->len, got->len);
    compare_number(d, "ack", want->has_ack ? want->ack : 0, got->ack);
    if (want->has_wnd)
        compare_number(d, "win", want->wnd, got->wnd);
    compare_number(d, "urg", want->has_urg ? want->urg : 0, got->urg);
    compare_options(d);
}

/* ---- ICMP ---- */

static void compare_quote(struct diff *d)
{
    const struct script_icmp *want = &d->want->icmp, *got = &d->got->packet.icmp;
    if (want->echoed == ECHOED_NOTHING)
        return;
    if (want->echoed != got->echoed) {
        differ(d, "quote", want->echoed == ECHOED_TCP ? "of TCP" : "of UDP, or bytes", "another");
        return;
    }
    compare_number(d, "length", want->len, got->len);
    if (want->echoed == ECHOED_TCP)
        compare_number(d, "seq", want->seq, got->seq);
}

static void compare_icmp(struct diff *d)
{
    const struct script_icmp *want = &d->want->icmp, *got = &d->got->packet.icmp;
    compare_number(d, "type", want->type, got->type);
    compare_number(d, "code", want->code, got->code);
    if (want->has_mtu)
        compare_number(d, "mtu", want->mtu, got->mtu);
    if (want->has_id)
        compare_number(d, "id", want->id, got->id);
    compare_quote(d);
}

static void compare(struct diff *d)
{
    static const char *const names[] = {"TCP", "UDP", "ICMP"};
    if (d->got->fault != NULL) {
        differ(d, "packet", "a sound one", d->got->fault);
        return;
    }
    if (d->want->protocol != d->got->packet.protocol) {
        differ(d, "protocol", names[d->want->protocol], names[d->got->packet.protocol]);
        return;
    }
    if (!nst_addr_equal(&d->got->src, &d->run->ends.local) ||
        !nst_addr_equal(&d->got->dst, &d->run->ends.remote))
        differ(d, "addresses", "local to remote", "others");
    compare_ip(d);
    if (d->want->protocol == PROTOCOL_TCP) {
        compare_tcp(d);
    } else if (d->want->protocol == PROTOCOL_UDP) {
        compare_ports(d);
        compare_number(d, "length", d->want->udp_len, d->got->packet.udp_len);
    } else {
        compare_icmp(d);
    }
}

/* ---- Segmentation: a large segment is what it will be cut into ---- */

static bool is_tcp(const struct codec_seen *seen)
{
    return seen != NULL && seen->fault == NULL && seen->packet.protocol == PROTOCOL_TCP;
}

/* The script names the beginning of a large segment: the rest comes next. */
static void split(struct run *run, const struct script_tcp *want)
{
    struct codec_seen *first = run->waiting;
    struct script_tcp *tcp = &first->packet.tcp;
    if (first->segment == 0 || want->len == 0 || want->len >= tcp->len ||
        want->len % first->segment != 0)
        return;
    struct codec_seen *rest = ARENA_NEW(&run->arena, struct codec_seen);
    *rest = *first;
    rest->packet.tcp.seq += want->len;
    rest->packet.tcp.len -= want->len;
    tcp->len = want->len;
    tcp->end = tcp->seq + want->len;
    tcp->flags &= (uint16_t) ~(TCP_PSH | TCP_FIN);
    first->next = rest;
    if (rest->next == NULL)
        run->waiting_end = &rest->next;
}

/* Does `next` go on where `first` ends, with nothing else new about it? */
static bool continues(const struct codec_seen *first, const struct codec_seen *next)
{
    const struct script_tcp *a = &first->packet.tcp, *b = &next->packet.tcp;
    return b->seq == a->end && a->ack == b->ack && b->len > 0 &&
           first->packet.src_port == next->packet.src_port &&
           first->packet.dst_port == next->packet.dst_port &&
           ((a->flags | b->flags) & (TCP_SYN | TCP_RST | TCP_URG)) == 0;
}

/* The script names the sum of segments that left one by one. False: the next is not there yet. */
static bool join(struct run *run, const struct script_tcp *want)
{
    struct codec_seen *first = run->waiting;
    struct script_tcp *tcp = &first->packet.tcp;
    while (tcp->len > 0 && tcp->len < want->len) {
        const struct codec_seen *next = first->next;
        if (next == NULL)
            return false;
        if (!is_tcp(next) || !continues(first, next))
            return true;
        const struct script_tcp *more = &next->packet.tcp;
        tcp->len += more->len;
        tcp->end += more->len;
        tcp->flags = (tcp->flags & (uint16_t)~TCP_PSH) | more->flags;
        tcp->wnd = more->wnd;
        first->next = next->next;
        if (first->next == NULL)
            run->waiting_end = &first->next;
    }
    return true;
}

/* ---- Awaiting ---- */

/* The earliest and latest time of a packet, and by how much it may be off. */
struct window {
    nst_time from, to, tolerance;
};

static struct window window_of(const struct run *run, const struct script_when *when)
{
    const nst_time base = when->kind == WHEN_RELATIVE ? run->last : 0;
    if (when->kind == WHEN_ANY)
        return (struct window){0, run->world.now + ANY_TIME, 0};
    const nst_time from = base + when->start, to = base + when->end;
    return (struct window){from, to, runner_tolerance(run, to - run->last)};
}

static bool is_enough(struct run *run, const struct script_packet *want)
{
    if (run->waiting == NULL)
        return false;
    if (!is_tcp(run->waiting) || want->protocol != PROTOCOL_TCP ||
        run->script->config.strict_segments)
        return true;
    split(run, &want->tcp);
    return join(run, &want->tcp);
}

/* Lets the world run until the packet is whole, or its time is over. */
static bool await(struct run *run, const struct script_packet *want, const struct window *w)
{
    while (!is_enough(run, want)) {
        const nst_time until = w->to + w->tolerance;
        if (!runner_step(run, until)) {
            if (run->over)
                return false;
            is_enough(run, want);
            return run->waiting != NULL;
        }
    }
    return true;
}

static struct flow *flow_of(struct run *run, const struct codec_seen *seen)
{
    const struct script_packet *p = &seen->packet;
    if (seen->fault != NULL || p->protocol == PROTOCOL_ICMP)
        return ARENA_NEW(&run->arena, struct flow);
    return flows_outgoing(&run->flows, p->protocol, p->src_port, p->dst_port);
}

const char *expect_show(struct run *run, const struct codec_seen *seen)
{
    struct script_packet copy = seen->packet;
    struct flow *flow = flow_of(run, seen);
    if (seen->fault != NULL)
        return arena_format(&run->arena, "> (%s)", seen->fault);
    copy.ip = (struct script_ip){.ecn = seen->packet.ip.ecn == ECN_NONE ? ECN_ANY : copy.ip.ecn};
    copy.has_ports = false;
    if (copy.protocol == PROTOCOL_TCP && flow->isn_known) {
        copy.tcp.seq -= flow->offset;
        copy.tcp.end -= flow->offset;
    } else if (copy.protocol == PROTOCOL_TCP && (copy.tcp.flags & TCP_SYN) != 0) {
        copy.tcp.seq = 0;
        copy.tcp.end = copy.tcp.len;
    }
    return show_packet(&run->arena, &copy, run->script->config.ip_version == IP_VERSION_6);
}

static bool nothing_came(struct run *run, const struct script_event *event, const struct window *w)
{
    char from[32], to[32];
    const bool v6 = run->script->config.ip_version == IP_VERSION_6;
    runner_fail(run, event->pos, "no packet came by %s", show_time(w->to + w->tolerance, to));
    runner_detail(run, "  expected  %s at %s", show_packet(&run->arena, event->packet, v6),
                  show_time(w->from, from));
    runner_detail(run, "  came      nothing");
    return false;
}

static void tell_both(struct run *run, const struct script_event *event, const struct window *w,
                      const struct codec_seen *got)
{
    char text[32], tolerance[32];
    const bool v6 = run->script->config.ip_version == IP_VERSION_6;
    const char *range =
        event->when.kind == WHEN_ANY
            ? "at any time"
            : arena_format(&run->arena, "at %s (give or take %s)", show_time(w->from, text),
                           show_time(w->tolerance, tolerance));
    runner_detail(run, "  expected  %s   %s", show_packet(&run->arena, event->packet, v6), range);
    runner_detail(run, "  came      %s   at %s", expect_show(run, got), show_time(got->at, text));
}

static bool check_time(struct run *run, const struct script_event *event, const struct window *w,
                       const struct codec_seen *got)
{
    char at[32], from[32];
    if (event->when.kind == WHEN_ANY ||
        (got->at >= w->from - w->tolerance && got->at <= w->to + w->tolerance))
        return true;
    const bool early = got->at < w->from;
    runner_fail(run, event->pos, "the packet came at %s, too %s: %s was expected",
                show_time(got->at, at), early ? "early" : "late",
                show_time(early ? w->from : w->to, from));
    tell_both(run, event, w, got);
    return false;
}

/* The oldest packet is named now. */
static struct codec_seen *take_waiting(struct run *run)
{
    struct codec_seen *got = run->waiting;
    run->waiting = got->next;
    if (run->waiting == NULL)
        run->waiting_end = &run->waiting;
    return got;
}

/* Is it as written, and at its time? Otherwise the script has failed. */
static bool check_packet(struct run *run, const struct script_event *event, const struct window *w,
                         const struct codec_seen *got)
{
    struct diff d = {.run = run, .want = event->packet, .got = got, .flow = flow_of(run, got)};
    compare(&d);
    runner_log(run, got->at, event->pos.line, expect_show(run, got));
    /* --non_fatal=packet: the time line shows what came, and the script goes on. */
    if (run->script->config.packets_not_fatal)
        return true;
    if (d.text == NULL)
        return check_time(run, event, w, got);
    runner_fail(run, event->pos, "the packet is not as written");
    tell_both(run, event, w, got);
    runner_detail(run, "%s", d.text);
    return false;
}

bool expect_packet(struct run *run, const struct script_event *event)
{
    const struct window w = window_of(run, &event->when);
    runner_collect(run);
    if (!await(run, event->packet, &w))
        return !run->over && nothing_came(run, event, &w);
    const struct codec_seen *got = take_waiting(run);
    if (!check_packet(run, event, &w, got))
        return false;
    const struct script_when *when = &event->when;
    run->last = when->kind == WHEN_ANY || when->range ? got->at : w.from;
    return true;
}
