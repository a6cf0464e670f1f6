/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst run --top: once a second, what flows there are and how fast they go. A block at the bottom of
 * the terminal where stderr is one (screen.h), the same table line by line where not, or JSON, one
 * object a line. top.c samples and writes, top_print.c makes the texts.
 */
#ifndef NICSTACK_CLI_RUN_TOP_H
#define NICSTACK_CLI_RUN_TOP_H

#include <nicstack/host.h>

#include <stdio.h>

#include "run/names.h"
#include "tool/screen.h"

struct top_row {
    struct nst_flow_info flow;
    uint64_t out_bits, in_bits; /* a second, since the last sample */
    const char *name;           /* of the outside; NULL: not known */
};

struct top_sample {
    nst_time now, begun;
    uint64_t out_bits, in_bits; /* a second, of all flows, those that ended too */
    struct nst_gateway_stats gateway;
    struct nst_memory memory;
    uint64_t drops, retransmits;
    struct top_row *rows; /* the busiest first */
    size_t count, capacity;
};

/* At most `lines` of the table, none longer than `columns`; returns how many. `colour`: the header
 * stands out. */
unsigned top_print_table(const struct top_sample *sample, unsigned lines, unsigned columns,
                         bool colour, FILE *out);
void top_print_json(const struct top_sample *sample, FILE *out);

/* The rows of `sample` in the order of their ids, with what `before`, ordered likewise, says of
 * earlier: fills in the rates. `elapsed` is over 0. */
void top_fill_rates(struct top_sample *sample, const struct top_row *before, size_t count,
                    nst_time elapsed);

struct top_config {
    struct nst_loop *loop;
    struct nst_stack *stack;
    struct nst_gateway *gateway;
    const struct names *names;
    const uint64_t *retransmits; /* of flows that have ended */
    bool json;
};

struct top {
    struct top_config config;
    struct nst_loop_timer timer;
    struct screen screen;
    bool has_screen, colour, is_on;
    struct top_sample sample;
    struct top_row *before; /* the rows of the last sample, by id */
    size_t before_count, before_capacity;
    uint64_t last_out, last_in; /* bytes */
    nst_time last;
    char *text; /* what stderr had no room for yet */
    size_t len, written;
};

/* From now on, until top_stop. */
void top_start(struct top *top, const struct top_config *config);
/* Takes the block away. Not started is fine. */
void top_stop(struct top *top);

#endif
