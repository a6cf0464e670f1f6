/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line that nst run plays: --delay, --rate, --loss and their like. See run.h.
 *
 * Both ways are impaired alike, as by netem on the interfaces of both ends: --delay 80ms makes a
 * round trip of 160 ms. What passes is of the MTU, for the kernel inside cuts what it sends before
 * (attach's single_segments), and our NIC what we send.
 */
#include "run/run.h"

#include <stdio.h>

/* How long packets wait for --rate before others are dropped: a round trip of --delay, so that one
 * connection fills the line, but at least this long, and as long as so many packets take. */
#define LATENCY_MIN     (100 * NST_MSEC)
#define LATENCY_PACKETS 10
#define QUEUE_PACKETS   32768

bool run_is_impaired(const struct run_options *o)
{
    return o->delay[0] != 0 || o->delay[1] != 0 || o->rate != 0 || o->loss != 0 ||
           o->duplicate != 0 || o->corrupt != 0 || o->reorder != 0;
}

static nst_time max_time(nst_time x, nst_time y)
{
    return x > y ? x : y;
}

static nst_time latency_of(const struct run_options *o)
{
    const uint64_t bits = LATENCY_PACKETS * o->mtu * 8;
    const nst_time packets = (nst_time)(bits * (uint64_t)NST_SEC / o->rate);
    return max_time(max_time(2 * (o->delay[0] + o->delay[1]), LATENCY_MIN), packets);
}

int run_impair_open(struct run *run)
{
    const struct run_options *o = &run->options;
    if (!run_is_impaired(o))
        return 0;
    const struct nst_impair_direction way = {
        .delay = o->delay[0],
        .jitter = o->delay[1],
        .loss_ppm = o->loss,
        .duplicate_ppm = o->duplicate,
        .corrupt_ppm = o->corrupt,
        .reorder_ppm = o->reorder,
        .rate_bps = o->rate,
        .queue = QUEUE_PACKETS,
        .latency = o->rate != 0 ? latency_of(o) : 0,
    };
    const struct nst_impair_config config = {
        .size = sizeof(config), .seed = o->seed, .tx = way, .rx = way};
    run->impaired = nst_impair_new(nst_host_allocator(), run->link, &config);
    if (run->impaired == NULL)
        return run_fail("cannot impair the link", -NST_ENOMEM, "free some memory");
    run->link = run->impaired;
    if (o->verbose)
        fprintf(stderr, "nst: packets are impaired; --seed %llu does the same again\n",
                (unsigned long long)o->seed);
    return 0;
}

bool run_impair_get_stats(const struct run *run, struct nst_impair_stats *ret_stats)
{
    struct nst_impair_stats rx;
    if (run->impaired == NULL)
        return false;
    nst_impair_get_stats(run->impaired, ret_stats, &rx);
    ret_stats->packets += rx.packets;
    ret_stats->lost += rx.lost;
    ret_stats->duplicated += rx.duplicated;
    ret_stats->corrupted += rx.corrupted;
    ret_stats->reordered += rx.reordered;
    ret_stats->overflowed += rx.overflowed;
    return true;
}
