/* SPDX-License-Identifier: Apache-2.0 */
/* What a run was: see summary.h. */
#include "run/summary.h"

#include <stdlib.h>
#include <string.h>

#include "tool/json.h"
#include "wire/dns.h"

void summary_add_flow(struct summary *s, const struct nst_flow_summary *flow)
{
    s->retransmits += flow->retransmits;
    if (flow->srtt == 0)
        return;
    if (s->srtt_min == 0 || flow->srtt < s->srtt_min)
        s->srtt_min = flow->srtt;
    if (flow->srtt > s->srtt_max)
        s->srtt_max = flow->srtt;
}

static void add_name(struct summary *s, const char *name)
{
    for (unsigned i = 0; i < s->name_count; i++)
        if (strcmp(s->names[i], name) == 0)
            return;
    if (s->name_count == SUMMARY_NAMES_MAX) {
        s->names_lost = true;
        return;
    }
    char *copy = strdup(name);
    if (copy != NULL)
        s->names[s->name_count++] = copy;
}

void summary_add_dns(struct summary *s, const uint8_t *message, size_t len)
{
    struct dns_iter iter;
    struct dns_record record;
    char text[DNS_NAME_TEXT];
    if (!dns_iter_init(message, len, &iter) || !dns_next(&iter, &record) ||
        record.section != DNS_QUESTION)
        return;
    add_name(s, dns_name_to_text(&record.name, text, sizeof(text)));
}

static double milliseconds(nst_time t)
{
    return (double)t / 1e6;
}

/* "1.5 MiB" */
static const char *size_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes;
    unsigned unit = 0;
    while (n >= 1024 && unit < 4) {
        n /= 1024;
        unit++;
    }
    snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", n, units[unit]);
    return text;
}

/* The reason, without "drop_", if people should know of it; else NULL. They know of refused flows,
 * and every kernel says things that nobody here listens to: router solicitations, group reports. */
static const char *reason_of(const struct nst_counter *counter)
{
    if (counter->value == 0 || strncmp(counter->name, "drop_", 5) != 0 ||
        strcmp(counter->name, "drop_unknown_protocol") == 0 ||
        strcmp(counter->name, "drop_ip_not_ours") == 0 ||
        strcmp(counter->name, "drop_icmp_ignored") == 0 ||
        strcmp(counter->name, "drop_request_ended") == 0)
        return NULL;
    return counter->name + 5;
}

static void print_drops(const struct summary *s, const struct nst_stack *stack, FILE *out)
{
    struct nst_counter counter;
    const char *before = "; dropped: ";
    if (s->overrun != 0) {
        fprintf(out, "%s%llu link_overrun", before, (unsigned long long)s->overrun);
        before = ", ";
    }
    for (size_t n = 0; nst_stack_counter_at(stack, n, &counter); n++) {
        const char *reason = reason_of(&counter);
        if (reason == NULL)
            continue;
        fprintf(out, "%s%llu %s", before, (unsigned long long)counter.value, reason);
        before = ", ";
    }
}

/* What was asked for and happened. */
static void print_impairments(const struct summary *s, FILE *out)
{
    const struct nst_impair_stats *i = &s->impairments;
    const struct {
        const char *what;
        uint64_t count;
    } all[] = {{"lost", i->lost},
               {"duplicated", i->duplicated},
               {"corrupted", i->corrupted},
               {"reordered", i->reordered},
               {"over the rate", i->overflowed}};
    const char *before = "; impaired: ";
    for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++) {
        if (all[n].count == 0)
            continue;
        fprintf(out, "%s%llu %s", before, (unsigned long long)all[n].count, all[n].what);
        before = ", ";
    }
}

/* Flows that came to nothing, and not because the options say so. */
static uint64_t count_failed(const struct summary *s)
{
    return s->gateway.failed + s->gateway.refused - s->denied;
}

