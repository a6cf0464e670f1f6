/* SPDX-License-Identifier: Apache-2.0 */
/* Plots of a world over its time, as one SVG: goodput, congestion window and round-trip time of
 * each flow, and the queue of each way of a link that has had one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/sim.h"
#include "tool/units.h"

#define WIDTH     960
#define HEIGHT    200 /* of a panel */
#define LEFT      90
#define GAP       60
#define LINES_MAX 24 /* in a panel */

enum {
    GOODPUT,
    CWND,
    RTT,
    QUEUE,
    PANELS,
};

struct sim_samples {
    uint32_t flows, ways, room, count;
    uint64_t *values[PANELS]; /* [line][sample] */
    uint64_t *received;       /* by flow, at the last sample */
    nst_time *times;
};

static uint32_t lines_of(const struct sim_samples *s, int panel)
{
    return panel == QUEUE ? s->ways : s->flows;
}

struct sim_samples *sim_samples_new(const struct nst_sim_topology *topology, uint32_t count)
{
    struct sim_samples *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    *s = (struct sim_samples){
        .flows = topology->flow_count, .ways = 2 * topology->link_count, .room = count};
    s->received = calloc(s->flows + 1, sizeof(*s->received));
    s->times = calloc(count + 1, sizeof(*s->times));
    bool ok = s->received != NULL && s->times != NULL;
    for (int panel = 0; panel < PANELS; panel++) {
        s->values[panel] = calloc((size_t)lines_of(s, panel) * count + 1, sizeof(uint64_t));
        ok = ok && s->values[panel] != NULL;
    }
    if (ok)
        return s;
    sim_samples_free(s);
    return NULL;
}

static void set(struct sim_samples *s, int panel, uint32_t line, uint64_t value)
{
    s->values[panel][(size_t)line * s->room + s->count] = value;
}

void sim_samples_take(struct sim_samples *samples, struct nst_sim *sim)
{
    struct sim_samples *s = samples;
    struct nst_sim_flow_result flow;
    struct nst_impair_stats stats;
    if (s->count == s->room)
        return;
    s->times[s->count] = nst_sim_now(sim);
    const nst_time past = s->times[s->count] - (s->count > 0 ? s->times[s->count - 1] : 0);
    for (uint32_t i = 0; i < s->flows && nst_sim_get_flow(sim, i, &flow); i++) {
        const uint64_t bytes = flow.received - s->received[i];
        s->received[i] = flow.received;
        set(s, GOODPUT, i, past > 0 ? bytes * 8 * 1000000 / (uint64_t)(past / NST_USEC + 1) : 0);
        set(s, CWND, i, flow.tcp.cwnd);
        set(s, RTT, i, (uint64_t)flow.tcp.srtt);
    }
    for (uint32_t i = 0; i < s->ways && nst_sim_get_link(sim, i / 2, (int)(i % 2), &stats); i++)
        set(s, QUEUE, i, stats.waiting_bytes);
    s->count++;
}

/* ---- The picture ---- */

static const char *const colours[] = {"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
                                      "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"};

static uint64_t highest_of(const struct sim_samples *s, int panel, uint32_t line)
{
    uint64_t highest = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const uint64_t v = s->values[panel][(size_t)line * s->room + i];
        highest = v > highest ? v : highest;
    }
    return highest;
}

static void draw_line(const struct sim_samples *s, int panel, uint32_t line, uint64_t top,
                      unsigned colour, FILE *out)
{
    const double end = (double)(s->times[s->count - 1] > 0 ? s->times[s->count - 1] : 1);
    fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" points=\"", colours[colour % 10]);
    for (uint32_t i = 0; i < s->count; i++) {
        const double x = (double)s->times[i] / end * WIDTH;
        const double y =
            (double)s->values[panel][(size_t)line * s->room + i] / (double)top * HEIGHT;
        fprintf(out, "%.1f,%.1f ", LEFT + x, HEIGHT - y);
    }
    fprintf(out, "\"/>\n");
}

