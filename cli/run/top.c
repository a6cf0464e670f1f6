/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples and writes: see top.h.
 *
 * stderr may be a pipe that nobody reads just now, and nst must not wait for it: what there is no
 * room for is kept, and until it is out no other sample is taken. stderr cannot be made
 * non-blocking, for the program has it too: so it is polled, and written in pieces that a pipe
 * which is writable takes.
 */
#include "run/top.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERIOD      NST_SEC
#define ROWS_MAX    1000 /* flows that are looked at, the oldest */
#define PIECE       512  /* POSIX: PIPE_BUF is at least that */
#define LINES_PLAIN 20

/* ---- Sampling ---- */

static bool reserve(struct top_row **rows, size_t *capacity, size_t count)
{
    if (count <= *capacity)
        return true;
    struct top_row *more = realloc(*rows, count * sizeof(*more));
    if (more == NULL)
        return false;
    *rows = more;
    *capacity = count;
    return true;
}

static uint64_t bits_a_second(uint64_t bytes, nst_time elapsed)
{
    return (uint64_t)((double)bytes * 8 * 1e9 / (double)elapsed);
}

void top_fill_rates(struct top_sample *sample, const struct top_row *before, size_t count,
                    nst_time elapsed)
{
    static const struct nst_flow_summary none;
    size_t old = 0;
    for (size_t i = 0; i < sample->count; i++) {
        struct top_row *row = &sample->rows[i];
        while (old < count && before[old].flow.id < row->flow.id)
            old++;
        const bool known = old < count && before[old].flow.id == row->flow.id;
        const struct nst_flow_summary *was = known ? &before[old].flow.summary : &none;
        row->out_bits = bits_a_second(row->flow.summary.bytes_out - was->bytes_out, elapsed);
        row->in_bits = bits_a_second(row->flow.summary.bytes_in - was->bytes_in, elapsed);
    }
}

/* The flows, by id. They are few enough to be listed into memory of their own. */
static void list_flows(struct top *top)
{
    struct top_sample *s = &top->sample;
    struct nst_flow_info *flows = malloc(ROWS_MAX * sizeof(*flows));
    s->count = 0;
    if (flows == NULL)
        return;
    size_t n = nst_gateway_flow_list(top->config.gateway, flows, ROWS_MAX);
    n = n < ROWS_MAX ? n : ROWS_MAX;
    if (reserve(&s->rows, &s->capacity, n))
        s->count = n;
    for (size_t i = 0; i < s->count; i++) {
        const struct nst_addr *outside = &flows[i].summary.outside.addr;
        s->rows[i] =
            (struct top_row){.flow = flows[i], .name = names_lookup(top->config.names, outside)};
        s->retransmits += flows[i].summary.retransmits;
    }
    free(flows);
}

static uint64_t count_drops(const struct nst_stack *stack)
{
    struct nst_counter counter;
    uint64_t drops = 0;
    for (size_t n = 0; nst_stack_counter_at(stack, n, &counter); n++)
        if (strncmp(counter.name, "drop_", 5) == 0)
            drops += counter.value;
    return drops;
}

static int compare(const void *x, const void *y)
{
    const struct top_row *a = x, *b = y;
    const uint64_t busy_a = a->out_bits + a->in_bits, busy_b = b->out_bits + b->in_bits;
    if (busy_a != busy_b)
        return busy_a > busy_b ? -1 : 1;
    return a->flow.id > b->flow.id ? -1 : 1;
}

static void take_sample(struct top *top)
{
    struct top_sample *s = &top->sample;
    s->now = nst_loop_now(top->config.loop);
    const nst_time elapsed = s->now > top->last ? s->now - top->last : 1;
    nst_gateway_get_stats(top->config.gateway, &s->gateway);
    nst_stack_get_memory(top->config.stack, &s->memory);
    s->drops = count_drops(top->config.stack);
    s->retransmits = *top->config.retransmits;
    s->out_bits = bits_a_second(s->gateway.bytes_out - top->last_out, elapsed);
    s->in_bits = bits_a_second(s->gateway.bytes_in - top->last_in, elapsed);
    list_flows(top);
    top_fill_rates(s, top->before, top->before_count, elapsed);
    top->before_count = 0;
    if (s->count > 0 && reserve(&top->before, &top->before_capacity, s->count)) {
        memcpy(top->before, s->rows, s->count * sizeof(*s->rows));
        top->before_count = s->count;
    }
    if (s->count > 0)
        qsort(s->rows, s->count, sizeof(*s->rows), compare);
    top->last = s->now;
    top->last_out = s->gateway.bytes_out;
    top->last_in = s->gateway.bytes_in;
}

/* ---- Writing ---- */

/* Writes what stderr has room for. True: all is out. */
static bool flush(struct top *top)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    while (top->written < top->len && poll(&p, 1, 0) == 1) {
        const size_t left = top->len - top->written;
        ssize_t n = write(STDERR_FILENO, top->text + top->written, left < PIECE ? left : PIECE);
        if (n <= 0)
            break;
        top->written += (size_t)n;
    }
    if (top->written < top->len)
        return false;
    free(top->text);
    top->text = NULL;
    top->len = top->written = 0;
    return true;
}

static void draw(struct top *top, FILE *out)
{
    char *table = NULL;
    size_t size = 0;
    unsigned columns;
    const unsigned lines = screen_measure(&top->screen, &columns);
    FILE *memory = lines > 0 ? open_memstream(&table, &size) : NULL;
    if (memory == NULL)
        return;
    const unsigned count = top_print_table(&top->sample, lines, columns, top->colour, memory);
    if (fclose(memory) == 0)
        screen_draw(&top->screen, table, count, out);
    free(table);
}

static void write_sample(struct top *top)
{
    FILE *out = open_memstream(&top->text, &top->len);
    if (out == NULL)
        return;
    if (top->config.json)
        top_print_json(&top->sample, out);
    else if (top->has_screen)
        draw(top, out);
    else
        top_print_table(&top->sample, LINES_PLAIN, 132, false, out);
    if (fclose(out) != 0)
        top->len = 0;
    flush(top);
}

static void on_timer(struct nst_loop_timer *timer)
{
    struct top *top = (struct top *)(void *)((char *)timer - offsetof(struct top, timer));
    nst_loop_arm(top->config.loop, timer, nst_loop_now(top->config.loop) + PERIOD);
    if (!flush(top))
        return;
    take_sample(top);
    write_sample(top);
}

void top_start(struct top *top, const struct top_config *config)
{
    *top = (struct top){.config = *config, .is_on = true};
    top->has_screen = screen_init(&top->screen, STDERR_FILENO) && !config->json;
    top->colour = getenv("NO_COLOR") == NULL;
    top->last = top->sample.begun = nst_host_now();
    top->timer.on_timer = on_timer;
    nst_loop_arm(config->loop, &top->timer, top->last + PERIOD);
}

void top_stop(struct top *top)
{
    if (!top->is_on)
        return;
    nst_loop_disarm(top->config.loop, &top->timer);
    if (flush(top) && top->has_screen) {
        FILE *out = open_memstream(&top->text, &top->len);
        if (out != NULL) {
            screen_clear(&top->screen, out);
            fclose(out);
            flush(top);
        }
    }
    free(top->text);
    free(top->sample.rows);
    free(top->before);
    *top = (struct top){0};
}
