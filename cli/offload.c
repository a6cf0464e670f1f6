/* SPDX-License-Identifier: Apache-2.0 */
#include "offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int set(int fd, unsigned ifindex)
{
    struct ethtool_value tso_off = {.cmd = ETHTOOL_STSO, .data = 0};
    struct ifreq request = {0};
    if (if_indextoname(ifindex, request.ifr_name) == NULL)
        return -errno;
    request.ifr_data = (char *)&tso_off;
    return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

int offload_stop_segments(unsigned ifindex)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = set(fd, ifindex);
    close(fd);
    return error;
}
