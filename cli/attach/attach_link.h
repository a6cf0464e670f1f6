/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link as a method of attachment makes it.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_LINK_H
#define NICSTACK_CLI_ATTACH_ATTACH_LINK_H

#include <unistd.h>

#include "attach/attach_text.h"

enum {
    ATTACH_LINK_MAX_QUEUES = 16
};

/* What comes out of its descriptors. */
enum attach_kind {
    ATTACH_KIND_TUN,    /* IP packets */
    ATTACH_KIND_PACKET, /* Ethernet frames of a packet socket, point to point */
    ATTACH_KIND_NOTIFY, /* there are none but a seccomp listener: see notify.h */
};

/* The two ends of a link of Ethernet frames: the program's, and ours. Made of 10.0.2.15 and
 * 10.0.2.2. */
#define ATTACH_MAC_PROGRAM 0x02, 0x00, 10, 0, 2, 15
#define ATTACH_MAC_OURS    0x02, 0x00, 10, 0, 2, 2

struct attach_link {
    int fds[ATTACH_LINK_MAX_QUEUES]; /* close-on-exec, non-blocking */
    unsigned count;
    unsigned vnet_hdr_len;
    unsigned offload; /* TUN_F_* that may arrive unfinished */
    unsigned ifindex; /* of the program's interface */
    int note_error;   /* 0, or the errno for which it goes on without note_step */
    enum attach_step note_step;
};

/* Its descriptors are not wanted (any more) in this process. */
static inline void attach_link_close(struct attach_link *link)
{
    while (link->count > 0)
        close(link->fds[--link->count]);
}

#endif
