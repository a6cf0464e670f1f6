/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/attach_child.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "attach/attach_tun.h"
#include "attach/attach_veth.h"
#include "attach/control.h"
#include "attach/offloads.h"

enum {
    LOOPBACK_INDEX = 1
};

/* The ways to make a link, best first: the first that works is taken, the error of the last is
 * reported. */
static const struct method {
    const char *name;
    enum attach_kind kind;
    int (*open)(unsigned queues, bool vnet_hdr, enum attach_step *ret_step,
                struct attach_link *ret_link);
} methods[] = {
    {"tun", ATTACH_KIND_TUN, attach_tun_open},
    {"veth", ATTACH_KIND_PACKET, attach_veth_open},
};

enum {
    METHOD_COUNT = sizeof(methods) / sizeof(methods[0])
};

const char *attach_child_method_name(int method)
{
    return methods[method].name;
}

enum attach_kind attach_child_method_kind(int method)
{
    return methods[method].kind;
}

int attach_child_find_method(const char *name)
{
    for (int method = 0; method < METHOD_COUNT; method++)
        if (strcmp(methods[method].name, name) == 0)
            return method;
    return -EINVAL;
}

/* method: the one that is tried now, or 0. */
static void note_instead(int control_fd, enum attach_step step, int error, int method)
{
    struct control_record record = {.kind = CONTROL_NOTE, .a = (int)step, .b = error, .c = method};
    control_send(control_fd, &record, NULL, 0, 0);
}

static void note(int control_fd, enum attach_step step, int error)
{
    note_instead(control_fd, step, error, 0);
}

/* Says what failed (error is a negative errno) and gives up. */
static void __attribute__((noreturn)) fail(int control_fd, enum attach_step step, int error)
{
    struct control_record record = {.kind = CONTROL_FAILED, .a = (int)step, .b = -error};
    control_send(control_fd, &record, NULL, 0, 0);
    _exit(ATTACH_CHILD_EXIT);
}

static void require(int control_fd, enum attach_step step, int result)
{
    if (result < 0)
        fail(control_fd, step, result);
}

static struct attach_link open_link(const struct attach_config *config, int control_fd,
                                    int *ret_method)
{
    struct attach_link link;
    enum attach_step step = ATTACH_STEP_OPTIONS;
    const bool any = config->method == ATTACH_CHILD_ANY;
    const int last = any ? METHOD_COUNT - 1 : config->method;
    for (int method = any ? 0 : last;; method++) {
        int error = methods[method].open(config->queues, config->vnet_hdr, &step, &link);
        if (error == 0) {
            *ret_method = method;
            return link;
        }
        if (method == last)
            fail(control_fd, step, error);
        note_instead(control_fd, step, -error, method + 1);
    }
}

/* The first network must work; the second, IPv6, may be missing from the kernel. */
static void add_networks(const struct attach_config *config, int control_fd, int netlink_fd,
                         unsigned ifindex)
{
    static const struct netlink_network none;
    const struct netlink_network *network = &config->networks[0];
    require(control_fd, ATTACH_STEP_ADDRESS, netlink_add_address(netlink_fd, ifindex, network));
    require(control_fd, ATTACH_STEP_ROUTE, netlink_add_default_route(netlink_fd, ifindex, network));
    network = &config->networks[1];
    if (network->family == 0)
        return;
    int error = netlink_add_address(netlink_fd, ifindex, network);
    if (error == 0 && memcmp(network->gateway, none.gateway, sizeof(none.gateway)) != 0)
        error = netlink_add_default_route(netlink_fd, ifindex, network);
    if (error < 0)
        note(control_fd, ATTACH_STEP_ADDRESS6, -error);
}

static bool is_segmentation(const char *name)
{
    return strncmp(name, "tx-", 3) == 0 && strstr(name, "-segmentation") != NULL;
}

/* The kernel cuts large segments itself, before it hands them over. Small packets come in larger
 * numbers: a queue of 500, the default, would hold less of them than a turn of ours lets come. */
