/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: the host's own network, which carries the program's flows on. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"

static const struct sockaddr_in loopback4 = {.sin_family = AF_INET};

/* One echo request by an ICMP socket of the host, to its loopback. */
static int ping(int family, int protocol, uint8_t type)
{
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const void *to = family == AF_INET ? (const void *)&to4 : &to6;
    socklen_t to_len = family == AF_INET ? sizeof(to4) : sizeof(to6);
    const uint8_t request[8] = {type, 0, 0, 0, 0, 0, 0, 1};
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return -errno;
    int error = 0;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (connect(fd, to, to_len) < 0 || send(fd, request, sizeof(request), 0) < 0)
        error = -errno;
    else if (poll(&poll_fd, 1, 1000) != 1)
        error = -ETIMEDOUT;
    close(fd);
    return error;
}

static void explain_ping(int error, struct doctor_result *result)
{
    char range[64];
    doctor_refusal_read_line("/proc/sys/net/ipv4/ping_group_range", range, sizeof(range));
    range[strcspn(range, "\t")] = range[0] != '\0' ? ' ' : '\0';
    if (error == EACCES)
        doctor_fails(result, error, "as root: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
                     "sysctl net.ipv4.ping_group_range is \"%s\", which group %u is not in", range,
                     getegid());
    else if (error == ENETUNREACH || error == EADDRNOTAVAIL || error == ETIMEDOUT)
        doctor_fails(result, error, "as root: ip link set lo up",
                     "the host's loopback does not answer");
    else
        doctor_refusal_of_call("an ICMP socket", error, "allow ICMP sockets here", result);
}

static void check_ping(struct doctor_result *result)
{
    int error = ping(AF_INET, IPPROTO_ICMP, 8);
    if (error == 0)
        doctor_works(result, "the world can be pinged");
    else
        explain_ping(-error, result);
}

static void check_ping6(struct doctor_result *result)
{
    int error = ping(AF_INET6, IPPROTO_ICMPV6, 128);
    if (error == 0)
        doctor_works(result, NULL);
    else
        explain_ping(-error, result);
}

/* Whether a datagram to an address of the documentation would have a way; none is sent. */
static bool has_route6(void)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    inet_pton(AF_INET6, "2001:db8::1", &to.sin6_addr);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has_one = fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return has_one;
}

static void check_ipv6(struct doctor_result *result)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno == EAFNOSUPPORT)
        doctor_fails(result, EAFNOSUPPORT, "boot without ipv6.disable=1 (or: modprobe ipv6)",
                     "this kernel has no IPv6");
    else if (fd < 0)
        doctor_refusal_of_call("socket(AF_INET6)", errno, "allow AF_INET6 here", result);
    else if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        doctor_fails(result, errno,
                     "as root: sysctl -w net.ipv6.conf.all.disable_ipv6=0 "
                     "net.ipv6.conf.lo.disable_ipv6=0",
                     "there is no ::1: IPv6 is switched off, or lo is down");
    else
        doctor_works(result,
                     has_route6() ? "::1, and a route to the world" : "::1, no route to the world");
}

/* The host's connections on the program's behalf use it; nicstack's own towards the program do not.
 */
static void check_congestion(struct doctor_result *result)
{
    char name[16] = "", available[128];
    socklen_t len = sizeof(name) - 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0) {
        doctor_refusal_of_call("TCP_CONGESTION", errno, "allow setsockopt here", result);
        return;
    }
    if (doctor_refusal_read_line("/proc/sys/net/ipv4/tcp_available_congestion_control", available,
                                 sizeof(available)))
        doctor_works(result, "%s; there are %s", name, available);
    else
        doctor_works(result, "%s", name);
}

static void check_tcp(struct doctor_result *result)
{
    struct sockaddr_in address = loopback4;
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || fd < 0)
        doctor_refusal_of_call("socket(AF_INET)", errno, "allow AF_INET here", result);
    else if (bind(listener, (const struct sockaddr *)&address, len) < 0 ||
             listen(listener, 1) < 0 ||
             getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
             connect(fd, (const struct sockaddr *)&address, len) < 0)
        doctor_fails(result, errno, "as root: ip link set lo up",
                     "no connection by the host's loopback: 10.0.2.2 leads nowhere");
    else
        doctor_works(result, "127.0.0.1, which the program sees as 10.0.2.2");
}

static const struct doctor_check checks[] = {
    {"host_loopback", check_tcp, NULL, 0, false},
    {"congestion_control", check_congestion, "host_loopback", 0, false},
    {"ping_socket", check_ping, "host_loopback", 0, false},
    {"ipv6", check_ipv6, NULL, 0, false},
    {"ping6_socket", check_ping6, "ipv6", 0, false},
};

const struct doctor_group doctor_host = {"host", checks, sizeof(checks) / sizeof(checks[0])};
