/* SPDX-License-Identifier: Apache-2.0 */
/* The options of kernel_side.h, and its turn after each run of the stack. */
#include "script/kernel_side.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <nicstack/host.h>

#include "script/kernel.h"

#define LINUX_OPT_ID_TCP (1u << 16)
#define STAMPING_NOT_THERE                                              \
    ((uint32_t)SOF_TIMESTAMPING_OPT_CMSG | SOF_TIMESTAMPING_OPT_STATS | \
     SOF_TIMESTAMPING_OPT_PKTINFO | (uint32_t)SOF_TIMESTAMPING_BIND_PHC)

struct option {
    int level, name;
    uint32_t want;
};

static const struct option options[] = {
    {SOL_SOCKET, SO_TIMESTAMP, WANT_TIME},
    {SOL_SOCKET, SO_TIMESTAMPNS, WANT_TIME_NS},
    {IPPROTO_TCP, TCP_INQ, WANT_INQ},
    {IPPROTO_IP, IP_RECVTTL, WANT_TTL},
    {IPPROTO_IP, IP_RECVTOS, WANT_TOS},
    {IPPROTO_IP, IP_PKTINFO, WANT_INFO},
    {IPPROTO_IP, IP_RECVERR, WANT_ERRORS},
    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, WANT_HOPS},
    {IPPROTO_IPV6, IPV6_RECVTCLASS, WANT_CLASS},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, WANT_INFO6},
    {IPPROTO_IPV6, IPV6_RECVERR, WANT_ERRORS6},
    {SOL_SOCKET, SO_ZEROCOPY, WANT_COPIES},
};

static uint32_t find(int level, int name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].level == level && options[i].name == name)
            return options[i].want;
    return 0;
}

void kernel_side_init(struct kernel_side *side)
{
    side->errors_end = &side->errors;
    side->marks_end = &side->marks;
    side->mtu_discover = IP_PMTUDISC_WANT;
}

void kernel_side_free(struct kernel_side *side)
{
    kernel_error_free(side);
    kernel_stamp_free(side);
}

void kernel_side_ran(struct kernel *p)
{
    for (int fd = 0; p->watched && fd < KERNEL_FDS_MAX; fd++) {
        struct kernel_file *f = p->files[fd];
        if (f == NULL || f->kind != KERNEL_SOCKET)
            continue;
        kernel_error_collect(p, f);
        kernel_stamp_collect(p, f);
    }
}

/* What OPT_ID counts from: the first byte that is not acknowledged, or not written yet. */
static int begin_keys(struct kernel *p, struct kernel_file *f, uint32_t flags)
{
    struct nst_tcp_info info;
    f->side.key_next = 0;
    if (f->type != NST_STREAM)
        return 0;
    if (nst_socket_tcp_info(p->world->stack, f->socket, &info) < 0 ||
        info.state == NST_TCP_CLOSED || info.state == NST_TCP_LISTEN)
        return -EINVAL;
    f->side.key_base =
        (flags & LINUX_OPT_ID_TCP) != 0 ? kernel_stamp_written(p, f, &info) : info.bytes_acked;
    return 0;
}

static int set_stamping(struct kernel *p, struct kernel_file *f, uint32_t flags)
{
    const bool begins = (flags & ~f->side.stamping & SOF_TIMESTAMPING_OPT_ID) != 0;
    if ((flags & ~(uint32_t)(SOF_TIMESTAMPING_MASK | LINUX_OPT_ID_TCP)) != 0)
        return -EINVAL;
    if ((flags & STAMPING_NOT_THERE) != 0)
        return kernel_refuse(p, EINVAL, "SO_TIMESTAMPING with flags", flags);
    const int r = begins ? begin_keys(p, f, flags) : 0;
    if (r == 0)
        f->side.stamping = flags;
    return r;
}

static int set_errors(struct kernel *p, const struct kernel_file *f)
{
    const bool on = (f->side.wants & (WANT_ERRORS | WANT_ERRORS6)) != 0;
    p->watched = p->watched || on;
    return -nst_errno_from_error(
        nst_socket_set(p->world->stack, f->socket, NST_OPT_RECEIVE_ERRORS, on));
}

void kernel_side_inherit(struct kernel *p, struct kernel_file *f, const struct kernel_file *from)
{
    f->side.wants = from->side.wants;
    f->side.stamping = from->side.stamping;
    f->side.mtu_discover = from->side.mtu_discover;
    if ((f->side.wants & (WANT_ERRORS | WANT_ERRORS6)) != 0)
        (void)set_errors(p, f); /* a connection takes it */
}

int kernel_side_set(struct kernel *p, struct kernel_file *f, int level, int name, int value)
{
    uint32_t *wants = &f->side.wants;
    if (level == SOL_SOCKET && name == SO_TIMESTAMPING) {
        p->watched = true;
        return set_stamping(p, f, (uint32_t)value);
    }
    const uint32_t want = find(level, name);
    if (want == 0)
        return 1;
    if (level == IPPROTO_IPV6 && f->family != AF_INET6)
        return -ENOPROTOOPT;
    if ((want & (WANT_INQ | WANT_COPIES)) != 0 && (value < 0 || value > 1))
        return -EINVAL;
    p->watched = p->watched || want == WANT_COPIES;
    if ((want & (WANT_TIME | WANT_TIME_NS)) != 0)
        *wants &= ~(uint32_t)(WANT_TIME | WANT_TIME_NS); /* one or the other */
    *wants = value != 0 ? *wants | want : *wants & ~want;
    return (want & (WANT_ERRORS | WANT_ERRORS6)) != 0 ? set_errors(p, f) : 0;
}

int kernel_side_get(const struct kernel_file *f, int level, int name, int64_t *ret_value)
{
    if (level == SOL_SOCKET && name == SO_TIMESTAMPING) {
        *ret_value = f->side.stamping;
        return 0;
    }
    const uint32_t want = find(level, name);
    if (want == 0)
        return 1;
    *ret_value = (f->side.wants & want) != 0;
    return 0;
}
