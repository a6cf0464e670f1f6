/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows of datagrams: UDP between one address inside and one outside, and the echo requests of one
 * ping, until they have been idle. One that began outside has no socket of the host for itself: it
 * gets what publish_udp.c finds for it, and answers from the publication's.
 *
 * How long depends on what it is (RFC 4787 4.3 asks for two minutes and more of what may be a
 * conversation): a look-up by DNS is over after 5 s; a flow that was never answered, and a ping,
 * after 30 s; any other after 180 s. The timer is moved lazily: it looks at the time of the last
 * datagram when it fires.
 *
 * Errors. The host's socket queues what ICMP told it (IP_RECVERR), and each is told inside as an
 * ICMP error for the datagram that came from there last: so a program inside sees what it would see
 * outside, ECONNREFUSED above all. The flow ends by it; but one that was answered before goes on
 * after all others, which are hints only (RFC 1122 3.2.2.1): the path may come back, and the peer
 * knows the conversation by the port of this socket.
 *
 * A ping's socket on the host's side is Linux's ICMP socket, open to whom net.ipv4.ping_group_range
 * says. Like a forwarder request's it carries whole ICMP messages and puts its own identifier in.
 * Where it is closed to us the echo request is answered by an unreachable: never by a made-up
 * reply.
 */
#include "host/flow.h"
#include "host/publish.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include <linux/errqueue.h>
#include <unistd.h>

#define TIMEOUT_DNS     (5 * NST_SEC)
#define TIMEOUT_ONE_WAY (30 * NST_SEC)
#define TIMEOUT_TWO_WAY (180 * NST_SEC)
#define DNS_PORT        53
#define BATCH           64

static nst_time timeout_of(const struct flow *flow)
{
    if (flow->udp_timeout != 0)
        return flow->udp_timeout;
    if (flow->summary.type == NST_PING)
        return TIMEOUT_ONE_WAY;
    const struct nst_flow_summary *s = &flow->summary;
    if ((s->published ? s->inside.port : s->outside.port) == DNS_PORT)
        return TIMEOUT_DNS;
    const bool was_answered = (s->published ? s->bytes_out : s->bytes_in) != 0;
    return was_answered ? TIMEOUT_TWO_WAY : TIMEOUT_ONE_WAY;
}

static void on_idle(struct nst_loop_timer *timer)
{
    struct flow *flow = (struct flow *)(void *)((char *)timer - offsetof(struct flow, timer));
    nst_time due = flow->active + timeout_of(flow);
    if (nst_loop_now(flow->gateway->config.loop) >= due)
        flow_end(flow, 0, false);
    else
        nst_loop_arm(flow->gateway->config.loop, timer, due);
}

