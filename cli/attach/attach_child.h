/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process inside the namespaces: makes the network and the mounts of the program, then is
 * its init.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_CHILD_H
#define NICSTACK_CLI_ATTACH_ATTACH_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/attach_link.h"
#include "attach/init.h"
#include "attach/namespaces.h"
#include "attach/netlink.h"
#include "attach/resolv.h"

enum {
    ATTACH_CHILD_NETWORKS = 2, /* IPv4, IPv6 */
    ATTACH_CHILD_EXIT = 125,
    ATTACH_CHILD_ANY = -1, /* method: the first that works */
};

/* The options, checked and parsed by the parent. */
struct attach_config {
    struct init_program program;
    struct netlink_network networks[ATTACH_CHILD_NETWORKS];
    struct resolv_servers servers;
    uint32_t mtu;
    unsigned queues;
    int method; /* by its number, or ATTACH_CHILD_ANY */
    bool vnet_hdr;
    bool by_notify; /* no namespaces: attach_notify.c */
    bool single_segments;
    struct namespaces_owner owner;
};

/* Does all of it and never returns. control_fd: the child's end of the control line. */
void attach_child_run(const struct attach_config *config, int control_fd) __attribute__((noreturn));

/* The methods of attachment are numbered, as CONTROL_READY carries it: the name of one, what comes
 * out of its descriptors, and the number of a name or -EINVAL. */
const char *attach_child_method_name(int method);
enum attach_kind attach_child_method_kind(int method);
int attach_child_find_method(const char *name);

#endif
