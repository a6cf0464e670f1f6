/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/attach_tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    VNET_HDR_LEN = 10
};

static int add_queue(const char *name, int flags, enum attach_step *ret_step, int *ret_fd)
{
    struct ifreq request = {.ifr_flags = (short)flags};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        *ret_step = ATTACH_STEP_TUN_OPEN;
        return -errno;
    }
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int error = errno;
        close(fd);
        *ret_step = ATTACH_STEP_TUN_CREATE;
        return -error;
    }
    *ret_fd = fd;
    return 0;
}

/* The most that this kernel takes, and our end can cut: not UDP. Offloads belong to the interface,
 * so one queue speaks for all. */
static int set_offload(int fd, unsigned *ret_offload)
{
    const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    const unsigned wishes[] = {tso, TUN_F_CSUM};
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)wishes[i]) == 0) {
            *ret_offload = wishes[i];
            return 0;
        }
    }
    return -errno;
}

static int open_queues(const char *name, int flags, unsigned queues, enum attach_step *ret_step,
                       struct attach_link *link)
{
    if (queues > 1)
        flags |= IFF_MULTI_QUEUE;
    for (; link->count < queues; link->count++) {
        int error = add_queue(name, flags, ret_step, &link->fds[link->count]);
        if (error < 0)
            return error;
    }
    return 0;
}

static int set_vnet_hdr(struct attach_link *link)
{
    int length = VNET_HDR_LEN;
    for (unsigned i = 0; i < link->count; i++)
        if (ioctl(link->fds[i], TUNSETVNETHDRSZ, &length) < 0)
            return -errno;
    link->vnet_hdr_len = VNET_HDR_LEN;
    link->note_step = ATTACH_STEP_OFFLOAD;
    link->note_error = -set_offload(link->fds[0], &link->offload);
    return 0;
}

int attach_tun_open(unsigned queues, bool vnet_hdr, enum attach_step *ret_step,
                    struct attach_link *ret_link)
{
    static const char name[] = "tun0";
    struct attach_link link = {0};
    int flags = IFF_TUN | IFF_NO_PI | (vnet_hdr ? IFF_VNET_HDR : 0);
    int error = open_queues(name, flags, queues, ret_step, &link);
    if (error == 0 && vnet_hdr) {
        *ret_step = ATTACH_STEP_TUN_CREATE;
        error = set_vnet_hdr(&link);
    }
    if (error < 0) {
        attach_link_close(&link);
        return error;
    }
    link.ifindex = if_nametoindex(name);
    *ret_link = link;
    return 0;
}
