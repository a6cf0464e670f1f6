/* SPDX-License-Identifier: Apache-2.0 */
/* The links of nst run, from the device up: see run.h. */
#include "run.h"

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

/* Both ways alike: as netem on the interfaces of both ends. */
static int impair(struct run *run)
{
    const struct run_options *o = &run->options;
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

bool run_link_impairments(const struct run *run, struct nst_impair_stats *ret_stats)
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

int run_link_open(struct run *run)
{
    const struct attach *a = &run->attach;
    const struct nst_tuntap_config tun = {
        .size = sizeof(tun),
        .fd = a->link_fd[0],
        .vnet_hdr = (uint8_t)a->vnet_hdr_len,
        .segmentation = a->offload != 0,
        .mtu = (uint32_t)run->options.mtu,
    };
    int r = nst_tuntap_new(nst_host_allocator(), &tun, &run->device);
    if (r < 0)
        return run_fail("cannot make the link", r, "free some memory");
    run->link = run->device;
    return run_is_impaired(&run->options) ? impair(run) : 0;
}

int run_link_watch(struct run *run)
{
    int r = nst_loop_add_link(run->loop, run->device, run->attach.link_fd[0], nst_tuntap_receive);
    return r < 0 ? run_fail("cannot watch the link", r, "raise sysctl fs.epoll.max_user_watches")
                 : 0;
}

void run_link_close(struct run *run)
{
    nst_impair_free(run->impaired);
    nst_tuntap_free(run->device);
}
