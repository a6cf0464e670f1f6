/* SPDX-License-Identifier: Apache-2.0 */
/* setsockopt and getsockopt: one table for what is a number on both sides, functions for the rest.
 */
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#include <nicstack/host.h>

#include "script/kernel.h"
#include "script/symbols.h"
#include "script/tcpinfo.h"

#define MEMINFO_VARS 9 /* of SO_MEMINFO: receive queue and buffer, send queue and buffer, ... */

/* How a number of Linux's becomes one of the stack's. */
enum unit {
    UNIT_NUMBER,
    UNIT_FLAG,
    UNIT_MILLISECONDS,
    UNIT_SECONDS,
};

struct option {
    int level, name;
    enum nst_option option;
    enum unit unit;
};

static const struct option options[] = {
    {SOL_SOCKET, SO_REUSEADDR, NST_OPT_REUSE_ADDRESS, UNIT_FLAG},
    {SOL_SOCKET, SO_REUSEPORT, NST_OPT_REUSE_PORT, UNIT_FLAG},
    {SOL_SOCKET, SO_BROADCAST, NST_OPT_BROADCAST, UNIT_FLAG},
    {SOL_SOCKET, SO_KEEPALIVE, NST_OPT_TCP_KEEPALIVE, UNIT_FLAG},
    {IPPROTO_IP, IP_TTL, NST_OPT_TTL, UNIT_NUMBER},
    {IPPROTO_IP, IP_TOS, NST_OPT_TOS, UNIT_NUMBER},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, NST_OPT_TTL, UNIT_NUMBER},
    {IPPROTO_IPV6, IPV6_TCLASS, NST_OPT_TOS, UNIT_NUMBER},
    {IPPROTO_TCP, TCP_NODELAY, NST_OPT_TCP_NODELAY, UNIT_FLAG},
    {IPPROTO_TCP, TCP_CORK, NST_OPT_TCP_CORK, UNIT_FLAG},
    {IPPROTO_TCP, TCP_MAXSEG, NST_OPT_TCP_MAXSEG, UNIT_NUMBER},
    {IPPROTO_TCP, TCP_QUICKACK, NST_OPT_TCP_QUICKACK, UNIT_FLAG},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, NST_OPT_TCP_USER_TIMEOUT, UNIT_MILLISECONDS},
    {IPPROTO_TCP, TCP_KEEPIDLE, NST_OPT_TCP_KEEP_IDLE, UNIT_SECONDS},
    {IPPROTO_TCP, TCP_KEEPINTVL, NST_OPT_TCP_KEEP_INTERVAL, UNIT_SECONDS},
    {IPPROTO_TCP, TCP_KEEPCNT, NST_OPT_TCP_KEEP_COUNT, UNIT_NUMBER},
};

static const struct option *find(int level, int name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    return NULL;
}

/* Says which option it was that nobody knows. */
static int unknown(struct kernel *p, int level, int name)
{
    static const struct {
        int level;
        const char *prefix, *what;
    } levels[] = {{SOL_SOCKET, "SO_", "the SOL_SOCKET option"},
                  {IPPROTO_TCP, "TCP_", "the TCP option"},
                  {IPPROTO_IP, "IP_", "the IP option"},
                  {IPPROTO_IPV6, "IPV6_", "the IPv6 option"}};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (levels[i].level != level)
            continue;
        const char *text = symbols_name(levels[i].prefix, name);
        return text != NULL ? kernel_refuse_named(p, ENOPROTOOPT, text)
                            : kernel_refuse(p, ENOPROTOOPT, levels[i].what, name);
    }
    return kernel_refuse(p, ENOPROTOOPT, "an option of level", level);
}

/* ---- Setting ---- */

static int set_stack(struct kernel *p, const struct kernel_file *f, const struct option *o,
                     int value)
{
    int64_t number = value;
    if (o->unit == UNIT_FLAG)
        number = value != 0;
    if (o->unit == UNIT_MILLISECONDS)
        number = (int64_t)value * NST_MSEC;
    if (o->unit == UNIT_SECONDS)
        number = (int64_t)value * NST_SEC;
    if (value < 0 && o->unit != UNIT_FLAG)
        return -EINVAL;
    /* Names are shared by streams alone; a datagram socket takes keep-alive and forgets it. */
    if (o->option == NST_OPT_TCP_KEEPALIVE && f->type != NST_STREAM)
        return 0;
    return -nst_errno_from_error(nst_socket_set(p->world->stack, f->socket, o->option, number));
}

