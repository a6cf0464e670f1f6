/* SPDX-License-Identifier: Apache-2.0 */
/* The links of nst run, from the device up: see run.h. */
#include "run/run.h"

#define RING_MAX (8u << 20)
#define RING_MIN (1u << 20)

/* The ring takes no more than an eighth of what the stack may, and no less than a few frames. */
static uint32_t ring_size(uint64_t memory)
{
    const uint64_t size = memory / 8;
    return size > RING_MAX ? RING_MAX : size < RING_MIN ? RING_MIN : (uint32_t)size;
}

static int open_tun(struct run *run)
{
    const struct attach *a = &run->attach;
    const struct nst_tuntap_config tun = {
        .size = sizeof(tun),
        .fd = a->link_fd[0],
        .vnet_hdr = (uint8_t)a->vnet_hdr_len,
        .segmentation = a->offload != 0,
        .mtu = (uint32_t)run->options.mtu,
    };
    return nst_tuntap_new(nst_host_allocator(), &tun, &run->device);
}

static int open_packet(struct run *run)
{
    const struct attach *a = &run->attach;
    const struct nst_afpacket_config packet = {
        .size = sizeof(packet),
        .fd = a->link_fd[0],
        .vnet_hdr = a->vnet_hdr_len != 0,
        .mtu = (uint32_t)run->options.mtu,
        .ring = ring_size(run->options.memory),
        .addr = {{ATTACH_MAC_OURS}},
        .peer = {{ATTACH_MAC_PROGRAM}},
    };
    return nst_afpacket_new(nst_host_allocator(), &packet, &run->device);
}

/* Between the gateway's stack and the guest's, which sends packets of the MTU, as a kernel that is
 * attached with single_segments. */
static int open_pipe(struct run *run)
{
    const uint32_t segments = run_is_impaired(&run->options) ? 0 : NST_LINK_TSO4;
    const struct nst_pipe_config pipe = {
        .size = sizeof(pipe),
        .mtu = (uint32_t)run->options.mtu,
        .caps = NST_LINK_CSUM_TX | segments,
    };
    int r = nst_pipe_new(nst_host_allocator(), &pipe, run->pipe);
    run->device = run->pipe[0];
    return r;
}

int run_link_open(struct run *run)
{
    static int (*const open[])(struct run * run) = {
        [ATTACH_KIND_TUN] = open_tun,
        [ATTACH_KIND_PACKET] = open_packet,
        [ATTACH_KIND_NOTIFY] = open_pipe,
    };
    int r = open[run->attach.kind](run);
    if (r < 0)
        return run_fail("cannot make the link", r, "free some memory");
    run->link = run->device;
    r = run_impair_open(run);
    if (r < 0)
        return r;
    return run_capture_link(run, run->attach.kind == ATTACH_KIND_PACKET ? NST_CAPTURE_ETHERNET
                                                                        : NST_CAPTURE_RAW_IP);
}

int run_link_watch(struct run *run)
{
    if (run->attach.kind == ATTACH_KIND_NOTIFY)
        return 0; /* its stacks run the pipe */
    int r = nst_loop_add_link(run->loop, run->device, run->attach.link_fd[0],
                              run->attach.kind == ATTACH_KIND_TUN ? nst_tuntap_receive
                                                                  : nst_afpacket_receive);
    return r < 0 ? run_fail("cannot watch the link", r, "raise sysctl fs.epoll.max_user_watches")
                 : 0;
}

uint64_t run_link_overrun(struct run *run)
{
    struct nst_afpacket_stats stats;
    if (run->attach.kind != ATTACH_KIND_PACKET)
        return 0;
    nst_afpacket_get_stats(run->device, &stats);
    return stats.rx_missed;
}

void run_link_close(struct run *run)
{
    nst_impair_free(run->impaired);
    if (run->attach.kind == ATTACH_KIND_TUN)
        nst_tuntap_free(run->device);
    else if (run->attach.kind == ATTACH_KIND_PACKET)
        nst_afpacket_free(run->device);
    else
        nst_pipe_free(run->pipe);
}
