/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages of sends and receives, in Linux's order and sizes. */
#include <time.h> /* errqueue.h wants it before */

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include "script/kernel.h"
#include "wire/addr.h"

/* ---- Receiving ---- */

void kernel_control_add(struct msghdr *msg, size_t *used, int level, int type, const void *data,
                        size_t len)
{
    struct cmsghdr hdr = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    const size_t room = msg->msg_control != NULL ? msg->msg_controllen : 0;
    if (room < *used || room - *used < hdr.cmsg_len) {
        msg->msg_flags |= MSG_CTRUNC;
        return;
    }
    uint8_t *at = (uint8_t *)msg->msg_control + *used;
    memcpy(at, &hdr, sizeof(hdr));
    memcpy(at + CMSG_LEN(0), data, len);
    *used += CMSG_SPACE(len);
    if (*used > room)
        *used = room;
}

static struct timespec spec_of(const struct kernel *p, nst_time stack_time)
{
    const nst_time t = p->epoch + stage_time_of(stack_time);
    return (struct timespec){.tv_sec = t / NST_SEC, .tv_nsec = t % NST_SEC};
}

void kernel_control_add_stamp(const struct kernel *p, struct msghdr *msg, size_t *used, nst_time at)
{
    const struct timespec spec[3] = {spec_of(p, at)};
    kernel_control_add(msg, used, SOL_SOCKET, SCM_TIMESTAMPING, spec, sizeof(spec));
}

