/* SPDX-License-Identifier: Apache-2.0 */
#include "offloads.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FEATURES_MAX = 256, /* Linux 6.18 has 64 */
    BLOCKS_MAX = FEATURES_MAX / 32
};

struct names {
    struct ethtool_gstrings header;
    char text[FEATURES_MAX][ETH_GSTRING_LEN];
};

/* One request: the kernel reads and writes what `data` points to. */
static int request(int fd, const char *interface, void *data)
{
    struct ifreq ifr = {.ifr_data = data};
    strncpy(ifr.ifr_name, interface, IFNAMSIZ - 1);
    return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* How many features this kernel knows, or a negative errno. */
static int count_features(int fd, const char *interface)
{
    struct {
        struct ethtool_sset_info header;
        __u32 count;
    } info = {.header = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
    int error = request(fd, interface, &info);
    if (error == 0 && (info.header.sset_mask == 0 || info.count > FEATURES_MAX))
        error = -EOPNOTSUPP;
    return error < 0 ? error : (int)info.count;
}

static int turn_off(int fd, const char *interface, bool (*is_unwanted)(const char *name))
{
    struct names names = {.header = {.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES}};
    struct {
        struct ethtool_sfeatures header;
        struct ethtool_set_features_block blocks[BLOCKS_MAX];
    } set = {.header = {.cmd = ETHTOOL_SFEATURES}};
    int count = count_features(fd, interface);
    if (count < 0)
        return count;
    names.header.len = (__u32)count;
    int error = request(fd, interface, &names);
    if (error < 0)
        return error;
    for (int i = 0; i < count; i++) {
        names.text[i][ETH_GSTRING_LEN - 1] = '\0';
        if (is_unwanted(names.text[i]))
            set.blocks[i / 32].valid |= 1u << i % 32;
    }
    set.header.size = (__u32)(count + 31) / 32;
    return request(fd, interface, &set);
}

int offloads_turn_off(const char *interface, bool (*is_unwanted)(const char *name))
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = turn_off(fd, interface, is_unwanted);
    close(fd);
    return error;
}
