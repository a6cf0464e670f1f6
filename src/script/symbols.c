/* SPDX-License-Identifier: Apache-2.0 */
#include "script/symbols.h"

#include <time.h> /* errqueue.h wants it before */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Linux's numbers for what the C library's headers do not name, or not under every feature set. */
#define LINUX_SIOCINQ  0x541B
#define LINUX_SIOCOUTQ 0x5411

#define S(name)     \
    {               \
#name, name \
    }

struct symbol {
    const char *name;
    int64_t value;
};

static const struct symbol symbols[] = {
    {"NULL", 0},
    S(AF_INET),
    S(AF_INET6),
    S(AF_UNIX),
    S(AF_UNSPEC),
    S(PF_INET),
    S(PF_INET6),
    S(PF_UNSPEC),
    S(SOCK_STREAM),
    S(SOCK_DGRAM),
    S(SOCK_RAW),
    S(SOCK_NONBLOCK),
    S(SOCK_CLOEXEC),
    S(IPPROTO_IP),
    S(IPPROTO_TCP),
    S(IPPROTO_UDP),
    S(IPPROTO_ICMP),
    S(IPPROTO_IPV6),
    S(IPPROTO_ICMPV6),
    S(INADDR_ANY),
    S(INADDR_LOOPBACK),
    S(SHUT_RD),
    S(SHUT_WR),
    S(SHUT_RDWR),
    S(SOL_SOCKET),
    S(SOL_IP),
    S(SOL_IPV6),
    S(SOL_TCP),
    S(SOMAXCONN),
    {"SOL_UDP", 17},
    /* SOL_SOCKET */
    S(SO_ACCEPTCONN),
    S(SO_BROADCAST),
    S(SO_DEBUG),
    S(SO_DOMAIN),
    S(SO_DONTROUTE),
    S(SO_ERROR),
    S(SO_KEEPALIVE),
    S(SO_LINGER),
    S(SO_OOBINLINE),
    S(SO_PROTOCOL),
    S(SO_RCVBUF),
    S(SO_RCVLOWAT),
    S(SO_RCVTIMEO),
    S(SO_REUSEADDR),
    S(SO_REUSEPORT),
    S(SO_SNDBUF),
    S(SO_SNDLOWAT),
    S(SO_SNDTIMEO),
    S(SO_TIMESTAMP),
    S(SO_TIMESTAMPNS),
    S(SO_TIMESTAMPING),
    S(SO_TYPE),
    S(SO_PRIORITY),
    S(SO_MARK),
    S(SO_BUSY_POLL),
    S(SO_MAX_PACING_RATE),
    S(SO_ZEROCOPY),
    S(SO_INCOMING_CPU),
    S(SO_MEMINFO),
    S(SO_COOKIE),
    S(SO_SNDBUFFORCE),
    S(SO_RCVBUFFORCE),
    S(SO_NO_CHECK),
    S(SO_BINDTODEVICE),
    /* SOL_TCP */
    S(TCP_NODELAY),
    S(TCP_MAXSEG),
    S(TCP_CORK),
    S(TCP_KEEPIDLE),
    S(TCP_KEEPINTVL),
    S(TCP_KEEPCNT),
    S(TCP_SYNCNT),
    S(TCP_LINGER2),
    S(TCP_DEFER_ACCEPT),
    S(TCP_WINDOW_CLAMP),
    S(TCP_INFO),
    S(TCP_QUICKACK),
    S(TCP_CONGESTION),
    S(TCP_MD5SIG),
    S(TCP_USER_TIMEOUT),
    S(TCP_FASTOPEN),
    S(TCP_TIMESTAMP),
    S(TCP_NOTSENT_LOWAT),
    S(TCP_CC_INFO),
    S(TCP_FASTOPEN_CONNECT),
    S(TCP_REPAIR),
    S(TCP_SAVE_SYN),
    S(TCP_SAVED_SYN),
    S(TCP_ZEROCOPY_RECEIVE),
    S(TCP_INQ),
    S(TCP_CM_INQ),
    S(TCP_TX_DELAY),
    S(TCP_THIN_LINEAR_TIMEOUTS),
    S(TCP_THIN_DUPACK),
    S(TCP_ULP),
    S(TCP_FASTOPEN_KEY),
    S(TCP_FASTOPEN_NO_COOKIE),
    /* SOL_IP, SOL_IPV6 */
    S(IP_TOS),
    S(IP_TTL),
    S(IP_MTU),
    S(IP_MTU_DISCOVER),
    S(IP_RECVERR),
    S(IP_RECVTOS),
    S(IP_RECVTTL),
    S(IP_PKTINFO),
    S(IP_BIND_ADDRESS_NO_PORT),
    S(IPV6_TCLASS),
    S(IPV6_UNICAST_HOPS),
    S(IPV6_V6ONLY),
    S(IPV6_MTU),
    S(IPV6_RECVERR),
    S(IPV6_RECVTCLASS),
    S(IPV6_RECVHOPLIMIT),
    S(IPV6_RECVPKTINFO),
    S(IPV6_HOPLIMIT),
    S(IPV6_PKTINFO),
    S(IPV6_MTU_DISCOVER),
    S(IPV6_DONTFRAG),
    S(IPV6_FLOWINFO),
    S(IP_RECVORIGDSTADDR),
    S(IP_FREEBIND),
    S(IP_TRANSPARENT),
    S(IP_HDRINCL),
    S(IP_OPTIONS),
    S(IP_RECVOPTS),
    S(IP_MULTICAST_TTL),
    S(IP_MULTICAST_LOOP),
    /* Values behind the options: symbols_name takes the first of a number. */
    S(IP_PMTUDISC_DO),
    S(IP_PMTUDISC_DONT),
    S(IP_PMTUDISC_PROBE),
    S(IP_PMTUDISC_WANT),
    /* sends and receives */
    S(MSG_PEEK),
    S(MSG_OOB),
    S(MSG_DONTWAIT),
    S(MSG_WAITALL),
    S(MSG_MORE),
    S(MSG_NOSIGNAL),
    S(MSG_TRUNC),
    S(MSG_CTRUNC),
    S(MSG_ERRQUEUE),
    S(MSG_EOR),
    S(MSG_FASTOPEN),
    S(MSG_ZEROCOPY),
    S(MSG_CMSG_CLOEXEC),
    /* control data */
    S(SCM_TIMESTAMP),
    {"SCM_TIMESTAMPNS", SO_TIMESTAMPNS},
    S(SCM_TIMESTAMPING),
    S(SCM_TSTAMP_SND),
    S(SCM_TSTAMP_SCHED),
    S(SCM_TSTAMP_ACK),
    S(SO_EE_ORIGIN_NONE),
    S(SO_EE_ORIGIN_LOCAL),
    S(SO_EE_ORIGIN_ICMP),
    S(SO_EE_ORIGIN_ICMP6),
    S(SO_EE_ORIGIN_TXSTATUS),
    S(SO_EE_ORIGIN_TIMESTAMPING),
    S(SO_EE_ORIGIN_ZEROCOPY),
    S(SO_EE_ORIGIN_TXTIME),
    S(SO_EE_CODE_ZEROCOPY_COPIED),
    S(SOF_TIMESTAMPING_TX_HARDWARE),
    S(SOF_TIMESTAMPING_TX_SOFTWARE),
    S(SOF_TIMESTAMPING_RX_HARDWARE),
    S(SOF_TIMESTAMPING_RX_SOFTWARE),
    S(SOF_TIMESTAMPING_SOFTWARE),
    S(SOF_TIMESTAMPING_SYS_HARDWARE),
    S(SOF_TIMESTAMPING_RAW_HARDWARE),
    S(SOF_TIMESTAMPING_OPT_ID),
    S(SOF_TIMESTAMPING_TX_SCHED),
    S(SOF_TIMESTAMPING_TX_ACK),
    S(SOF_TIMESTAMPING_OPT_CMSG),
    S(SOF_TIMESTAMPING_OPT_TSONLY),
    S(SOF_TIMESTAMPING_OPT_STATS),
    S(SOF_TIMESTAMPING_OPT_PKTINFO),
    {"SOF_TIMESTAMPING_OPT_ID_TCP", 1 << 16},
    /* ee_type and ee_code */
    S(ICMP_DEST_UNREACH),
    S(ICMP_SOURCE_QUENCH),
    S(ICMP_REDIRECT),
    S(ICMP_TIME_EXCEEDED),
    S(ICMP_PARAMETERPROB),
    S(ICMP_NET_UNREACH),
    S(ICMP_HOST_UNREACH),
    S(ICMP_PROT_UNREACH),
    S(ICMP_PORT_UNREACH),
    S(ICMP_FRAG_NEEDED),
    S(ICMP_SR_FAILED),
    S(ICMP_NET_UNKNOWN),
    S(ICMP_HOST_UNKNOWN),
    S(ICMP_HOST_ISOLATED),
    S(ICMP_NET_ANO),
    S(ICMP_HOST_ANO),
    S(ICMP_NET_UNR_TOS),
    S(ICMP_HOST_UNR_TOS),
    S(ICMP_PKT_FILTERED),
    S(ICMP_PREC_VIOLATION),
    S(ICMP_PREC_CUTOFF),
    S(ICMP_EXC_TTL),
    S(ICMP_EXC_FRAGTIME),
    S(ICMPV6_DEST_UNREACH),
    S(ICMPV6_PKT_TOOBIG),
    S(ICMPV6_TIME_EXCEED),
    S(ICMPV6_PARAMPROB),
    S(ICMPV6_NOROUTE),
    S(ICMPV6_ADM_PROHIBITED),
    S(ICMPV6_NOT_NEIGHBOUR),
    S(ICMPV6_ADDR_UNREACH),
    S(ICMPV6_PORT_UNREACH),
    S(ICMPV6_EXC_HOPLIMIT),
    S(ICMPV6_EXC_FRAGTIME),
    S(ICMPV6_HDR_FIELD),
    S(ICMPV6_UNK_NEXTHDR),
    S(ICMPV6_UNK_OPTION),
    /* cap_set */
    S(CAP_NET_ADMIN),
    S(CAP_NET_RAW),
    S(CAP_NET_BIND_SERVICE),
    S(CAP_NET_BROADCAST),
    S(CAP_SYS_ADMIN),
    S(CAP_SYS_RESOURCE),
    {"CAP_EFFECTIVE", 0},
    {"CAP_PERMITTED", 1},
    {"CAP_INHERITABLE", 2},
    {"CAP_CLEAR", 0},
    {"CAP_SET", 1},
    /* files */
    S(O_RDONLY),
    S(O_WRONLY),
    S(O_RDWR),
    S(O_NONBLOCK),
    S(O_CLOEXEC),
    S(O_CREAT),
    S(O_TRUNC),
    S(F_GETFL),
    S(F_SETFL),
    S(F_GETFD),
    S(F_SETFD),
    S(FD_CLOEXEC),
    S(FIONREAD),
    S(FIONBIO),
    {"SIOCINQ", LINUX_SIOCINQ},
    {"SIOCOUTQ", LINUX_SIOCOUTQ},
    S(SPLICE_F_MOVE),
    S(SPLICE_F_NONBLOCK),
    S(SPLICE_F_MORE),
    /* readiness */
    S(POLLIN),
    S(POLLPRI),
    S(POLLOUT),
    S(POLLERR),
    S(POLLHUP),
    S(POLLNVAL),
    S(POLLRDNORM),
    S(POLLWRNORM),
    S(POLLRDBAND),
    S(POLLWRBAND),
    S(POLLRDHUP),
    S(EPOLLIN),
    S(EPOLLPRI),
    S(EPOLLOUT),
    S(EPOLLERR),
    S(EPOLLHUP),
    S(EPOLLRDNORM),
    S(EPOLLWRNORM),
    S(EPOLLRDHUP),
    S(EPOLLONESHOT),
    S(EPOLLET),
    S(EPOLL_CTL_ADD),
    S(EPOLL_CTL_MOD),
    S(EPOLL_CTL_DEL),
    S(EPOLL_CLOEXEC),
};

