/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/offloads.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FEATURES_MAX = 256, /* Linux 6.18 has 64 */
    BLOCKS_MAX = FEATURES_MAX / 32
};

/* Requests of ethtool end in arrays without a length: these have room for them. */
union strings {
    struct ethtool_gstrings request;
    uint8_t room[sizeof(struct ethtool_gstrings) + FEATURES_MAX * ETH_GSTRING_LEN];
};

union string_count {
    struct ethtool_sset_info request;
    uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
};

union changes {
    struct ethtool_sfeatures request;
    uint8_t room[sizeof(struct ethtool_sfeatures) +
                 BLOCKS_MAX * sizeof(struct ethtool_set_features_block)];
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
    union string_count count = {
        .request = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};
    int error = request(fd, interface, &count);
    if (error < 0)
        return error;
    if (count.request.sset_mask == 0 || count.request.data[0] > FEATURES_MAX)
        return -EOPNOTSUPP;
    return (int)count.request.data[0];
}

/* Name i, as a string. */
static void read_name(const union strings *names, int i, char ret_name[ETH_GSTRING_LEN])
{
    memcpy(ret_name, names->request.data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN - 1);
    ret_name[ETH_GSTRING_LEN - 1] = '\0';
}

static int turn_off(int fd, const char *interface, bool (*is_unwanted)(const char *name))
{
    union strings names = {.request = {.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES}};
    union changes changes = {.request = {.cmd = ETHTOOL_SFEATURES}};
    char name[ETH_GSTRING_LEN];
    int count = count_features(fd, interface);
    if (count < 0)
        return count;
    names.request.len = (uint32_t)count;
    int error = request(fd, interface, &names);
    if (error < 0)
        return error;
    changes.request.size = (uint32_t)(count + 31) / 32;
    for (int i = 0; i < count; i++) {
        read_name(&names, i, name);
        if (is_unwanted(name))
            changes.request.features[i / 32].valid |= 1u << i % 32;
    }
    return request(fd, interface, &changes);
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