static int set_linger(struct kernel *p, const struct kernel_file *f, const void *value,
                      socklen_t len)
{
    struct linger linger;
    if (len < sizeof(linger))
        return -EINVAL;
    memcpy(&linger, value, sizeof(linger));
    const int64_t time = linger.l_onoff != 0 ? (int64_t)linger.l_linger * NST_SEC : -1;
    return -nst_errno_from_error(nst_socket_set(p->world->stack, f->socket, NST_OPT_LINGER, time));
}

static int set_timeout(nst_time *timeout, const void *value, socklen_t len)
{
    struct timeval tv;
    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
        return -EDOM;
    *timeout = tv.tv_sec < 0 ? 1 : (nst_time)tv.tv_sec * NST_SEC + (nst_time)tv.tv_usec * NST_USEC;
    return 0;
}

/* Linux doubles what is asked for, to have room for its own overhead, and shows that. */
static int set_buffer(struct kernel *p, struct kernel_file *f, int name, int value)
{
    const bool send = name == SO_SNDBUF;
    const int least = send ? 4608 / 2 : 2304 / 2;
    value = value < least ? least : value > (1 << 29) ? 1 << 29 : value;
    const int r = nst_socket_set(p->world->stack, f->socket,
                                 send ? NST_OPT_SEND_BUFFER : NST_OPT_RECEIVE_BUFFER, value);
    if (r < 0)
        return -nst_errno_from_error(r);
    if (send)
        f->sndbuf = 2 * value;
    else
        f->rcvbuf = 2 * value;
    return 0;
}

/* RFC 5681 alone is built in. */
static int set_congestion(const void *value, socklen_t len)
{
    const size_t n = strnlen(value, len);
    return n == 4 && memcmp(value, "reno", 4) == 0 ? 0 : -ENOENT;
}

static int set_socket_level(struct kernel *p, struct kernel_file *f, int name, const void *value,
                            socklen_t len)
{
    int number;
    switch (name) {
    case SO_LINGER:
        return set_linger(p, f, value, len);
    case SO_RCVTIMEO:
        return set_timeout(&f->rcvtimeo, value, len);
    case SO_SNDTIMEO:
        return set_timeout(&f->sndtimeo, value, len);
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        if (!kernel_may(p, CAP_NET_ADMIN))
            return -EPERM;
        return set_socket_level(p, f, name == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF, value, len);
    case SO_SNDBUF:
    case SO_RCVBUF:
        if (len < sizeof(number))
            return -EINVAL;
        memcpy(&number, value, sizeof(number));
        return set_buffer(p, f, name, number);
    case SO_MARK:
        return kernel_may(p, CAP_NET_ADMIN) ? unknown(p, SOL_SOCKET, name) : -EPERM;
    case SO_TYPE:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_DOMAIN:
    case SO_PROTOCOL:
        return -ENOPROTOOPT; /* these can only be read, on Linux too */
    default:
        return unknown(p, SOL_SOCKET, name);
    }
}

/* IP_MTU_DISCOVER: TCP always looks for the path's MTU, UDP when it is told to. */
static int set_mtu_discover(struct kernel *p, struct kernel_file *f, int value)
{
    if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_PROBE)
        return -EINVAL;
    if (value == IP_PMTUDISC_PROBE || (f->type != NST_DATAGRAM && value == IP_PMTUDISC_DONT))
        return kernel_refuse(p, EINVAL, "IP_MTU_DISCOVER", value);
    f->side.mtu_discover = value;
    if (f->type != NST_DATAGRAM)
        return 0;
    return -nst_errno_from_error(
        nst_socket_set(p->world->stack, f->socket, NST_OPT_DONT_FRAGMENT, value == IP_PMTUDISC_DO));
}

