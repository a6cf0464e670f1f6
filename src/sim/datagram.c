/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams at a constant rate. Each begins with its number and the time at which it was sent; the
 * rest is pattern. The receiver knows whether it was sent like that, came before, or late.
 */
#include <string.h>

#include "sim/sim.h"
#include "wire/eth.h" /* be64_put */

enum {
    HEADER = 16,
    SEEN = 1024, /* numbers below the highest that are remembered */
};

static const uint8_t *pattern_of(const struct sim_flow *flow, uint64_t number)
{
    return flow->sim->pattern + (flow->index * (uint64_t)7919 + number * 61) % SIM_PERIOD;
}

/* When the next one is due after this one, exactly. */
static void plan_next(struct sim_flow *flow)
{
    const uint64_t work = (uint64_t)flow->config.size * 8 * (uint64_t)NST_SEC + flow->paced_rest;
    flow->act_at = sim_now(flow->sim) + (nst_time)(work / flow->config.rate_bps);
    flow->paced_rest = work % flow->config.rate_bps;
}

void sim_datagram_send(struct sim_flow *flow)
{
    struct sim_end *end = &flow->ends[0];
    uint8_t *buffer = flow->sim->buffer;
    const uint32_t size = flow->config.size;
    if (flow->is_stopped || flow->is_off || !end->is_open || flow->act_at != NST_TIME_NEVER ||
        (flow->config.count != 0 && flow->result.messages_sent == flow->config.count))
        return;
    be64_put(buffer, flow->result.messages_sent);
    be64_put(buffer + 8, (uint64_t)sim_now(flow->sim));
    memcpy(buffer + HEADER, pattern_of(flow, flow->result.messages_sent), size - HEADER);
    if (nst_socket_sendto(end->host->stack, end->s, buffer, size, 0, &flow->server) == size) {
        flow->result.messages_sent++;
        flow->result.sent += size;
    }
    plan_next(flow);
    sim_host_kick(end->host);
}

void sim_datagram_start(struct sim_flow *flow)
{
    struct sim_end *end = &flow->ends[0];
    const int r = nst_socket_open(end->host->stack, NST_DATAGRAM, &end->s);
    if (r < 0) {
        sim_flow_fail(flow, r);
        return;
    }
    end->is_open = true;
    sim_datagram_send(flow);
}

static uint64_t *seen_word(struct sim_flow *flow, uint64_t number)
{
    return &flow->seen[number % SEEN / 64];
}

/* Forgets the numbers that fall out of the window when it moves up to `number`. */
static void move_window(struct sim_flow *flow, uint64_t number)
{
    const uint64_t steps = number - flow->highest;
    for (uint64_t i = 1; i <= (steps < SEEN ? steps : SEEN); i++)
        *seen_word(flow, flow->highest + i) &= ~((uint64_t)1 << (flow->highest + i) % 64);
    flow->highest = number;
}

/* Counts it as in order, late, or there before. */
static void count_number(struct sim_flow *flow, uint64_t number)
{
    struct nst_sim_flow_result *r = &flow->result;
    const uint64_t bit = (uint64_t)1 << number % 64;
    const bool is_first = r->messages == 0;
    if (is_first)
        flow->highest = number;
    else if (number > flow->highest)
        move_window(flow, number);
    else if (flow->highest - number >= SEEN)
        r->late++;
    else if ((*seen_word(flow, number) & bit) != 0)
        r->duplicates++;
    else
        r->late++;
    *seen_word(flow, number) |= bit;
}

static void take(struct sim_flow *flow, size_t n)
{
    const uint8_t *buffer = flow->sim->buffer;
    struct nst_sim_flow_result *r = &flow->result;
    const uint64_t number = be64_get(buffer);
    if (n != flow->config.size || number >= r->messages_sent ||
        memcmp(buffer + HEADER, pattern_of(flow, number), n - HEADER) != 0) {
        sim_fault(flow->sim, "flow %u: a datagram of %zu bytes came that was never sent",
                  flow->index, n);
        return;
    }
    const nst_time delay = sim_now(flow->sim) - (nst_time)be64_get(buffer + 8);
    count_number(flow, number);
    r->received += n;
    sim_count_message(r, delay);
}

void sim_datagram_receive(struct sim_end *end)
{
    struct nst_sim *sim = end->flow->sim;
    while (end->is_open) {
        const int64_t n =
            nst_socket_recvfrom(end->host->stack, end->s, sim->buffer, SIM_CHUNK, 0, NULL);
        if (n < 0)
            return;
        take(end->flow, (size_t)n);
    }
}
