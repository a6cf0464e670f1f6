/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getsockopt and setsockopt. What the guest's stack has is set there; what makes no difference on
 * it is remembered, so that it reads as it was written; what is not known is ENOPROTOOPT.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "notify/notify_socket.h"
#include "notify/notify_target.h"

#define REMEMBERED ((enum nst_option)0)

/* Options that are one int. */
static const struct option {
    int level, name;
    enum nst_option option; /* of the stack, or REMEMBERED */
    int32_t initial;
    nst_time unit; /* 0: a number, else a duration in these */
} options[] = {
    {SOL_SOCKET, SO_REUSEADDR, NST_OPT_REUSE_ADDRESS, 0, 0},
    {SOL_SOCKET, SO_REUSEPORT, NST_OPT_REUSE_PORT, 0, 0},
    {SOL_SOCKET, SO_BROADCAST, NST_OPT_BROADCAST, 0, 0},
    {SOL_SOCKET, SO_KEEPALIVE, NST_OPT_TCP_KEEPALIVE, 0, 0},
    {SOL_SOCKET, SO_SNDBUF, REMEMBERED, 212992, 0},
    {SOL_SOCKET, SO_RCVBUF, REMEMBERED, 212992, 0},
    {SOL_SOCKET, SO_OOBINLINE, REMEMBERED, 0, 0},
    {SOL_SOCKET, SO_PRIORITY, REMEMBERED, 0, 0},
    {SOL_SOCKET, SO_DONTROUTE, REMEMBERED, 0, 0},
    {SOL_SOCKET, SO_RCVLOWAT, REMEMBERED, 1, 0},
    {SOL_SOCKET, SO_NO_CHECK, REMEMBERED, 0, 0},
    {SOL_SOCKET, SO_INCOMING_CPU, REMEMBERED, -1, 0},
    {IPPROTO_TCP, TCP_NODELAY, NST_OPT_TCP_NODELAY, 0, 0},
    {IPPROTO_TCP, TCP_CORK, NST_OPT_TCP_CORK, 0, 0},
    {IPPROTO_TCP, TCP_QUICKACK, NST_OPT_TCP_QUICKACK, 1, 0},
    {IPPROTO_TCP, TCP_MAXSEG, NST_OPT_TCP_MAXSEG, 536, 0},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, NST_OPT_TCP_USER_TIMEOUT, 0, NST_MSEC},
    {IPPROTO_TCP, TCP_KEEPIDLE, REMEMBERED, 7200, 0},
    {IPPROTO_TCP, TCP_KEEPINTVL, REMEMBERED, 75, 0},
    {IPPROTO_TCP, TCP_KEEPCNT, REMEMBERED, 9, 0},
    {IPPROTO_TCP, TCP_SYNCNT, REMEMBERED, 6, 0},
    {IPPROTO_TCP, TCP_LINGER2, REMEMBERED, 60, 0},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, REMEMBERED, 0, 0},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, REMEMBERED, -1, 0},
    {IPPROTO_IP, IP_TTL, NST_OPT_TTL, 64, 0},
    {IPPROTO_IP, IP_TOS, NST_OPT_TOS, 0, 0},
    {IPPROTO_IP, IP_MTU_DISCOVER, REMEMBERED, 1, 0},
    {IPPROTO_IP, IP_RECVERR, REMEMBERED, 0, 0},
    {IPPROTO_IP, IP_RECVTTL, REMEMBERED, 0, 0},
    {IPPROTO_IP, IP_RECVTOS, REMEMBERED, 0, 0},
    {IPPROTO_IP, IP_PKTINFO, REMEMBERED, 0, 0},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, REMEMBERED, 0, 0},
    {IPPROTO_IPV6, IPV6_V6ONLY, REMEMBERED, 0, 0},
    {IPPROTO_IPV6, IPV6_RECVERR, REMEMBERED, 0, 0},
    {IPPROTO_IPV6, IPV6_RECVPKTINFO, REMEMBERED, 0, 0},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, REMEMBERED, 64, 0},
    {IPPROTO_IPV6, IPV6_TCLASS, REMEMBERED, 0, 0},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, REMEMBERED, 1, 0},
};

#define COUNT (sizeof(options) / sizeof(options[0]))
_Static_assert(COUNT <= NOTIFY_OPTIONS_MAX, "there is a place for each option");

