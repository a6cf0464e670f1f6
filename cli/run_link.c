/* SPDX-License-Identifier: Apache-2.0 */
/* The links of nst run, from the device up: see run.h. */
#include "run.h"

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
    return run_capture_link(run, (run->link->caps & NST_LINK_RESOLVES) != 0 ? NST_CAPTURE_ETHERNET
                                                                            : NST_CAPTURE_RAW_IP);
}

int run_link_watch(struct run *run)
{
    int r = nst_loop_add_link(run->loop, run->device, run->attach.link_fd[0], nst_tuntap_receive);
    return r < 0 ? run_fail("cannot watch the link", r, "raise sysctl fs.epoll.max_user_watches")
                 : 0;
}

void run_link_close(struct run *run)
{
    nst_tuntap_free(run->device);
}