static void add_times(const struct kernel *p, const struct kernel_file *f, struct msghdr *msg,
                      size_t *used, nst_time arrival)
{
    static const uint32_t received = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    const struct timespec spec = spec_of(p, arrival);
    const struct timeval tv = {.tv_sec = spec.tv_sec, .tv_usec = spec.tv_nsec / 1000};
    if ((f->side.wants & WANT_TIME) != 0)
        kernel_control_add(msg, used, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
    if ((f->side.wants & WANT_TIME_NS) != 0)
        kernel_control_add(msg, used, SOL_SOCKET, SO_TIMESTAMPNS, &spec, sizeof(spec));
    if ((f->side.stamping & received) == received)
        kernel_control_add_stamp(p, msg, used, arrival);
}

static void add_info6(struct msghdr *msg, size_t *used, const struct nst_endpoint *local)
{
    struct in6_pktinfo info = {.ipi6_ifindex = local->nic};
    memcpy(&info.ipi6_addr, local->addr.b, sizeof(info.ipi6_addr));
    kernel_control_add(msg, used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static void add_v4(const struct kernel_file *f, struct msghdr *msg, size_t *used,
                   const struct nst_message *m)
{
    const struct in_addr local = {addr_to_raw4(&m->local.addr)};
    const struct in_pktinfo info = {
        .ipi_ifindex = (int)m->local.nic, .ipi_spec_dst = local, .ipi_addr = local};
    const int ttl = m->ttl;
    if ((f->side.wants & WANT_INFO) != 0)
        kernel_control_add(msg, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    if ((f->side.wants & WANT_TTL) != 0)
        kernel_control_add(msg, used, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
    if ((f->side.wants & WANT_TOS) != 0)
        kernel_control_add(msg, used, IPPROTO_IP, IP_TOS, &m->tos, sizeof(m->tos));
}

static void add_v6(const struct kernel_file *f, struct msghdr *msg, size_t *used,
                   const struct nst_message *m)
{
    const int hops = m->ttl, class = m->tos;
    if ((f->side.wants & WANT_HOPS) != 0)
        kernel_control_add(msg, used, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    if ((f->side.wants & WANT_CLASS) != 0)
        kernel_control_add(msg, used, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
}

/* What is left to read; behind a FIN at least 1, so that a reader goes on to the end. */
static void add_inq(struct kernel *p, const struct kernel_file *f, struct msghdr *msg, size_t *used)
{
    int64_t unread = 0;
    nst_socket_get(p->world->stack, f->socket, NST_OPT_RECEIVE_QUEUED, &unread);
    const int events = nst_socket_events(p->world->stack, f->socket);
    if (unread == 0 && events > 0 && (events & NST_READY_RDHUP) != 0)
        unread = 1;
    const int inq = (int)unread;
    kernel_control_add(msg, used, IPPROTO_TCP, TCP_CM_INQ, &inq, sizeof(inq));
}

void kernel_control_put(struct kernel *p, const struct kernel_file *f, struct msghdr *msg,
                        const struct nst_message *message, int64_t len)
{
    size_t used = 0;
    if (f->type != NST_STREAM) {
        add_times(p, f, msg, &used, message->arrival);
        if ((f->side.wants & WANT_INFO6) != 0)
            add_info6(msg, &used, &message->local);
        if (nst_addr_is_v4(&message->remote.addr))
            add_v4(f, msg, &used, message);
        else
            add_v6(f, msg, &used, message);
    } else {
        if (len > 0)
            add_times(p, f, msg, &used, message->arrival);
        if ((f->side.wants & WANT_INQ) != 0)
            add_inq(p, f, msg, &used);
    }
    msg->msg_controllen = used;
}

/* ---- Sending ---- */

/* The number that a message holds: a byte where it may be one. */
static bool number_of(const struct cmsghdr *c, int *ret_number)
{
    const size_t len = c->cmsg_len - CMSG_LEN(0);
    const bool byte = len == 1 && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS;
    *ret_number = byte ? *CMSG_DATA(c) : 0;
    if (len == sizeof(int))
        memcpy(ret_number, CMSG_DATA(c), sizeof(int));
    return byte || len == sizeof(int);
}

/* Is the source that is asked for the one that there is? */
static bool is_local(const struct kernel *p, const struct nst_addr *addr)
{
    return nst_addr_equal(addr, &p->world->local);
}

static int take_info(struct kernel *p, const struct cmsghdr *c, struct kernel_send *send)
{
    struct in_pktinfo info;
    if (c->cmsg_len != CMSG_LEN(sizeof(info)))
        return -EINVAL;
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    const struct nst_addr source = addr_from_raw4(info.ipi_spec_dst.s_addr);
    if (info.ipi_spec_dst.s_addr != 0 && !is_local(p, &source))
        return kernel_refuse(p, EINVAL, "a source by IP_PKTINFO", info.ipi_spec_dst.s_addr);
    send->nic = (uint32_t)info.ipi_ifindex;
    return 0;
}

static int take_info6(struct kernel *p, const struct cmsghdr *c, struct kernel_send *send)
{
    static const struct nst_addr any;
    struct in6_pktinfo info;
    struct nst_addr source;
    if (c->cmsg_len < CMSG_LEN(sizeof(info)))
        return -EINVAL;
    memcpy(&info, CMSG_DATA(c), sizeof(info));
    memcpy(source.b, &info.ipi6_addr, sizeof(source.b));
    if (!nst_addr_equal(&source, &any) && !is_local(p, &source))
        return kernel_refuse(p, EINVAL, "a source by IPV6_PKTINFO, of NIC", info.ipi6_ifindex);
    send->nic = info.ipi6_ifindex;
    return 0;
}

/* IP_TTL and its kin: least to 255. */
static int take_number(const struct cmsghdr *c, int least, int *ret_number)
{
    int number;
    if (!number_of(c, &number) || number < least || number > 255)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int take_ip(struct kernel *p, const struct cmsghdr *c, struct kernel_send *send)
{
    if (c->cmsg_level == IPPROTO_IP) {
        switch (c->cmsg_type) {
        case IP_TTL:
            return take_number(c, 1, &send->ttl);
        case IP_TOS:
            return take_number(c, 0, &send->tos);
        case IP_PKTINFO:
            return take_info(p, c, send);
        default:
            return -EINVAL;
        }
    }
    switch (c->cmsg_type) {
    case IPV6_HOPLIMIT:
        return take_number(c, 0, &send->ttl);
    case IPV6_TCLASS:
        return take_number(c, 0, &send->tos);
    case IPV6_PKTINFO:
        return take_info6(p, c, send);
    default:
        return kernel_refuse(p, EINVAL, "the control message SOL_IPV6", c->cmsg_type);
    }
}

static int take_one(struct kernel *p, const struct kernel_file *f, const struct cmsghdr *c,
                    struct kernel_send *send)
{
    int number = 0;
    if (c->cmsg_level == SOL_SOCKET) {
        if (c->cmsg_type != SO_TIMESTAMPING)
            return kernel_refuse(p, EINVAL, "the control message SOL_SOCKET", c->cmsg_type);
        if (!number_of(c, &number) || (number & ~SOF_TIMESTAMPING_TX_RECORD_MASK) != 0)
            return -EINVAL;
        send->stamping = number;
        return 0;
    }
    /* A stream has no use for them, and Linux passes over them. */
    if (f->type == NST_STREAM)
        return 0;
    const bool mine = c->cmsg_level == IPPROTO_IP || c->cmsg_level == IPPROTO_IPV6;
    return mine ? take_ip(p, c, send) : 0;
}

int kernel_control_take(struct kernel *p, const struct kernel_file *f, const struct msghdr *msg,
                        struct kernel_send *ret_send)
{
    size_t at = 0;
    *ret_send = (struct kernel_send){.ttl = -1, .tos = -1, .stamping = -1};
    if (msg->msg_control == NULL && msg->msg_controllen > 0)
        return -EFAULT;
    while (at < msg->msg_controllen && msg->msg_controllen - at >= sizeof(struct cmsghdr)) {
        const struct cmsghdr *c = (const void *)((const uint8_t *)msg->msg_control + at);
        if (c->cmsg_len < CMSG_LEN(0) || c->cmsg_len > msg->msg_controllen - at)
            return -EINVAL;
        const int r = take_one(p, f, c, ret_send);
        if (r < 0)
            return r;
        at += CMSG_ALIGN(c->cmsg_len);
    }
    return 0;
}
