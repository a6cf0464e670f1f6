/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a stack through libnst-script.so as a driver that was written for kernels does: raw
 * packets on one side, calls on the other, a second thread for what blocks.
 *
 *   script-driver LIBRARY    a line "ok NAME" or "not ok NAME: why" for each test
 */
#include <time.h> /* errqueue.h wants it before */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/port/interface.h"
#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/tcpopt.h"

#define LOCAL_PORT  8080
#define REMOTE_PORT 5555
#define WINDOW      30000

typedef int init_function(const char *flags, struct packetdrill_interface *ret_interface);

static struct packetdrill_interface in;
static init_function *init;
static const char *why; /* of the test that runs; NULL: good so far */
static char why_text[256];
static int failures;

static bool expect(bool good, const char *what)
{
    if (!good && why == NULL) {
        snprintf(why_text, sizeof(why_text), "%s (errno %d)", what, errno);
        why = why_text;
    }
    return good;
}

#define EXPECT(condition) expect((condition), #condition)

/* ---- Packets ---- */

/* What left, or is to come. */
struct segment {
    struct tcp_hdr tcp;
    struct tcp_opts opts;
    uint32_t len;
    long long at;
};

static const uint8_t local_ip[4] = {192, 168, 0, 1}, remote_ip[4] = {192, 0, 2, 1};

static void send_segment(uint16_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    uint8_t bytes[2048] = {0};
    const uint32_t whole = TCP_HDR_LEN + len;
    const struct ip4_hdr ip = {
        .src4 = addr_raw4_get(remote_ip),
        .dst4 = addr_raw4_get(local_ip),
        .total_len = (uint16_t)(IP4_HDR_LEN + whole),
        .hdr_len = IP4_HDR_LEN,
        .ttl = 64,
        .proto = IP_PROTO_TCP,
    };
    const struct tcp_hdr tcp = {
        .src_port = REMOTE_PORT,
        .dst_port = LOCAL_PORT,
        .seq = seq,
        .ack = ack,
        .flags = flags,
        .wnd = WINDOW,
        .hdr_len = TCP_HDR_LEN,
    };
    uint8_t *data = bytes + IP4_HDR_LEN;
    ip4_build(bytes, &ip);
    tcp_build(data, &tcp);
    tcp_csum_put(data, csum_portable.sum(data, whole,
                                         csum_pseudo_v4(ip.src4, ip.dst4, IP_PROTO_TCP, whole)));
    EXPECT(in.netdev_send(in.userdata, bytes, IP4_HDR_LEN + whole) == 0);
}

/* The next packet that leaves; false: there is none. */
static bool receive_segment(struct segment *ret)
{
    static uint8_t bytes[65536];
    struct ip4_hdr ip;
    size_t count = sizeof(bytes);
    memset(ret, 0, sizeof(*ret));
    if (!EXPECT(in.netdev_receive(in.userdata, bytes, &count, &ret->at) == 0) || count == 0)
        return false;
    const size_t n = ip4_parse(bytes, count, &ip);
    const size_t m = n > 0 ? tcp_parse(bytes + n, count - n, &ret->tcp) : 0;
    if (!EXPECT(n > 0 && m > 0 && ip.total_len == count))
        return false;
    tcp_opts_parse(bytes + n + TCP_HDR_LEN, m - TCP_HDR_LEN, &ret->opts);
    ret->len = (uint32_t)(count - n - m);
    return true;
}

static long long now(void)
{
    struct timeval tv;
    in.gettimeofday(in.userdata, &tv, NULL);
    return tv.tv_sec * 1000000LL + tv.tv_usec;
}

/* ---- A connection ---- */

static struct sockaddr_in address(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(LOCAL_PORT)};
    memcpy(&addr.sin_addr, local_ip, sizeof(local_ip));
    return addr;
}