static const struct option *find(const struct notify_socket *s, int level, int name)
{
    if ((level == IPPROTO_TCP && s->type != NST_STREAM) ||
        (level == IPPROTO_IPV6 && s->family != AF_INET6))
        return NULL;
    for (size_t i = 0; i < COUNT; i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    return NULL;
}

void notify_options_init(struct notify_socket *socket)
{
    socket->linger = -1;
    for (size_t i = 0; i < COUNT; i++)
        socket->options[i] = options[i].initial;
}

static int apply(struct notify_socket *s, const struct option *option)
{
    const int64_t value = s->options[option - options];
    if (option->option == REMEMBERED)
        return 0;
    return nst_socket_set(s->notify->stack, s->socket, option->option,
                          option->unit != 0 ? value * option->unit : value);
}

void notify_options_apply(struct notify_socket *socket)
{
    for (size_t i = 0; i < COUNT; i++)
        if (socket->options[i] != options[i].initial)
            apply(socket, &options[i]);
}

/* ---- Setting ---- */

/* Socket options that concern the program's end alone: the kernel does them there. */
static bool is_of_the_end(int level, int name)
{
    static const int names[] = {SO_RCVTIMEO_OLD, SO_SNDTIMEO_OLD, SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW};
    for (size_t i = 0; level == SOL_SOCKET && i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i] == name)
            return true;
    return false;
}

static int64_t set_linger(struct notify_call *call, uint64_t at, size_t len)
{
    struct linger linger;
    if (len < sizeof(linger))
        return -EINVAL;
    int r = notify_target_read(call->tid, at, &linger, sizeof(linger));
    if (r == 0)
        call->socket->linger =
            linger.l_onoff != 0 ? (linger.l_linger < 0 ? 0 : linger.l_linger) : -1;
    return r;
}

/* An int, or where there are fewer bytes one of them: as Linux takes IP_TTL and IP_TOS. */
static int read_int(struct notify_call *call, uint64_t at, size_t len, int32_t *ret_value)
{
    uint8_t byte;
    if (len >= sizeof(*ret_value))
        return notify_target_read(call->tid, at, ret_value, sizeof(*ret_value));
    if (len == 0)
        return -EINVAL;
    int r = notify_target_read(call->tid, at, &byte, 1);
    if (r == 0)
        *ret_value = byte;
    return r;
}

int64_t notify_options_set(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    const int level = (int)call->args[1], name = (int)call->args[2];
    const size_t len = (int)call->args[4] < 0 ? 0 : (size_t)(int)call->args[4];
    int32_t value;
    if (is_of_the_end(level, name))
        return NOTIFY_CONTINUE;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(call, call->args[3], len);
    const struct option *option = find(s, level, name);
    if (option == NULL)
        return -ENOPROTOOPT;
    int r = read_int(call, call->args[3], len, &value);
    if (r < 0)
        return r;
    if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF))
        value = value < 2304 ? 4608 : value > 106496 ? 212992 : 2 * value; /* socket(7) */
    const int32_t before = s->options[option - options];
    s->options[option - options] = value;
    r = apply(s, option);
    if (r == -NST_ENOPROTOOPT)
        r = 0; /* not of this type of socket, where Linux does not mind */
    if (r < 0)
        s->options[option - options] = before;
    return notify_result(r);
}

/* ---- Getting ---- */

static uint8_t state_of(uint8_t state)
{
    static const uint8_t states[] = {
        [NST_TCP_CLOSED] = TCP_CLOSE,
        [NST_TCP_LISTEN] = TCP_LISTEN,
        [NST_TCP_SYN_SENT] = TCP_SYN_SENT,
        [NST_TCP_SYN_RECEIVED] = TCP_SYN_RECV,
        [NST_TCP_ESTABLISHED] = TCP_ESTABLISHED,
        [NST_TCP_FIN_WAIT_1] = TCP_FIN_WAIT1,
        [NST_TCP_FIN_WAIT_2] = TCP_FIN_WAIT2,
        [NST_TCP_CLOSE_WAIT] = TCP_CLOSE_WAIT,
        [NST_TCP_CLOSING] = TCP_CLOSING,
        [NST_TCP_LAST_ACK] = TCP_LAST_ACK,
        [NST_TCP_TIME_WAIT] = TCP_TIME_WAIT,
    };
    return state < sizeof(states) ? states[state] : TCP_CLOSE;
}