void summary_print(const struct summary *s, const struct nst_stack *stack, FILE *out)
{
    char sent[32], received[32];
    const uint64_t failed = count_failed(s);
    const struct nst_gateway_stats *g = &s->gateway;
    fprintf(out, "nst: %llu TCP, %llu UDP, %llu ping; %s out, %s in; %.1f s",
            (unsigned long long)g->tcp_flows, (unsigned long long)g->udp_flows,
            (unsigned long long)g->ping_flows, size_text(g->bytes_out, sent, sizeof(sent)),
            size_text(g->bytes_in, received, sizeof(received)),
            milliseconds(s->ended - s->begun) / 1000);
    if (g->published_flows != 0)
        fprintf(out, "; %llu published", (unsigned long long)g->published_flows);
    if (s->name_count > 0)
        fprintf(out, "; %u name%s", s->name_count, s->name_count == 1 ? "" : "s");
    if (s->srtt_max != 0)
        fprintf(out, "; RTT %.2f-%.2f ms", milliseconds(s->srtt_min), milliseconds(s->srtt_max));
    if (s->retransmits != 0)
        fprintf(out, "; %llu retransmitted", (unsigned long long)s->retransmits);
    print_impairments(s, out);
    print_drops(s, stack, out);
    if (failed != 0)
        fprintf(out, "; %llu failed", (unsigned long long)failed);
    if (s->denied != 0)
        fprintf(out, "; %llu denied", (unsigned long long)s->denied);
    fputc('\n', out);
}

static void print_json_number(const char *name, uint64_t value, FILE *out)
{
    fprintf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

static void print_json_drops(const struct summary *s, const struct nst_stack *stack, FILE *out)
{
    struct nst_counter counter;
    const char *comma = "";
    fprintf(out, "\"drops\":{");
    if (s->overrun != 0) {
        fprintf(out, "\"link_overrun\":%llu", (unsigned long long)s->overrun);
        comma = ",";
    }
    for (size_t n = 0; nst_stack_counter_at(stack, n, &counter); n++) {
        if (counter.value == 0 || strncmp(counter.name, "drop_", 5) != 0)
            continue;
        fprintf(out, "%s\"%s\":%llu", comma, counter.name + 5, (unsigned long long)counter.value);
        comma = ",";
    }
    fprintf(out, "},");
}

static void print_json_impairments(const struct nst_impair_stats *i, FILE *out)
{
    fprintf(out, "\"impaired\":{");
    print_json_number("packets", i->packets, out);
    print_json_number("lost", i->lost, out);
    print_json_number("duplicated", i->duplicated, out);
    print_json_number("corrupted", i->corrupted, out);
    print_json_number("reordered", i->reordered, out);
    fprintf(out, "\"over_rate\":%llu},", (unsigned long long)i->overflowed);
}

/* What the NICs counted, under the same name. */
static void print_json_nics(const char *name, const struct nst_stack *stack, FILE *out)
{
    uint64_t sum = 0, value;
    for (uint32_t nic = 0; (nic = nst_nic_next(stack, nic)) != 0;)
        if (nst_nic_counter_get(stack, nic, name, &value) == 0)
            sum += value;
    print_json_number(name, sum, out);
}

void summary_print_json(const struct summary *s, const struct nst_stack *stack, FILE *out)
{
    struct nst_memory memory;
    nst_stack_get_memory(stack, &memory);
    fprintf(out, "{\"attached\":\"%s\",", s->attached);
    print_json_number("exit_status", (uint64_t)s->exit_status, out);
    fprintf(out, "\"seconds\":%.6f,", milliseconds(s->ended - s->begun) / 1000);
    print_json_number("tcp_flows", s->gateway.tcp_flows, out);
    print_json_number("udp_flows", s->gateway.udp_flows, out);
    print_json_number("ping_flows", s->gateway.ping_flows, out);
    print_json_number("published_flows", s->gateway.published_flows, out);
    print_json_number("failed", count_failed(s), out);
    print_json_number("denied", s->denied, out);
    print_json_number("bytes_out", s->gateway.bytes_out, out);
    print_json_number("bytes_in", s->gateway.bytes_in, out);
    print_json_nics("rx_packets", stack, out);
    print_json_nics("tx_packets", stack, out);
    print_json_number("retransmitted", s->retransmits, out);
    fprintf(out, "\"rtt_min_ms\":%.3f,\"rtt_max_ms\":%.3f,", milliseconds(s->srtt_min),
            milliseconds(s->srtt_max));
    if (s->is_impaired)
        print_json_impairments(&s->impairments, out);
    print_json_drops(s, stack, out);
    print_json_number("memory_peak", memory.peak, out);
    fprintf(out, "\"names\":[");
    for (unsigned i = 0; i < s->name_count; i++) {
        if (i > 0)
            fputc(',', out);
        json_print_text(s->names[i], out);
    }
    fprintf(out, "]}\n");
}

void summary_fini(struct summary *s)
{
    for (unsigned i = 0; i < s->name_count; i++)
        free(s->names[i]);
    s->name_count = 0;
}
