/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP publications: one socket of the host, a flow for each client.
 *
 * A client is its address and port, and which of the host's addresses it wrote to: the answer comes
 * from there (IP_PKTINFO), or the client would not know it. The first datagram of a client makes
 * its flow, which ends when it has been idle (flow_dgram.c), when nobody listens inside, or when
 * CLIENTS_MAX others were heard since: so a flood of made-up clients costs a bounded number of
 * sockets, and who talks stays.
 *
 * The socket has no queue of errors (IP_RECVERR): it could not be said whose flow they are about.
 * What cannot be sent is lost.
 */
#include "host/publish.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX 4096
#define BATCH       64

union pktinfo {
    struct cmsghdr header; /* aligns */
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* ---- The table ---- */

/* murmur3's finish over what makes a client, keyed. */
static struct publish_bucket *bucket_of(struct nst_publication *p, const struct sockaddr_in *client,
                                        struct in_addr local)
{
    uint64_t h = p->key ^ ((uint64_t)client->sin_addr.s_addr << 16 | client->sin_port);
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = ((h ^ local.s_addr) ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return &p->buckets[(h ^ (h >> 33)) % PUBLISH_BUCKETS];
}

static struct flow *find(struct nst_publication *p, const struct sockaddr_in *client,
                         struct in_addr local)
{
    struct flow *flow;
    LIST_FOREACH(flow, bucket_of(p, client, local), in_bucket)
    {
        const struct sockaddr_in *own = (const struct sockaddr_in *)(const void *)&flow->target;
        if (own->sin_addr.s_addr == client->sin_addr.s_addr && own->sin_port == client->sin_port &&
            flow->local.s_addr == local.s_addr)
            return flow;
    }
    return NULL;
}

static void add(struct nst_publication *p, struct flow *flow, const struct sockaddr_in *client,
                struct in_addr local)
{
    memcpy(&flow->target, client, sizeof(*client));
    flow->target_len = sizeof(*client);
    flow->local = local;
    flow->publication = p;
    LIST_INSERT_HEAD(bucket_of(p, client, local), flow, in_bucket);
    TAILQ_INSERT_TAIL(&p->clients, flow, by_use);
    p->client_count++;
}

void publish_forget(struct flow *flow)
{
    LIST_REMOVE(flow, in_bucket);
    TAILQ_REMOVE(&flow->publication->clients, flow, by_use);
    flow->publication->client_count--;
}

static void touch(struct nst_publication *p, struct flow *flow)
{
    TAILQ_REMOVE(&p->clients, flow, by_use);
    TAILQ_INSERT_TAIL(&p->clients, flow, by_use);
}

/* ---- Flows ---- */

/* A flow for a new client; NULL: refused, or there is no room, and its datagram is lost. */
static struct flow *begin(struct nst_publication *p, const struct sockaddr_in *address,
                          struct in_addr local)
{
    struct nst_gateway *g = p->gateway;
    struct nst_endpoint client, source;
    if (p->client_count >= CLIENTS_MAX)
        flow_end(TAILQ_FIRST(&p->clients), 0, false);
    if (gateway_is_full(g) || !publish_admit(p, address, &client, &source))
        return NULL;
    struct flow *flow = flow_new(g, NST_DATAGRAM, &flow_led_udp_ops);
    if (flow == NULL)
        return NULL;
    flow->has_begun = true;
    g->begun++;
    add(p, flow, address, local);
    int r = nst_socket_open(g->config.stack, NST_DATAGRAM, &flow->socket);
    if (r == 0)
        r = publish_connect(flow, p, &client, &source);
    if (r < 0) {
        flow_end(flow, r, false);
        return NULL;
    }
    nst_socket_watch(g->config.stack, flow->socket, NST_READY_IN, flow);
    flow->ops->start(flow);
    return flow;
}

static struct in_addr local_of(struct msghdr *message)
{
    struct in_pktinfo info = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            memcpy(&info, CMSG_DATA(c), sizeof(info));
    return info.ipi_spec_dst;
}

/* Takes a datagram. False: there is none. */
static bool receive(struct nst_publication *p)
{
    uint8_t *data = p->gateway->datagram;
    union pktinfo control;
    struct sockaddr_in client;
    struct iovec iov = {.iov_base = data, .iov_len = FLOW_DATAGRAM_MAX};
    struct msghdr message = {.msg_name = &client,
                             .msg_namelen = sizeof(client),
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(p->watch.fd, &message, 0);
    if (n < 0)
        return errno != EAGAIN; /* an error is taken by being told */
    const struct in_addr local = local_of(&message);
    struct flow *flow = find(p, &client, local);
    if (flow != NULL)
        touch(p, flow);
    else
        flow = begin(p, &client, local);
    if (flow != NULL)
        flow_dgram_pass_in(flow, data, (size_t)n);
    return true;
}

void publish_udp_on_host(struct nst_watch *watch, uint32_t events)
{
    struct nst_publication *p = (struct nst_publication *)watch;
    for (int i = 0; i < BATCH; i++)
        if (!receive(p))
            return;
}

ssize_t publish_reply(const struct flow *flow, const uint8_t *data, size_t len)
{
    union pktinfo control = {.header = {.cmsg_level = IPPROTO_IP,
                                        .cmsg_type = IP_PKTINFO,
                                        .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo))}};
    const struct in_pktinfo info = {.ipi_spec_dst = flow->local};
    struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
    const struct msghdr message = {.msg_name = (void *)&flow->target,
                                   .msg_namelen = flow->target_len,
                                   .msg_iov = &iov,
                                   .msg_iovlen = 1,
                                   .msg_control = &control,
                                   .msg_controllen = sizeof(control)};
    memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
    touch(flow->publication, (struct flow *)flow);
    return sendmsg(flow->publication->watch.fd, &message, MSG_NOSIGNAL);
}

int publish_udp_init(struct nst_publication *p)
{
    const int on = 1;
    uint8_t seed[32];
    int r = nst_host_seed(seed);
    if (r < 0)
        return r;
    memcpy(&p->key, seed, sizeof(p->key));
    TAILQ_INIT(&p->clients);
    for (size_t i = 0; i < PUBLISH_BUCKETS; i++)
        LIST_INIT(&p->buckets[i]);
    if (setsockopt(p->watch.fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
        return -nst_error_from_errno(errno);
    return 0;
}