static size_t get_tcp_info(struct notify_socket *s, struct tcp_info *ret_info)
{
    struct nst_tcp_info info = {0};
    nst_socket_tcp_info(s->notify->stack, s->socket, &info);
    *ret_info = (struct tcp_info){
        .tcpi_state = state_of(info.state),
        .tcpi_ca_state = info.ca_state,
        .tcpi_backoff = info.backoff,
        .tcpi_snd_wscale = info.snd_wscale,
        .tcpi_rcv_wscale = info.rcv_wscale,
        .tcpi_options =
            (uint8_t)((info.timestamps ? TCPI_OPT_TIMESTAMPS : 0) |
                      (info.sack ? TCPI_OPT_SACK : 0) | (info.wscale ? TCPI_OPT_WSCALE : 0)),
        .tcpi_rto = (uint32_t)(info.rto / NST_USEC),
        .tcpi_snd_mss = info.mss_snd,
        .tcpi_rcv_mss = info.mss_rcv,
        .tcpi_pmtu = info.pmtu,
        .tcpi_rtt = (uint32_t)(info.srtt / NST_USEC),
        .tcpi_rttvar = (uint32_t)(info.rttvar / NST_USEC),
        .tcpi_snd_ssthresh = info.mss_snd != 0 ? info.ssthresh / info.mss_snd : 0,
        .tcpi_snd_cwnd = info.mss_snd != 0 ? info.cwnd / info.mss_snd : 0,
        .tcpi_rcv_space = info.rcv_wnd,
        .tcpi_total_retrans = (uint32_t)info.retransmits,
    };
    return sizeof(*ret_info);
}

/* What is told of a socket besides its options, as an int. False: nothing of that name. */
static bool get_fact(struct notify_socket *s, int level, int name, int32_t *ret_value)
{
    static const int types[] = {
        [NST_STREAM] = SOCK_STREAM, [NST_DATAGRAM] = SOCK_DGRAM, [NST_PING] = SOCK_DGRAM};
    static const int protocols[] = {
        [NST_STREAM] = IPPROTO_TCP, [NST_DATAGRAM] = IPPROTO_UDP, [NST_PING] = IPPROTO_ICMP};
    if (level != SOL_SOCKET)
        return false;
    switch (name) {
    case SO_ERROR:
        *ret_value = notify_socket_take_error(s);
        return true;
    case SO_TYPE:
        *ret_value = types[s->type];
        return true;
    case SO_DOMAIN:
        *ret_value = s->family;
        return true;
    case SO_PROTOCOL:
        *ret_value =
            s->type == NST_PING && s->family == AF_INET6 ? IPPROTO_ICMPV6 : protocols[s->type];
        return true;
    case SO_ACCEPTCONN:
        *ret_value = s->state == NOTIFY_LISTENING;
        return true;
    default:
        return false;
    }
}

/* The value of an option: how many bytes, or a negative errno. */
static int get(struct notify_socket *s, int level, int name, uint8_t *ret_bytes)
{
    static const char congestion[16] = "reno";
    const struct linger linger = {.l_onoff = s->linger >= 0,
                                  .l_linger = s->linger > 0 ? s->linger : 0};
    const struct option *option = find(s, level, name);
    int32_t value;
    if (level == SOL_SOCKET && name == SO_LINGER) {
        memcpy(ret_bytes, &linger, sizeof(linger));
        return sizeof(linger);
    }
    if (level == IPPROTO_TCP && s->type == NST_STREAM && name == TCP_INFO)
        return (int)get_tcp_info(s, (struct tcp_info *)(void *)ret_bytes);
    if (level == IPPROTO_TCP && s->type == NST_STREAM && name == TCP_CONGESTION) {
        memcpy(ret_bytes, congestion, sizeof(congestion));
        return sizeof(congestion);
    }
    if (option != NULL)
        value = s->options[option - options];
    else if (!get_fact(s, level, name, &value))
        return -ENOPROTOOPT;
    memcpy(ret_bytes, &value, sizeof(value));
    return sizeof(value);
}

int64_t notify_options_get(struct notify_call *call)
{
    const int level = (int)call->args[1], name = (int)call->args[2];
    _Alignas(struct tcp_info) uint8_t bytes[sizeof(struct tcp_info)];
    int32_t room;
    if (is_of_the_end(level, name))
        return NOTIFY_CONTINUE;
    int r = notify_target_read(call->tid, call->args[4], &room, sizeof(room));
    if (r < 0)
        return r;
    if (room < 0)
        return -EINVAL;
    int len = get(call->socket, level, name, bytes);
    if (len < 0)
        return len;
    len = len < room ? len : room;
    if (!notify_call_is_alive(call))
        return NOTIFY_ANSWERED;
    r = notify_target_write(call->tid, call->args[3], bytes, (size_t)len);
    return r < 0 ? r : notify_target_write(call->tid, call->args[4], &len, sizeof(len));
}