static int open_socket(struct flow *flow, int protocol)
{
    int fd = socket(flow->target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return -errno;
    /* Without it some errors are not told, and the others without what they are. */
    const int on = 1;
    if (flow->target.ss_family == AF_INET)
        setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
    else
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
    if (connect(fd, (const struct sockaddr *)&flow->target, flow->target_len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

static int udp_open(struct flow *flow)
{
    return open_socket(flow, IPPROTO_UDP);
}

static int ping_open(struct flow *flow)
{
    int r = open_socket(flow, flow->target.ss_family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    /* Nobody forbade the ping but this host's configuration: as if there were no way. */
    return r == -EACCES || r == -EPERM ? -EHOSTUNREACH : r;
}

static void observe(const struct flow *flow, bool outgoing, const uint8_t *data, size_t len)
{
    const struct nst_gateway_config *config = &flow->gateway->config;
    if (flow->observe)
        config->observe(config->context, &flow->summary, outgoing, data, len);
}

/* ---- Errors ---- */

/* Tells inside what became of a datagram. False: the flow has ended by it. */
static bool tell(struct flow *flow, int errnum, enum nst_refusal how)
{
    if (errnum == EMSGSIZE)
        return true; /* the host's kernel cuts what follows as the path wants it */
    nst_socket_refuse(flow->gateway->config.stack, flow->socket, how);
    if (flow->summary.bytes_in != 0 && errnum != ECONNREFUSED)
        return true;
    flow->gateway->stats.failed++;
    flow_end(flow, -nst_error_from_errno(errnum), false);
    return false;
}

/* Prohibited is told so, for it is final where an unreachable host is not. */
static enum nst_refusal refusal_of(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMP6_DST_UNREACH &&
        error->ee_code == ICMP6_DST_UNREACH_ADMIN)
        return NST_REFUSE_PROHIBITED;
    const bool is_unreachable =
        error->ee_origin == SO_EE_ORIGIN_ICMP && error->ee_type == ICMP_DEST_UNREACH;
    if (is_unreachable && (error->ee_code == ICMP_NET_ANO || error->ee_code == ICMP_HOST_ANO ||
                           error->ee_code == ICMP_PKT_FILTERED))
        return NST_REFUSE_PROHIBITED;
    return flow_refusal_of((int)error->ee_errno);
}

/* Takes the next error off the socket's queue: its errno, 0 for none. */
static int next_error(int fd, enum nst_refusal *ret_how)
{
    _Alignas(struct cmsghdr) uint8_t control[512];
    struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};
    struct sock_extended_err error;
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
            !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            continue;
        memcpy(&error, CMSG_DATA(c), sizeof(error));
        *ret_how = refusal_of(&error);
        return (int)error.ee_errno;
    }
    return EMSGSIZE; /* one that says nothing */
}

/* Tells what is queued, or where the queue had no room the error that the socket said. It may end
 * the flow. */
static void tell_errors(struct flow *flow, int said)
{
    enum nst_refusal how = flow_refusal_of(said);
    int errnum = next_error(flow->watch.fd, &how);
    if (errnum == 0)
        errnum = said;
    for (int i = 0; i < BATCH && errnum != 0 && tell(flow, errnum, how); i++)
        errnum = next_error(flow->watch.fd, &how);
}

/* ---- Passing on ---- */

static bool is_unreachable(int errnum)
{
    return errnum == ECONNREFUSED || errnum == EHOSTUNREACH || errnum == ENETUNREACH ||
           errnum == EACCES || errnum == EPERM;
}

/* Sends to the host's socket. An error of an earlier datagram may be said instead of sending this
 * one: it stays in the queue of errors, and this one is tried again. What the host has no room for
 * is lost, as on any path. False: the flow has ended. */
static bool send_host(struct flow *flow, const uint8_t *data, size_t len)
{
    if (flow->publication != NULL) {
        if (publish_reply(flow, data, len) >= 0)
            flow->summary.bytes_out += len;
        return true;
    }
    ssize_t r = send(flow->watch.fd, data, len, MSG_NOSIGNAL);
    if (r < 0 && is_unreachable(errno))
        r = send(flow->watch.fd, data, len, MSG_NOSIGNAL);
    if (r < 0)
        return !is_unreachable(errno) || tell(flow, errno, flow_refusal_of(errno));
    flow->summary.bytes_out += len;
    return true;
}

/* From inside to the host's socket. The stack's socket holds a bounded queue, so this ends. It may
 * end the flow. */
static void pass_out(struct flow *flow)
{
    struct nst_stack *stack = flow->gateway->config.stack;
    uint8_t *data = flow->gateway->datagram;
    for (;;) {
        int64_t n = nst_socket_recv(stack, flow->socket, data, FLOW_DATAGRAM_MAX, 0);
        if (n < 0)
            return;
        flow->active = nst_loop_now(flow->gateway->config.loop);
        observe(flow, true, data, (size_t)n);
        if (!send_host(flow, data, (size_t)n))
            return;
    }
}

static void begin_to_idle(struct flow *flow)
{
    flow->active = nst_loop_now(flow->gateway->config.loop);
    flow->timer.on_timer = on_idle;
    nst_loop_arm(flow->gateway->config.loop, &flow->timer, flow->active + timeout_of(flow));
}

static void dgram_start(struct flow *flow)
{
    if (!flow_accept(flow, NST_READY_IN))
        return;
    begin_to_idle(flow);
    pass_out(flow);
}

void flow_dgram_pass_in(struct flow *flow, const uint8_t *data, size_t len)
{
    flow->active = nst_loop_now(flow->gateway->config.loop);
    observe(flow, false, data, len);
    if (nst_socket_send(flow->gateway->config.stack, flow->socket, data, len, 0) >= 0)
        flow->summary.bytes_in += len;
}

/* From the host's socket to inside. What is left after a batch is there in the next turn, for the
 * descriptor is watched level-triggered. */
static void dgram_on_host(struct flow *flow, uint32_t events)
{
    uint8_t *data = flow->gateway->datagram;
    int error = 0;
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = recv(flow->watch.fd, data, FLOW_DATAGRAM_MAX, 0);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            error = errno == EINTR ? error : errno;
            continue;
        }
        flow_dgram_pass_in(flow, data, (size_t)n);
    }
    /* After what came before them. */
    if (error != 0 || (events & EPOLLERR) != 0)
        tell_errors(flow, error);
}

static void dgram_on_stack(struct flow *flow, uint32_t events)
{
    if ((events & NST_READY_ERROR) != 0)
        (void)nst_socket_error(flow->gateway->config.stack, flow->socket);
    pass_out(flow);
}

/* The same from outside: that nobody listens inside ends the flow, and its client learns it by
 * silence. */
static void led_on_stack(struct flow *flow, uint32_t events)
{
    int error = 0;
    if ((events & NST_READY_ERROR) != 0)
        error = nst_socket_error(flow->gateway->config.stack, flow->socket);
    if (error != -NST_ECONNREFUSED) {
        pass_out(flow);
        return;
    }
    flow->gateway->stats.failed++;
    flow_end(flow, error, false);
}

const struct flow_ops flow_udp_ops = {
    .open = udp_open,
    .start = dgram_start,
    .on_host = dgram_on_host,
    .on_stack = dgram_on_stack,
    .watch_events = EPOLLIN,
};

const struct flow_ops flow_ping_ops = {
    .open = ping_open,
    .start = dgram_start,
    .on_host = dgram_on_host,
    .on_stack = dgram_on_stack,
    .watch_events = EPOLLIN,
};

const struct flow_ops flow_led_udp_ops = {
    .start = begin_to_idle,
    .on_stack = led_on_stack,
};