/* What has one value here, and may be set to that. 1: it is none of them. */
static int set_fixed(struct kernel *p, int level, int name, int value)
{
    static const struct {
        int level, name, value;
    } fixed[] = {
        {SOL_SOCKET, SO_OOBINLINE, 1}, /* urgent data stays in line */
        {SOL_SOCKET, SO_RCVLOWAT, 1},
        {IPPROTO_IPV6, IPV6_V6ONLY, 0},
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (fixed[i].level == level && fixed[i].name == name)
            return value == fixed[i].value ? 0 : unknown(p, level, name);
    return 1;
}

static int set_number(struct kernel *p, struct kernel_file *f, int level, int name, int value)
{
    if ((level == IPPROTO_IP && name == IP_MTU_DISCOVER) ||
        (level == IPPROTO_IPV6 && name == IPV6_MTU_DISCOVER))
        return set_mtu_discover(p, f, value);
    const int r = set_fixed(p, level, name, value);
    return r <= 0 ? r : kernel_side_set(p, f, level, name, value);
}

int kernel_setsockopt(struct kernel *p, int fd, int level, int name, const void *value,
                      socklen_t len)
{
    struct kernel_file *f;
    int number;
    const int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (value == NULL)
        return -EFAULT;
    if (level == SOL_TCP && f->type != NST_STREAM)
        return -ENOPROTOOPT;
    const struct option *o = find(level, name);
    if (o != NULL) {
        if (len < sizeof(number))
            return -EINVAL;
        memcpy(&number, value, sizeof(number));
        return set_stack(p, f, o, number);
    }
    if (len >= sizeof(number)) {
        memcpy(&number, value, sizeof(number));
        const int done = set_number(p, f, level, name, number);
        if (done <= 0)
            return done;
    }
    if (level == SOL_SOCKET)
        return set_socket_level(p, f, name, value, len);
    if (level == SOL_TCP && name == TCP_CONGESTION)
        return set_congestion(value, len);
    return unknown(p, level, name);
}

/* ---- Getting ---- */

static int give(const void *from, size_t size, void *value, socklen_t *len)
{
    if (size > *len)
        size = *len;
    memcpy(value, from, size);
    *len = (socklen_t)size;
    return 0;
}

static int give_number(int64_t number, void *value, socklen_t *len)
{
    const int n = (int)number;
    return give(&n, sizeof(n), value, len);
}

static int get_stack(struct kernel *p, const struct kernel_file *f, const struct option *o,
                     void *value, socklen_t *len)
{
    int64_t number = 0;
    if (o->option == NST_OPT_TCP_KEEPALIVE && f->type != NST_STREAM)
        return give_number(0, value, len);
    const int r = nst_socket_get(p->world->stack, f->socket, o->option, &number);
    if (r < 0)
        return -nst_errno_from_error(r);
    if (o->unit == UNIT_MILLISECONDS)
        number /= NST_MSEC;
    if (o->unit == UNIT_SECONDS)
        number /= NST_SEC;
    return give_number(number, value, len);
}

static int get_linger(struct kernel *p, const struct kernel_file *f, void *value, socklen_t *len)
{
    int64_t time = -1;
    nst_socket_get(p->world->stack, f->socket, NST_OPT_LINGER, &time);
    const struct linger linger = {.l_onoff = time >= 0,
                                  .l_linger = time >= 0 ? (int)(time / NST_SEC) : 0};
    return give(&linger, sizeof(linger), value, len);
}

static int give_time(nst_time time, void *value, socklen_t *len)
{
    const struct timeval tv = {.tv_sec = time / NST_SEC, .tv_usec = time % NST_SEC / NST_USEC};
    return give(&tv, sizeof(tv), value, len);
}

static int64_t buffer_of(struct kernel *p, const struct kernel_file *f, bool send)
{
    int64_t bytes = 0;
    const int set = send ? f->sndbuf : f->rcvbuf;
    if (set > 0)
        return set;
    nst_socket_get(p->world->stack, f->socket, send ? NST_OPT_SEND_BUFFER : NST_OPT_RECEIVE_BUFFER,
                   &bytes);
    return bytes;
}

/* Linux's SO_MEMINFO: what is queued and may be, the rest is not counted here. */
static int get_meminfo(struct kernel *p, const struct kernel_file *f, void *value, socklen_t *len)
{
    uint32_t vars[MEMINFO_VARS] = {0};
    int64_t queued = 0;
    if (nst_socket_get(p->world->stack, f->socket, NST_OPT_RECEIVE_QUEUED, &queued) == 0)
        vars[0] = (uint32_t)queued;
    vars[1] = (uint32_t)buffer_of(p, f, false);
    queued = 0;
    if (nst_socket_get(p->world->stack, f->socket, NST_OPT_SEND_QUEUED, &queued) == 0)
        vars[2] = vars[5] = (uint32_t)queued;
    vars[3] = (uint32_t)buffer_of(p, f, true);
    return give(vars, sizeof(vars), value, len);
}

static int socket_error(struct kernel *p, struct kernel_file *f)
{
    const int error = -kernel_error_take(f);
    if (error != 0)
        return error;
    return kernel_error_number(p, f, nst_socket_error(p->world->stack, f->socket));
}

static int get_socket_level(struct kernel *p, struct kernel_file *f, int name, void *value,
                            socklen_t *len)
{
    switch (name) {
    case SO_ERROR:
        return give_number(socket_error(p, f), value, len);
    case SO_TYPE:
        return give_number(f->type == NST_STREAM ? SOCK_STREAM : SOCK_DGRAM, value, len);
    case SO_DOMAIN:
        return give_number(f->family, value, len);
    case SO_PROTOCOL:
        return give_number(f->type == NST_STREAM     ? IPPROTO_TCP
                           : f->type == NST_DATAGRAM ? IPPROTO_UDP
                                                     : IPPROTO_ICMP,
                           value, len);
    case SO_ACCEPTCONN:
        return give_number(f->listening, value, len);
    case SO_LINGER:
        return get_linger(p, f, value, len);
    case SO_RCVTIMEO:
        return give_time(f->rcvtimeo, value, len);
    case SO_SNDTIMEO:
        return give_time(f->sndtimeo, value, len);
    case SO_SNDBUF:
    case SO_RCVBUF:
        return give_number(buffer_of(p, f, name == SO_SNDBUF), value, len);
    case SO_MEMINFO:
        return get_meminfo(p, f, value, len);
    default:
        return unknown(p, SOL_SOCKET, name);
    }
}

static int get_tcp_level(struct kernel *p, const struct kernel_file *f, int name, void *value,
                         socklen_t *len)
{
    static const uint8_t no_details[20]; /* of a congestion control that has none */
    struct nst_tcp_info info;
    struct tcpinfo linux_info;
    switch (name) {
    case TCP_INFO:
        stage_run(p->world); /* it tells how long ago things were */
        if (nst_socket_tcp_info(p->world->stack, f->socket, &info) < 0)
            return -EINVAL;
        tcpinfo_fill(&info, &linux_info);
        return give(&linux_info, sizeof(linux_info), value, len);
    case TCP_CC_INFO:
        return give(no_details, sizeof(no_details), value, len);
    case TCP_CONGESTION:
        return give("reno\0\0\0\0\0\0\0\0\0\0\0", 16, value, len);
    default:
        return unknown(p, SOL_TCP, name);
    }
}

int kernel_getsockopt(struct kernel *p, int fd, int level, int name, void *value, socklen_t *len)
{
    struct kernel_file *f;
    struct nst_tcp_info info;
    int64_t side;
    const int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (value == NULL || len == NULL)
        return -EFAULT;
    const struct option *o = find(level, name);
    if (o != NULL)
        return get_stack(p, f, o, value, len);
    if (level == SOL_TCP && f->type != NST_STREAM)
        return -ENOPROTOOPT;
    if (kernel_side_get(f, level, name, &side) == 0)
        return give_number(side, value, len);
    if (level == SOL_SOCKET)
        return get_socket_level(p, f, name, value, len);
    if (level == SOL_TCP)
        return get_tcp_level(p, f, name, value, len);
    if ((level == IPPROTO_IP && name == IP_MTU_DISCOVER) ||
        (level == IPPROTO_IPV6 && name == IPV6_MTU_DISCOVER))
        return give_number(f->side.mtu_discover, value, len);
    if (level == IPPROTO_IP && name == IP_MTU &&
        nst_socket_tcp_info(p->world->stack, f->socket, &info) == 0)
        return info.pmtu > 0 ? give_number(info.pmtu, value, len) : -ENOTCONN;
    return unknown(p, level, name);
}