static int listener(void)
{
    const struct sockaddr_in addr = address();
    const int fd = in.socket(in.userdata, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    EXPECT(fd >= 0);
    EXPECT(in.bind(in.userdata, fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
    EXPECT(in.listen(in.userdata, fd, 1) == 0);
    return fd;
}

/* The handshake; *ret_iss is the stack's first number. */
static int established(int fd, uint32_t *ret_iss)
{
    struct segment s;
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    send_segment(TCP_SYN, 0, 0, 0);
    if (!EXPECT(receive_segment(&s) && s.tcp.flags == (TCP_SYN | TCP_ACK) && s.tcp.ack == 1))
        return -1;
    send_segment(TCP_ACK, 1, s.tcp.seq + 1, 0);
    *ret_iss = s.tcp.seq;
    const int connection = in.accept(in.userdata, fd, (struct sockaddr *)&peer, &len);
    EXPECT(connection >= 0 && len == sizeof(peer));
    EXPECT(ntohs(peer.sin_port) == REMOTE_PORT);
    EXPECT(memcmp(&peer.sin_addr, remote_ip, sizeof(remote_ip)) == 0);
    return connection;
}

/* ---- Tests ---- */

static void test_data(void)
{
    struct segment s;
    uint32_t iss;
    char data[3000] = {0};
    const int fd = listener(), c = established(fd, &iss);
    EXPECT(in.write(in.userdata, c, data, sizeof(data)) == sizeof(data));
    EXPECT(receive_segment(&s) && s.len >= 536 && s.tcp.seq == iss + 1);
    send_segment(TCP_ACK | TCP_PSH, 1, iss + 1 + s.len, 100);
    EXPECT(in.recv(in.userdata, c, data, sizeof(data), 0) == 100);
    EXPECT(in.close(in.userdata, c) == 0);
    EXPECT(in.close(in.userdata, fd) == 0);
    EXPECT(in.close(in.userdata, fd) == -1 && errno == EBADF);
}

static void test_clock(void)
{
    const long long a = now(), b = now();
    EXPECT(b > a && b < a + 10);
    EXPECT(in.usleep(in.userdata, 250000) == 0);
    const long long c = now();
    EXPECT(c >= b + 250000 && c < b + 250010);
}

/* What nobody acknowledges comes again, at its time. */
static void test_retransmission(void)
{
    struct segment first, second;
    uint32_t iss;
    char data[100] = {0};
    const int fd = listener(), c = established(fd, &iss);
    EXPECT(in.write(in.userdata, c, data, sizeof(data)) == sizeof(data));
    EXPECT(receive_segment(&first) && first.len == 100);
    EXPECT(receive_segment(&second) && second.len == 100 && second.tcp.seq == first.tcp.seq);
    EXPECT(second.at - first.at >= 200000 && second.at - first.at < 1000000);
    EXPECT(now() >= second.at);
    in.close(in.userdata, c);
    in.close(in.userdata, fd);
}

static void test_receive_gives_up(void)
{
    struct segment s;
    const int fd = listener();
    EXPECT(!receive_segment(&s));
    in.close(in.userdata, fd);
}

static void test_options(void)
{
    uint32_t iss, info[64];
    socklen_t len = sizeof(info);
    int value = 1;
    struct sockaddr_in name;
    const int fd = listener(), c = established(fd, &iss);
    EXPECT(in.getsockopt(in.userdata, c, IPPROTO_TCP, TCP_INFO, info, &len) == 0 && len > 100);
    EXPECT((info[0] & 0xff) == TCP_ESTABLISHED);
    len = sizeof(info);
    EXPECT(in.getsockopt(in.userdata, c, IPPROTO_TCP, TCP_CC_INFO, info, &len) == 0);
    len = sizeof(info);
    EXPECT(in.getsockopt(in.userdata, c, SOL_SOCKET, SO_MEMINFO, info, &len) == 0);
    EXPECT(in.setsockopt(in.userdata, c, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) == 0);
    EXPECT(in.fcntl(in.userdata, c, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
    EXPECT(in.fcntl(in.userdata, c, F_GETFL) == (O_RDWR | O_NONBLOCK));
    EXPECT(in.read(in.userdata, c, &name, sizeof(name)) == -1 && errno == EAGAIN);
    EXPECT(in.shutdown(in.userdata, c, SHUT_WR) == 0);
    in.close(in.userdata, c);
    in.close(in.userdata, fd);
}

static void test_readiness(void)
{
    uint32_t iss;
    int fds[2];
    char data[64] = {0};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77}, got;
    const int fd = listener(), c = established(fd, &iss), e = in.epoll_create(in.userdata, 1);
    EXPECT(in.epoll_ctl(in.userdata, e, EPOLL_CTL_ADD, c, &event) == 0);
    EXPECT(in.epoll_wait(in.userdata, e, &got, 1, 0) == 0);
    send_segment(TCP_ACK | TCP_PSH, 1, iss + 1, 50);
    EXPECT(in.epoll_wait(in.userdata, e, &got, 1, 0) == 1 && got.data.u64 == 77);
    struct pollfd p = {.fd = c, .events = POLLIN};
    EXPECT(in.poll(in.userdata, &p, 1, 0) == 1 && p.revents == POLLIN);
    EXPECT(in.pipe(in.userdata, fds) == 0);
    EXPECT(in.splice(in.userdata, c, NULL, fds[1], NULL, 100, 0) == 50);
    EXPECT(in.read(in.userdata, fds[0], data, sizeof(data)) == 50);
    EXPECT(in.poll(in.userdata, &p, 1, 0) == 0);
    in.close(in.userdata, fds[0]);
    in.close(in.userdata, fds[1]);
    in.close(in.userdata, e);
    in.close(in.userdata, c);
    in.close(in.userdata, fd);
}

/* ---- Control data and the error queue ---- */

static void send_bytes(uint8_t proto, uint8_t ttl, const uint8_t *data, uint32_t len)
{
    uint8_t bytes[256];
    const struct ip4_hdr ip = {
        .src4 = addr_raw4_get(remote_ip),
        .dst4 = addr_raw4_get(local_ip),
        .total_len = (uint16_t)(IP4_HDR_LEN + len),
        .hdr_len = IP4_HDR_LEN,
        .ttl = ttl,
        .proto = proto,
    };
    ip4_build(bytes, &ip);
    memcpy(bytes + IP4_HDR_LEN, data, len);
    EXPECT(in.netdev_send(in.userdata, bytes, IP4_HDR_LEN + len) == 0);
}

/* One receive with room for control data; the first message, or NULL. */
static const struct cmsghdr *receive_control(int fd, struct msghdr *msg, int flags, ssize_t result)
{
    static _Alignas(struct cmsghdr) uint8_t control[512];
    static char data[100];
    static struct sockaddr_in peer;
    static struct iovec iov;
    iov = (struct iovec){data, sizeof(data)};
    *msg = (struct msghdr){.msg_name = &peer,
                           .msg_namelen = sizeof(peer),
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
    const ssize_t n = in.recvmsg(in.userdata, fd, msg, flags);
    return EXPECT(n == result) ? CMSG_FIRSTHDR(msg) : NULL;
}

/* Times are on the clock of gettimeofday. */
static void check_time(const struct cmsghdr *c, int type, long long about)
{
    struct timespec spec = {0};
    if (!EXPECT(c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == type))
        return;
    memcpy(&spec, CMSG_DATA(c), sizeof(spec));
    const long long us = spec.tv_sec * 1000000LL + spec.tv_nsec / 1000;
    EXPECT(us >= about - 10 && us <= about + 10);
}

static int datagram_socket(void)
{
    const int on = 1;
    const struct sockaddr_in addr = address();
    const int fd = in.socket(in.userdata, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    EXPECT(in.bind(in.userdata, fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
    EXPECT(in.setsockopt(in.userdata, fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) == 0);
    EXPECT(in.setsockopt(in.userdata, fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) == 0);
    EXPECT(in.setsockopt(in.userdata, fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0);
    return fd;
}

static void test_control(void)
{
    /* A datagram without a checksum. */
    const uint8_t udp[10] = {
        REMOTE_PORT >> 8, REMOTE_PORT & 255, LOCAL_PORT >> 8, LOCAL_PORT & 255, 0, 10};
    struct msghdr msg;
    int ttl = 0;
    const int fd = datagram_socket();
    const long long sent = now();
    send_bytes(IP_PROTO_UDP, 77, udp, sizeof(udp));
    in.usleep(in.userdata, 1000);
    const struct cmsghdr *c = receive_control(fd, &msg, 0, 2);
    check_time(c, SO_TIMESTAMPNS, sent);
    c = c != NULL ? CMSG_NXTHDR(&msg, (struct cmsghdr *)(uintptr_t)c) : NULL;
    if (EXPECT(c != NULL && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL))
        memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
    EXPECT(ttl == 77);
    in.close(in.userdata, fd);
}

/* Port unreachable, which quotes what was sent. */
static void test_error_queue(void)
{
    static uint8_t sent[256];
    uint8_t icmp[8 + 28] = {3, 3};
    size_t count = sizeof(sent);
    long long at;
    struct msghdr msg;
    struct sock_extended_err ee = {0};
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(REMOTE_PORT)};
    memcpy(&peer.sin_addr, remote_ip, sizeof(remote_ip));
    const int fd = datagram_socket();
    receive_control(fd, &msg, MSG_ERRQUEUE, -1);
    EXPECT(errno == EAGAIN);
    EXPECT(in.sendto(in.userdata, fd, "hi", 2, 0, (struct sockaddr *)&peer, sizeof(peer)) == 2);
    EXPECT(in.netdev_receive(in.userdata, sent, &count, &at) == 0 && count == 30);
    memcpy(icmp + 8, sent, 28);
    be16_put(icmp + 2, csum_fold(csum_portable.sum(icmp, sizeof(icmp), 0)));
    send_bytes(IP_PROTO_ICMP, 64, icmp, sizeof(icmp));
    receive_control(fd, &msg, 0, -1);
    EXPECT(errno == ECONNREFUSED);
    const struct cmsghdr *c = receive_control(fd, &msg, MSG_ERRQUEUE, 0);
    EXPECT((msg.msg_flags & MSG_ERRQUEUE) != 0);
    if (EXPECT(c != NULL && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR))
        memcpy(&ee, CMSG_DATA(c), sizeof(ee));
    EXPECT(ee.ee_errno == ECONNREFUSED && ee.ee_origin == SO_EE_ORIGIN_ICMP);
    EXPECT(ee.ee_type == 3 && ee.ee_code == 3);
    in.close(in.userdata, fd);
}

static void test_times_of_what_was_sent(void)
{
    const int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK |
                      SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                      SOF_TIMESTAMPING_OPT_TSONLY;
    struct segment s;
    struct msghdr msg;
    uint32_t iss;
    char data[100] = {0};
    const int fd = listener(), c = established(fd, &iss);
    EXPECT(in.setsockopt(in.userdata, c, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) == 0);
    EXPECT(in.write(in.userdata, c, data, sizeof(data)) == sizeof(data));
    EXPECT(receive_segment(&s));
    in.usleep(in.userdata, 50000);
    const long long acked = now();
    send_segment(TCP_ACK, 1, iss + 101, 0);
    check_time(receive_control(c, &msg, MSG_ERRQUEUE, 0), SCM_TIMESTAMPING, s.at);
    check_time(receive_control(c, &msg, MSG_ERRQUEUE, 0), SCM_TIMESTAMPING, acked);
    in.close(in.userdata, c);
    in.close(in.userdata, fd);
}

/* ---- A call that blocks, in a thread of its own ---- */

struct reader {
    int fd;
    atomic_int thread; /* its number; 0: it has not begun */
    ssize_t result;
    long long ended;
};

static void *read_blocking(void *argument)
{
    struct reader *r = argument;
    char data[100];
    r->thread = gettid();
    r->result = in.read(in.userdata, r->fd, data, sizeof(data));
    r->ended = now();
    return NULL;
}

/* Waits, in real time, until the reader sleeps: virtual time would be over before it has begun. */
static void wait_until_it_sleeps(struct reader *r)
{
    char name[64], state = 'R';
    const struct timespec pause = {.tv_nsec = 1000000};
    while (r->thread == 0 || state != 'S') {
        nanosleep(&pause, NULL);
        snprintf(name, sizeof(name), "/proc/self/task/%d/stat", r->thread);
        FILE *f = fopen(name, "r");
        if (f == NULL)
            continue;
        if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
            state = 'R';
        fclose(f);
    }
}

static void test_blocking_thread(void)
{
    uint32_t iss;
    pthread_t thread;
    const int fd = listener(), c = established(fd, &iss);
    struct reader r = {.fd = c};
    EXPECT(pthread_create(&thread, NULL, read_blocking, &r) == 0);
    wait_until_it_sleeps(&r);
    in.usleep(in.userdata, 300000);
    const long long sent = now();
    send_segment(TCP_ACK | TCP_PSH, 1, iss + 1, 60);
    in.usleep(in.userdata, 100000);
    pthread_join(thread, NULL);
    EXPECT(r.result == 60);
    EXPECT(r.ended >= sent && r.ended < sent + 2000);
    in.close(in.userdata, c);
    in.close(in.userdata, fd);
}

/* With nobody else there, time comes to the one who waits. */
static void test_blocking_alone(void)
{
    struct timeval half = {.tv_usec = 500000};
    uint32_t iss;
    char data[10];
    const int fd = listener(), c = established(fd, &iss);
    const long long from = now();
    EXPECT(in.setsockopt(in.userdata, c, SOL_SOCKET, SO_RCVTIMEO, &half, sizeof(half)) == 0);
    EXPECT(in.read(in.userdata, c, data, sizeof(data)) == -1 && errno == EAGAIN);
    const long long to = now();
    EXPECT(to >= from + 500000 && to < from + 510000);
    in.close(in.userdata, c);
    in.close(in.userdata, fd);
}

/* The C library's close and getsockopt, where the library is preloaded; others are untouched. */
static void test_preloaded(void)
{
    int value = 0, fds[2];
    socklen_t len = sizeof(value);
    const int fd = listener();
    EXPECT(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value == 1);
    EXPECT(close(fd) == 0);
    EXPECT(in.listen(in.userdata, fd, 1) == -1 && errno == EBADF);
    EXPECT(pipe(fds) == 0 && close(fds[0]) == 0 && close(fds[1]) == 0);
    EXPECT(close(fds[0]) == -1 && errno == EBADF);
}

/* Numbers are the system's, which has none twice. */
static void test_numbers_are_reserved(void)
{
    const int fd = listener(), other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT(fd >= 0 && other >= 0 && fd != other);
    EXPECT(fcntl(fd, F_GETFD) >= 0);
    close(other);
    EXPECT(in.close(in.userdata, fd) == 0);
    EXPECT(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
}

static void run(const char *name, void (*test)(void))
{
    why = NULL;
    if (EXPECT(init("local_ip=192.168.0.1 mtu=1500", &in) == 0)) {
        test();
        in.free(in.userdata);
    }
    if (why == NULL)
        printf("ok %s\n", name);
    else
        printf("not ok %s: %s\n", name, why);
    failures += why != NULL;
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == NULL) {
        printf("not ok load: %s\n", dlerror());
        return 1;
    }
    *(void **)&init = dlsym(library, "packetdrill_interface_init");
    if (init == NULL) {
        printf("not ok load: %s\n", dlerror());
        return 1;
    }
    run("data goes both ways", test_data);
    run("the clock moves when it is asked and told to", test_clock);
    run("what is not acknowledged comes again", test_retransmission);
    run("waiting for a packet that never comes ends", test_receive_gives_up);
    run("options are Linux's", test_options);
    run("poll, epoll, pipe and splice", test_readiness);
    run("control data of a receive", test_control);
    run("the error queue", test_error_queue);
    run("times of what was sent", test_times_of_what_was_sent);
    run("a call blocks in a second thread", test_blocking_thread);
    run("a call blocks with nobody else there", test_blocking_alone);
    run("numbers of descriptors are reserved", test_numbers_are_reserved);
    if (getenv("LD_PRELOAD") != NULL)
        run("close and getsockopt of libc", test_preloaded);
    struct packetdrill_interface none;
    printf("%s bad flags are refused\n", init("nonsense=1", &none) == -1 ? "ok" : "not ok");
    return failures > 0 ? 1 : 0;
}