static void draw_name(const struct nst_sim_topology *t, int panel, uint32_t line, unsigned place,
                      FILE *out)
{
    const bool is_way = panel == QUEUE;
    const struct nst_sim_link *l = is_way ? &t->links[line / 2] : NULL;
    const uint32_t from = !is_way ? t->flows[line].from : line % 2 == 0 ? l->from : l->to;
    const uint32_t to = !is_way ? t->flows[line].to : line % 2 == 0 ? l->to : l->from;
    fprintf(out, "<text x=\"%d\" y=\"%u\" fill=\"%s\">%u %s to %s</text>\n", LEFT + WIDTH + 8,
            12 + 14 * place, colours[place % 10], is_way ? line / 2 : line, t->nodes[from].name,
            t->nodes[to].name);
}

static char *format(int panel, uint64_t value, char text[UNITS_TEXT])
{
    if (panel == GOODPUT)
        return units_format_rate(value, text);
    return panel == RTT ? units_format_time((nst_time)value, text)
                        : units_format_bytes(value, text);
}

static void draw_panel(const struct sim_samples *s, const struct nst_sim_topology *t, int panel,
                       FILE *out)
{
    static const char *const titles[] = {"goodput", "congestion window", "smoothed round-trip time",
                                         "bytes that wait for a link"};
    uint64_t top = 1;
    unsigned drawn = 0;
    char text[UNITS_TEXT];
    for (uint32_t i = 0; i < lines_of(s, panel); i++) {
        const uint64_t highest = highest_of(s, panel, i);
        top = highest > top ? highest : top;
    }
    fprintf(out,
            "<g transform=\"translate(0,%d)\">\n<text x=\"%d\" y=\"-8\" "
            "font-weight=\"bold\">%s</text>\n"
            "<rect x=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#ccc\"/>\n"
            "<text x=\"%d\" y=\"10\" text-anchor=\"end\">%s</text>\n"
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n",
            GAP / 2 + panel * (HEIGHT + GAP), LEFT, titles[panel], LEFT, WIDTH, HEIGHT, LEFT - 6,
            format(panel, top, text), LEFT - 6, HEIGHT);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT + WIDTH,
            HEIGHT + 14, units_format_time(s->times[s->count - 1], text));
    for (uint32_t i = 0; i < lines_of(s, panel) && drawn < LINES_MAX; i++) {
        if (highest_of(s, panel, i) == 0)
            continue;
        draw_line(s, panel, i, top, drawn, out);
        draw_name(t, panel, i, drawn++, out);
    }
    fprintf(out, "</g>\n");
}

bool sim_samples_plot(const struct sim_samples *samples, const struct nst_sim_topology *topology,
                      const char *file)
{
    if (samples->count == 0) {
        fprintf(stderr,
                "nst sim: nothing to draw in %s: the worlds ended before a sample was taken\n",
                file);
        return false;
    }
    FILE *out = fopen(file, "w");
    if (out == NULL) {
        fprintf(stderr, "nst sim: cannot write %s: %s\n", file, strerror(errno));
        return false;
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            LEFT + WIDTH + 200, GAP / 2 + PANELS * (HEIGHT + GAP));
    for (int panel = 0; panel < PANELS; panel++)
        draw_panel(samples, topology, panel, out);
    fprintf(out, "</svg>\n");
    const bool is_whole = ferror(out) == 0;
    if (fclose(out) == 0 && is_whole)
        return true;
    fprintf(stderr, "nst sim: cannot write %s: %s\n", file, strerror(errno));
    return false;
}

void sim_samples_free(struct sim_samples *samples)
{
    if (samples == NULL)
        return;
    for (int panel = 0; panel < PANELS; panel++)
        free(samples->values[panel]);
    free(samples->received);
    free(samples->times);
    free(samples);
}
