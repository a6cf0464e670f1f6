/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that begin outside: publish.c has TCP and what both have in common, publish_udp.c UDP. */
#ifndef NICSTACK_SRC_HOST_PUBLISH_H
#define NICSTACK_SRC_HOST_PUBLISH_H

#include "host/flow.h"

#define PUBLISH_BUCKETS 1024 /* a power of two */

LIST_HEAD(publish_bucket, flow);

struct nst_publication {
    struct nst_watch watch; /* first */
    TAILQ_ENTRY(nst_publication) link;
    struct nst_gateway *gateway;
    struct nst_publish_config config;
    enum nst_socket_type type;
    /* UDP: its flows, the one that was silent longest first, and by their clients. */
    struct flow_list clients;
    uint32_t client_count;
    uint64_t key; /* so that nobody chooses his bucket */
    struct publish_bucket buckets[PUBLISH_BUCKETS];
};

void publish_init(struct nst_gateway *gateway);
void publish_fini(struct nst_gateway *gateway);

/* There is no room: no connection is taken until a flow ends, or some time has passed. */
void publish_pause(struct nst_gateway *gateway);
/* There may be room again. */
void publish_resume(struct nst_gateway *gateway);

/* What `address` looks like inside, as the publication's owner says: *ret_client is itself. False:
 * refused, which was told. */
bool publish_admit(struct nst_publication *publication, const struct sockaddr_in *address,
                   struct nst_endpoint *ret_client, struct nst_endpoint *ret_source);
/* Connects the flow, whose socket of the stack is open: from `source` to the publication's inside.
 * 0, or the error. */
int publish_connect(struct flow *flow, const struct nst_publication *publication,
                    const struct nst_endpoint *client, const struct nst_endpoint *source);

/* UDP: prepares the descriptor and the table; 0 or -NST_E*. */
int publish_udp_init(struct nst_publication *publication);
void publish_udp_on_host(struct nst_watch *watch, uint32_t events);
/* The flow ends: it leaves its publication's table. */
void publish_forget(struct flow *flow);
/* Sends from the publication's socket to the flow's client. As send(2). */
ssize_t publish_reply(const struct flow *flow, const uint8_t *data, size_t len);

#endif