bool symbols_lookup(const char *name, int64_t *ret_value)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (strcmp(symbols[i].name, name) == 0) {
            *ret_value = symbols[i].value;
            return true;
        }
    }
    return false;
}

const char *symbols_name(const char *prefix, int64_t value)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
        if (symbols[i].value == value && strncmp(symbols[i].name, prefix, strlen(prefix)) == 0)
            return symbols[i].name;
    return NULL;
}

static const struct symbol errors[] = {
    S(EPERM),           S(ENOENT),
    S(EINTR),           S(EIO),
    S(EBADF),           S(EAGAIN),
    S(EWOULDBLOCK),     S(ENOMEM),
    S(EACCES),          S(EFAULT),
    S(EBUSY),           S(EEXIST),
    S(ENODEV),          S(EINVAL),
    S(ENFILE),          S(EMFILE),
    S(ENOTTY),          S(EFBIG),
    S(ENOSPC),          S(ESPIPE),
    S(EPIPE),           S(EDOM),
    S(ERANGE),          S(ENOSYS),
    S(EPROTO),          S(EBADMSG),
    S(EOVERFLOW),       S(EILSEQ),
    S(ENOTSOCK),        S(EDESTADDRREQ),
    S(EMSGSIZE),        S(EPROTOTYPE),
    S(ENOPROTOOPT),     S(EPROTONOSUPPORT),
    S(ESOCKTNOSUPPORT), S(EOPNOTSUPP),
    S(ENOTSUP),         S(EAFNOSUPPORT),
    S(EADDRINUSE),      S(EADDRNOTAVAIL),
    S(ENETDOWN),        S(ENETUNREACH),
    S(ENETRESET),       S(ECONNABORTED),
    S(ECONNRESET),      S(ENOBUFS),
    S(EISCONN),         S(ENOTCONN),
    S(ESHUTDOWN),       S(ETIMEDOUT),
    S(ECONNREFUSED),    S(EHOSTDOWN),
    S(EHOSTUNREACH),    S(EALREADY),
    S(EINPROGRESS),     S(ECANCELED),
    S(ENOMSG),          S(ENONET),
};

int symbols_errno(const char *name)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(errors[i].name, name) == 0)
            return (int)errors[i].value;
    return 0;
}

const char *symbols_errno_name(int error, char text[24])
{
    const int64_t number = error < 0 ? -(int64_t)error : error;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].value == number)
            return errors[i].name;
    snprintf(text, 24, "errno %d", (int)number);
    return text;
}

const char *symbols_poll_events(uint32_t events, char text[80])
{
    static const struct symbol names[] = {S(POLLIN),  S(POLLPRI),  S(POLLOUT),  S(POLLERR),
                                          S(POLLHUP), S(POLLNVAL), S(POLLRDHUP)};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((events & (uint32_t)names[i].value) == 0)
            continue;
        events &= ~(uint32_t)names[i].value;
        used +=
            (size_t)snprintf(text + used, 80 - used, "%s%s", used > 0 ? "|" : "", names[i].name);
    }
    if (events != 0 || used == 0)
        snprintf(text + used, 80 - used, "%s0x%x", used > 0 ? "|" : "", events);
    return text;
}