static void make_packets_small(int control_fd, int netlink_fd, unsigned ifindex)
{
    char name[IFNAMSIZ];
    int error = if_indextoname(ifindex, name) == NULL ? -errno : 0;
    if (error == 0)
        error = offloads_turn_off(name, is_segmentation);
    if (error == 0)
        error = netlink_set_queue(netlink_fd, ifindex, 5000);
    if (error < 0)
        note(control_fd, ATTACH_STEP_SEGMENTS, -error);
}

static void set_network_up(const struct attach_config *config, int control_fd, unsigned ifindex)
{
    int netlink_fd = netlink_open();
    require(control_fd, ATTACH_STEP_NETLINK, netlink_fd);
    /* lo is the first interface of every namespace. */
    require(control_fd, ATTACH_STEP_LOOPBACK, netlink_set_up(netlink_fd, LOOPBACK_INDEX, 0));
    require(control_fd, ATTACH_STEP_LINK_UP, netlink_set_up(netlink_fd, ifindex, config->mtu));
    if (config->single_segments)
        make_packets_small(control_fd, netlink_fd, ifindex);
    add_networks(config, control_fd, netlink_fd, ifindex);
    close(netlink_fd);
}

/* Root without a user namespace has every id, and so may any of them ping; except where it has not
 * (EINVAL), for it is root in somebody else's user namespace. */
static int allow_ping(const struct attach_config *config)
{
    static const char path[] = "/proc/sys/net/ipv4/ping_group_range";
    char own[64];
    int error =
        config->owner.has_user_namespace ? -EINVAL : namespaces_write_text(path, "0 2147483647");
    if (error != -EINVAL)
        return error;
    snprintf(own, sizeof(own), "%u %u", config->owner.gid, config->owner.gid);
    return namespaces_write_text(path, own);
}

/* What makes life inside good, and is not worth failing for. */
static void set_surroundings_up(const struct attach_config *config, int control_fd)
{
    int hide_error;
    int error = resolv_cover(&config->servers, &hide_error);
    if (error < 0)
        note(control_fd, ATTACH_STEP_RESOLV, -error);
    if (hide_error != 0)
        note(control_fd, ATTACH_STEP_HIDE, hide_error);
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        note(control_fd, ATTACH_STEP_PROC, errno);
    error = allow_ping(config);
    if (error < 0)
        note(control_fd, ATTACH_STEP_PING, -error);
}

static void send_ready(int control_fd, int method, struct attach_link *link)
{
    struct control_record record = {
        .kind = CONTROL_READY, .a = method, .b = (int)link->vnet_hdr_len, .c = (int)link->offload};
    if (control_send(control_fd, &record, link->fds, link->count, 0) < 0)
        _exit(ATTACH_CHILD_EXIT);
    attach_link_close(link);
}

/*
 * Init keeps nothing that a program of the same user could take from it by ptrace. Root's init must
 * go on being able to signal a program that changed its id.
 */
static void drop_privileges(const struct attach_config *config)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    prctl(PR_SET_DUMPABLE, 0);
    if (config->owner.has_user_namespace && config->owner.uid != 0)
        syscall(SYS_capset, &header, none);
}

void attach_child_run(const struct attach_config *config, int control_fd)
{
    struct init init;
    int method;
    /* Init dies with nst even while it is stopped or still setting up. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int error = config->owner.has_user_namespace ? namespaces_map_ids(&config->owner) : 0;
    /* Where /proc is read-only it does without: the kernel knows the ids all the same. */
    if (error != -EROFS)
        require(control_fd, ATTACH_STEP_IDS, error);
    require(control_fd, ATTACH_STEP_FORK, init_fork(&config->program, control_fd, &init));
    if (error == -EROFS)
        note(control_fd, ATTACH_STEP_NO_IDS, EROFS);
    if (config->owner.wanted_none)
        note(control_fd, ATTACH_STEP_ONE_ID, EPERM);
    require(control_fd, ATTACH_STEP_PRIVATE_MOUNTS, namespaces_make_mounts_private());
    struct attach_link link = open_link(config, control_fd, &method);
    if (link.note_error != 0)
        note(control_fd, link.note_step, link.note_error);
    set_network_up(config, control_fd, link.ifindex);
    set_surroundings_up(config, control_fd);
    send_ready(control_fd, method, &link);
    drop_privileges(config);
    init_serve(&init);
}
