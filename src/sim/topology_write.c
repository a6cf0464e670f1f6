/* SPDX-License-Identifier: Apache-2.0 */
/* A topology as text again: what topology_read.c reads gives the same topology. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

struct out {
    char *text;
    size_t size, len; /* len: of the whole, even what did not fit */
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
    char none[1];
    va_list args;
    va_start(args, format);
    const bool fits = out->len < out->size;
    const int n = vsnprintf(fits ? out->text + out->len : none, fits ? out->size - out->len : 0,
                            format, args);
    va_end(args);
    out->len += n > 0 ? (size_t)n : 0;
}

static void put_time(struct out *out, const char *name, nst_time time)
{
    static const struct {
        nst_time worth;
        const char *unit;
    } units[] = {{NST_SEC, "s"}, {NST_MSEC, "ms"}, {NST_USEC, "us"}, {NST_NSEC, "ns"}};
    int i = 0;
    while (time % units[i].worth != 0)
        i++;
    put(out, " %s%s%" PRId64 "%s", name, name[0] != '\0' ? " " : "", time / units[i].worth,
        units[i].unit);
}

static void put_some_time(struct out *out, const char *name, nst_time time)
{
    if (time != 0)
        put_time(out, name, time);
}

static void put_percent(struct out *out, const char *name, uint32_t ppm)
{
    put(out, "%s%s %u.%04u%%", name[0] != '\0' ? " " : "", name, ppm / 10000, ppm % 10000);
}

static void put_some_percent(struct out *out, const char *name, uint32_t ppm)
{
    if (ppm != 0)
        put_percent(out, name, ppm);
}

static void put_number(struct out *out, const char *name, uint64_t n)
{
    if (n != 0)
        put(out, " %s %" PRIu64, name, n);
}

static void put_delay(struct out *out, const struct nst_impair_direction *w)
{
    if (w->delay == 0 && w->jitter == 0)
        return;
    put_time(out, "delay", w->delay);
    put_some_time(out, "", w->jitter);
}

static void put_way(struct out *out, const struct nst_impair_direction *w)
{
    static const char *const queues[] = {"fifo", "codel", "fq", "fq_codel"};
    if (w->rate_bps != 0)
        put(out, " rate %" PRIu64 "bit", w->rate_bps);
    put_delay(out, w);
    put_some_percent(out, "loss", w->loss_ppm);
    if (w->burst_begin_ppm != 0) {
        put_percent(out, "burst", w->burst_begin_ppm);
        put_percent(out, "", w->burst_end_ppm);
        put_some_percent(out, "", w->burst_loss_ppm);
    }
    put_some_percent(out, "duplicate", w->duplicate_ppm);
    put_some_percent(out, "corrupt", w->corrupt_ppm);
    put_some_percent(out, "reorder", w->reorder_ppm);
    if (w->discipline != NST_QUEUE_FIFO && w->discipline <= NST_QUEUE_FQ_CODEL)
        put(out, " queue %s", queues[w->discipline]);
    put_number(out, "limit", w->queue);
    put_some_time(out, "latency", w->latency);
    put_some_time(out, "target", w->target);
    put_some_time(out, "interval", w->interval);
    if (w->ecn)
        put(out, " ecn");
    put_some_percent(out, "mark", w->mark_ppm);
    put_number(out, "mark-from", w->mark_from);
}

static bool is_same(const struct nst_impair_direction *x, const struct nst_impair_direction *y)
{
    char text[2][600] = {"", ""};
    struct out a = {text[0], sizeof(text[0]), 0}, b = {text[1], sizeof(text[1]), 0};
    put_way(&a, x);
    put_way(&b, y);
    return strcmp(text[0], text[1]) == 0;
}

static void put_link(struct out *out, const struct nst_sim_topology *t,
                     const struct nst_sim_link *l)
{
    put(out, "link %s -- %s", t->nodes[l->from].name, t->nodes[l->to].name);
    put_number(out, "mtu", l->mtu);
    if (is_same(&l->way[0], &l->way[1])) {
        put_way(out, &l->way[0]);
    } else {
        put(out, " there");
        put_way(out, &l->way[0]);
        put(out, " back");
        put_way(out, &l->way[1]);
    }
    put(out, "\n");
}

static void put_bulk(struct out *out, const struct nst_sim_flow *f)
{
    put_number(out, "bytes", f->bytes);
    if (f->reader_bps != 0)
        put(out, " reader %" PRIu64 "bit", f->reader_bps);
}

static void put_flow(struct out *out, const struct nst_sim_topology *t,
                     const struct nst_sim_flow *f)
{
    static const char *const kinds[] = {"bulk", "request", "udp"};
    put(out, "%s %s %s %s", kinds[f->kind <= NST_SIM_DATAGRAMS ? f->kind : 0],
        t->nodes[f->from].name, f->back ? "<-" : "->", t->nodes[f->to].name);
    if (f->kind == NST_SIM_BULK)
        put_bulk(out, f);
    else
        put_number(out, "count", f->count);
    if (f->kind == NST_SIM_REQUEST) {
        put_number(out, "request", f->request);
        put_number(out, "response", f->response);
        put_some_time(out, "think", f->think);
    }
    if (f->kind == NST_SIM_DATAGRAMS) {
        if (f->rate_bps != 0)
            put(out, " rate %" PRIu64 "bit", f->rate_bps);
        put_number(out, "size", f->size);
    }
    put_some_time(out, "start", f->start);
    put_some_time(out, "stop", f->stop);
    put_some_time(out, "on", f->on);
    put_some_time(out, "off", f->off);
    put(out, "%s\n", f->ipv6 ? " ipv6" : "");
}

size_t nst_sim_topology_write(const struct nst_sim_topology *topology, char *text, size_t size)
{
    const struct nst_sim_topology *t = topology;
    struct out out = {text, size, 0};
    put(&out, "seed %" PRIu64 "\n", t->seed);
    if (t->duration != 0) {
        put(&out, "duration");
        put_time(&out, "", t->duration);
        put(&out, "\n");
    }
    for (uint32_t i = 0; i < t->node_count; i++) {
        const struct nst_sim_node *n = &t->nodes[i];
        put(&out, "%s %s", n->kind == NST_SIM_HOST ? "host" : "switch", n->name);
        put_number(&out, "memory", n->memory);
        put_number(&out, "sndbuf", n->send_buffer);
        put_number(&out, "rcvbuf", n->receive_buffer);
        put(&out, "\n");
    }
    for (uint32_t i = 0; i < t->link_count; i++)
        put_link(&out, t, &t->links[i]);
    for (uint32_t i = 0; i < t->flow_count; i++)
        put_flow(&out, t, &t->flows[i]);
    return out.len;
}
