/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of --top: see top.h. */
#include "run/top.h"

#include <string.h>

#include "tool/json.h"
#include "tool/units.h"

#define LINE_MAX_TEXT 512
#define WIDE          110 /* columns from which on there is room for everything */

static const char *protocol_of(const struct nst_flow_info *flow)
{
    static const char *const names[] = {
        [NST_STREAM] = "tcp", [NST_DATAGRAM] = "udp", [NST_PING] = "ping"};
    return names[flow->summary.type];
}

/* As ss spells them. */
static const char *state_of(const struct nst_flow_info *flow)
{
    static const char *const names[] = {
        [NST_TCP_CLOSED] = "CONNECT",        [NST_TCP_LISTEN] = "LISTEN",
        [NST_TCP_SYN_SENT] = "SYN-SENT",     [NST_TCP_SYN_RECEIVED] = "SYN-RECV",
        [NST_TCP_ESTABLISHED] = "ESTAB",     [NST_TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [NST_TCP_FIN_WAIT_2] = "FIN-WAIT-2", [NST_TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [NST_TCP_CLOSING] = "CLOSING",       [NST_TCP_LAST_ACK] = "LAST-ACK",
        [NST_TCP_TIME_WAIT] = "TIME-WAIT",
    };
    if (flow->is_waiting)
        return "WAITS";
    return flow->summary.type == NST_STREAM ? names[flow->tcp_state] : "-";
}

/* One line, cut to the columns. */
static void put_line(const char *text, unsigned columns, FILE *out)
{
    fprintf(out, "%.*s\n", (int)columns, text);
}

static void print_totals(const struct top_sample *s, unsigned columns, FILE *out)
{
    char text[LINE_MAX_TEXT], age[UNITS_TEXT], out_rate[UNITS_TEXT], in_rate[UNITS_TEXT],
        out_bytes[UNITS_TEXT], in_bytes[UNITS_TEXT], used[UNITS_TEXT];
    snprintf(
        text, sizeof(text),
        "nst: %s; %llu flows; out %s, %s; in %s, %s; memory %s; %llu dropped, %llu "
        "retransmitted",
        units_format_age(s->now - s->begun, age), (unsigned long long)s->gateway.active,
        units_format_rate(s->out_bits, out_rate),
        units_format_bytes(s->gateway.bytes_out, out_bytes), units_format_rate(s->in_bits, in_rate),
        units_format_bytes(s->gateway.bytes_in, in_bytes), units_format_bytes(s->memory.used, used),
        (unsigned long long)s->drops, (unsigned long long)s->retransmits);
    put_line(text, columns, out);
}

/* "example.com:443", or the address. A name is the peer's: only what can be seen is shown of it. */
static void format_outside(const struct top_row *row, char *text, size_t size)
{
    char address[NST_ADDR_TEXT];
    const struct nst_endpoint *outside = &row->flow.summary.outside;
    const char *name = row->name;
    if (name == NULL)
        name = nst_addr_format(&outside->addr, address, sizeof(address));
    if (row->flow.summary.type == NST_PING)
        snprintf(text, size, "%s", name);
    else
        snprintf(text, size, "%s:%u", name, outside->port);
    for (char *c = text; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

/* Of the columns, how many the outside has. */
static unsigned outside_width(unsigned columns)
{
    const unsigned others = columns >= WIDE ? 85 : 54;
    return columns > others + 12 ? columns - others : 12;
}

static void print_header(unsigned columns, bool colour, FILE *out)
{
    char text[LINE_MAX_TEXT];
    const int outside = (int)outside_width(columns);
    int n = snprintf(text, sizeof(text), "%-4s %6s   %-*s %9s %9s %7s %4s %6s", "", "INSIDE",
                     outside, "OUTSIDE", "OUT/s", "IN/s", "RTT", "RTX", "AGE");
    if (columns >= WIDE && n > 0 && n < (int)sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, " %9s %9s %s", "OUT", "IN", "STATE");
    fprintf(out, "%s%.*s%s\n", colour ? "\033[7m" : "", (int)columns, text,
            colour ? "\033[0m" : "");
}

static void print_row(const struct top_sample *s, const struct top_row *row, unsigned columns,
                      FILE *out)
{
    char text[LINE_MAX_TEXT], peer[LINE_MAX_TEXT], inside[16], a[UNITS_TEXT], b[UNITS_TEXT],
        rtt[UNITS_TEXT] = "-", age[UNITS_TEXT];
    const struct nst_flow_summary *flow = &row->flow.summary;
    const int width = (int)outside_width(columns);
    format_outside(row, peer, sizeof(peer));
    snprintf(inside, sizeof(inside), ":%u", flow->inside.port);
    if (flow->srtt != 0)
        units_format_time(flow->srtt, rtt);
    int n = snprintf(text, sizeof(text), "%-4s %6s %s %-*.*s %9s %9s %7s %4llu %6s",
                     protocol_of(&row->flow), inside, flow->published ? "<" : ">", width, width,
                     peer, units_format_rate(row->out_bits, a), units_format_rate(row->in_bits, b),
                     rtt, (unsigned long long)flow->retransmits,
                     units_format_age(s->now - flow->begun, age));
    if (columns >= WIDE && n > 0 && n < (int)sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, " %9s %9s %s",
                 units_format_bytes(flow->bytes_out, a), units_format_bytes(flow->bytes_in, b),
                 state_of(&row->flow));
    put_line(text, columns, out);
}

unsigned top_print_table(const struct top_sample *s, unsigned lines, unsigned columns, bool colour,
                         FILE *out)
{
    unsigned n = 1;
    print_totals(s, columns, out);
    if (lines < 3 || s->count == 0)
        return n;
    print_header(columns, colour, out);
    n++;
    for (size_t i = 0; i < s->count && n < lines; i++, n++)
        print_row(s, &s->rows[i], columns, out);
    return n;
}

/* ---- JSON ---- */

static void put_end(struct json *json, const char *name, const char *port_name,
                    const struct nst_endpoint *end)
{
    char address[NST_ADDR_TEXT];
    json_text(json, name, nst_addr_format(&end->addr, address, sizeof(address)));
    json_number(json, port_name, end->port);
}

static void put_flow(struct json *json, const struct top_sample *s, const struct top_row *row)
{
    const struct nst_flow_summary *flow = &row->flow.summary;
    json_begin(json, NULL, '{');
    json_number(json, "id", row->flow.id);
    json_text(json, "protocol", protocol_of(&row->flow));
    json_bool(json, "published", flow->published);
    put_end(json, "inside", "inside_port", &flow->inside);
    put_end(json, "outside", "outside_port", &flow->outside);
    json_text(json, "name", row->name);
    json_number(json, "bits_out", row->out_bits);
    json_number(json, "bits_in", row->in_bits);
    json_number(json, "bytes_out", flow->bytes_out);
    json_number(json, "bytes_in", flow->bytes_in);
    json_number(json, "rtt_us", (uint64_t)(flow->srtt / NST_USEC));
    json_number(json, "retransmitted", flow->retransmits);
    json_text(json, "state", state_of(&row->flow));
    json_number(json, "milliseconds", (uint64_t)((s->now - flow->begun) / NST_MSEC));
    json_end(json, '}');
}

void top_print_json(const struct top_sample *s, FILE *out)
{
    struct json json = {.out = out};
    json_begin(&json, NULL, '{');
    json_number(&json, "milliseconds", (uint64_t)((s->now - s->begun) / NST_MSEC));
    json_number(&json, "active", s->gateway.active);
    json_number(&json, "bits_out", s->out_bits);
    json_number(&json, "bits_in", s->in_bits);
    json_number(&json, "bytes_out", s->gateway.bytes_out);
    json_number(&json, "bytes_in", s->gateway.bytes_in);
    json_number(&json, "memory", s->memory.used);
    json_number(&json, "memory_limit", s->memory.limit);
    json_number(&json, "dropped", s->drops);
    json_number(&json, "retransmitted", s->retransmits);
    json_begin(&json, "flows", '[');
    for (size_t i = 0; i < s->count; i++)
        put_flow(&json, s, &s->rows[i]);
    json_end(&json, ']');
    json_end(&json, '}');
}
