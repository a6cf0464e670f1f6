/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a link, played by nicstack: 10.77.0.2/24 and fd77::2/64 with UDP echo (port 7), a TCP
 * sink (port 9), which answers with the number of right bytes, and a TCP source (port 19), which
 * sends as many bytes as the line that it reads says. On SIGTERM it prints what went wrong on the
 * link.
 *
 *     link_peer NAME tun|tap plain|vnet|offload [CAPTURE.pcap]
 *     link_peer NAME ether|p2p plain|offload|slots|read [CAPTURE.pcap]
 *
 * The second form is a packet socket on the interface NAME; p2p: point to point with
 * 02:00:00:77:00:01; slots: offloads and ring slots for the longest frame; read: without a ring.
 *
 * Byte i of every stream is pattern(i mod 65521).
 */
#include <nicstack/host.h>
#include <nicstack/socket.h>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PERIOD      65521
#define CAPTURE_MAX 20000

enum role {
    ECHO,
    SINK_LISTENER,
    SOURCE_LISTENER,
    SINK,
    SOURCE,
};

struct conn {
    enum role role;
    nst_socket socket;
    uint64_t at, total;
    bool is_right, is_told;
};

static struct nst_stack *stack;
static struct nst_loop *loop;
static struct nst_link *device;
static bool is_afpacket;
static FILE *capture;
static uint32_t captured;
static uint8_t pattern[2 * PERIOD];

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "link_peer: %s: %s\n", what, nst_strerror(r));
    exit(1);
}

static struct conn *watch(enum role role, nst_socket s)
{
    struct conn *c = calloc(1, sizeof(*c));
    *c = (struct conn){.role = role, .socket = s, .is_right = true};
    check(nst_socket_watch(stack, s, NST_READY_IN | NST_READY_OUT, c), "watch");
    return c;
}

static void end(struct conn *c)
{
    nst_socket_close(stack, c->socket);
    free(c);
}

static void echo(struct conn *c)
{
    static uint8_t data[65536];
    struct nst_message m;
    int64_t n;
    while ((n = nst_socket_recvfrom(stack, c->socket, data, sizeof(data), 0, &m)) >= 0)
        nst_socket_sendto(stack, c->socket, data, (size_t)n, 0, &m.remote);
}

static void accept_all(struct conn *c)
{
    nst_socket s;
    while (nst_socket_accept(stack, c->socket, &s, NULL) == 0)
        watch(c->role == SINK_LISTENER ? SINK : SOURCE, s);
}

static void sink(struct conn *c)
{
    static uint8_t data[PERIOD];
    char text[32];
    int64_t n;
    while (!c->is_told && (n = nst_socket_recv(stack, c->socket, data, sizeof(data), 0)) > 0) {
        if (memcmp(data, pattern + c->at % PERIOD, (size_t)n) != 0)
            c->is_right = false;
        c->at += (uint64_t)n;
    }
    if (c->is_told || n == -NST_EAGAIN)
        return;
    int len = snprintf(text, sizeof(text), "%llu\n",
                       c->is_right && n == 0 ? (unsigned long long)c->at : 0ull);
    nst_socket_send(stack, c->socket, text, (size_t)len, 0);
    end(c);
}

static void source(struct conn *c)
{
    char text[32] = "";
    if (c->total == 0 && nst_socket_recv(stack, c->socket, text, sizeof(text) - 1, 0) > 0)
        c->total = strtoull(text, NULL, 10);
    while (c->at < c->total) {
        uint64_t n = c->total - c->at < PERIOD ? c->total - c->at : PERIOD;
        int64_t r = nst_socket_send(stack, c->socket, pattern + c->at % PERIOD, (size_t)n, 0);
        if (r == -NST_EAGAIN)
            return;
        if (r < 0)
            break;
        c->at += (uint64_t)r;
    }
    if (c->total > 0)
        end(c);
}

static void on_ready(void *context, const struct nst_ready *ready)
{
    struct conn *c = ready->context;
    switch (c->role) {
    case ECHO:
        echo(c);
        break;
    case SINK:
        sink(c);
        break;
    case SOURCE:
        source(c);
        break;
    default:
        accept_all(c);
        break;
    }
}

static void serve(enum role role, enum nst_socket_type type, uint16_t port)
{
    nst_socket s;
    const struct nst_endpoint local = {.port = port};
    check(nst_socket_open(stack, type, &s), "open");
    check(nst_socket_bind(stack, s, &local), "bind");
    if (type == NST_STREAM)
        check(nst_socket_listen(stack, s, 64), "listen");
    watch(role, s);
}

static void see(void *context, const struct nst_pkt *p, bool outgoing)
{
    static uint8_t data[70000];
    if (captured++ >= CAPTURE_MAX)
        return;
    const nst_time now = nst_loop_now(loop);
    const uint32_t record[] = {(uint32_t)(now / NST_SEC), (uint32_t)(now % NST_SEC / 1000), p->len,
                               p->len};
    fwrite(record, sizeof(record), 1, capture);
    fwrite(data, nst_pkt_copy_out(p, 0, data, sizeof(data)), 1, capture);
}

static struct nst_link *capture_to(const char *path, struct nst_link *link, bool ethernet)
{
    const uint32_t header[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 70000, ethernet ? 1 : 101};
    capture = fopen(path, "wb");
    check(capture != NULL ? 0 : -NST_EIO, path);
    fwrite(header, sizeof(header), 1, capture);
    return nst_sniffer_new(nst_host_allocator(), link, see, NULL);
}

static int open_tuntap(const char *name, bool ethernet, const char *how)
{
    struct ifreq ifr = {.ifr_flags = (short)((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI)};
    const int header = 12;
    if (strcmp(how, "offload") == 0)
        return nst_tuntap_open(name, ethernet);
    if (strcmp(how, "vnet") == 0)
        ifr.ifr_flags |= IFF_VNET_HDR;
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 ||
        (strcmp(how, "vnet") == 0 && ioctl(fd, TUNSETVNETHDRSZ, &header) < 0))
        return -NST_EIO;
    return fd;
}

static void on_signal(int number)
{
    nst_loop_stop(loop); /* NOLINT(bugprone-signal-handler): safe there, host.h says */
}

static void make_tuntap(char **argv)
{
    const bool ethernet = strcmp(argv[2], "tap") == 0;
    const struct nst_tuntap_config config = {.size = sizeof(config),
                                             .fd = open_tuntap(argv[1], ethernet, argv[3]),
                                             .ethernet = ethernet,
                                             .vnet_hdr = strcmp(argv[3], "plain") == 0 ? 0 : 12,
                                             .segmentation = strcmp(argv[3], "offload") == 0,
                                             .mtu = 1500,
                                             .addr = {{2, 0, 0, 0x77, 0, 2}}};
    check(config.fd, "device");
    check(nst_tuntap_new(nst_host_allocator(), &config, &device), "link");
    check(nst_loop_add_link(loop, device, config.fd, nst_tuntap_receive), "watch");
}

static void make_afpacket(char **argv)
{
    const int small = 100000;
    const bool vnet = strcmp(argv[3], "plain") != 0;
    struct nst_afpacket_config config = {.size = sizeof(config),
                                         .fd = nst_afpacket_open(argv[1], vnet),
                                         .vnet_hdr = vnet,
                                         .no_ring = strcmp(argv[3], "read") == 0,
                                         .mtu = 1500,
                                         .addr = {{2, 0, 0, 0x77, 0, 2}}};
    check(config.fd, "device");
    if (strcmp(argv[2], "p2p") == 0)
        config.peer = (struct nst_mac){{2, 0, 0, 0x77, 0, 1}};
    if (strcmp(argv[3], "slots") == 0)
        setsockopt(config.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    check(nst_afpacket_new(nst_host_allocator(), &config, &device), "link");
    check(nst_loop_add_link(loop, device, config.fd, nst_afpacket_receive), "watch");
    is_afpacket = true;
}

static struct nst_tuntap_stats device_stats(uint64_t *ret_missed)
{
    struct nst_afpacket_stats a;
    struct nst_tuntap_stats t;
    *ret_missed = 0;
    if (is_afpacket) {
        nst_afpacket_get_stats(device, &a);
        *ret_missed = a.rx_missed;
        return (struct nst_tuntap_stats){a.rx_no_memory, a.rx_malformed, a.tx_refused};
    }
    nst_tuntap_get_stats(device, &t);
    return t;
}

static void report(void)
{
    struct nst_census c;
    struct nst_counter counter;
    uint64_t missed;
    const struct nst_tuntap_stats t = device_stats(&missed);
    nst_stack_get_census(stack, &c);
    const bool balanced = c.received + c.built + c.cloned + c.split ==
                          c.transmitted + c.queued + c.delivered + c.merged + c.dropped;
    printf("census %s rx_no_memory %llu rx_malformed %llu tx_refused %llu\n",
           balanced ? "balanced" : "wrong", (unsigned long long)t.rx_no_memory,
           (unsigned long long)t.rx_malformed, (unsigned long long)t.tx_refused);
    printf("missed %llu\n", (unsigned long long)missed);
    for (size_t n = 0; nst_stack_counter_at(stack, n, &counter); n++)
        if (counter.value != 0)
            printf("%s %llu\n", counter.name, (unsigned long long)counter.value);
    for (size_t n = 0; nst_nic_counter_at(stack, 1, n, &counter); n++)
        if (counter.value != 0)
            printf("%s %llu\n", counter.name, (unsigned long long)counter.value);
}

static void make_nic(struct nst_link *link)
{
    uint32_t id;
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .now = nst_host_now()};
    check(nst_host_seed(config.seed), "seed");
    check(nst_stack_new(&config, &stack), "stack");
    const struct nst_nic_config nic = {
        .size = sizeof(nic), .link = link, .link_local = NST_LINK_LOCAL_OPAQUE};
    check(nst_nic_add(stack, &nic, &id), "NIC");
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 77, 0, 2), .prefix_len = 24};
    check(nst_nic_addr_add(stack, id, &addr), "address");
    const struct nst_nic_addr addr6 = {.addr = {{{0xfd, 0x77, [15] = 2}}}, .prefix_len = 64};
    check(nst_nic_addr_add(stack, id, &addr6), "IPv6 address");
}

/* The stack speaks unasked: what it says before the kernel's end is up would be refused. */
static void wait_running(const char *name)
{
    struct ifreq ifr = {0};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    for (int i = 0; i < 1000; i++) {
        if (ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) != 0 &&
            (ifr.ifr_flags & IFF_RUNNING) != 0)
            break;
        usleep(10000);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    struct nst_link *link;
    for (uint32_t i = 0; i < 2 * PERIOD; i++)
        pattern[i] = (uint8_t)((i % PERIOD) * 2654435761u >> 24);
    check(nst_loop_new(&loop), "loop");
    if (strcmp(argv[2], "tun") == 0 || strcmp(argv[2], "tap") == 0)
        make_tuntap(argv);
    else
        make_afpacket(argv);
    link = argc > 4 ? capture_to(argv[4], device, strcmp(argv[2], "tun") != 0) : device;
    puts("up");
    fflush(stdout);
    wait_running(argv[1]);
    make_nic(link);
    check(nst_loop_add_stack(loop, stack, on_ready, NULL), "stack");
    serve(ECHO, NST_DATAGRAM, 7);
    serve(SINK_LISTENER, NST_STREAM, 9);
    serve(SOURCE_LISTENER, NST_STREAM, 19);
    signal(SIGTERM, on_signal);
    check(nst_loop_run(loop), "loop");
    report();
    if (capture != NULL)
        fclose(capture);
    nst_loop_free(loop);
    nst_stack_free(stack);
    if (link != device)
        nst_sniffer_free(link);
    if (is_afpacket)
        nst_afpacket_free(device);
    else
        nst_tuntap_free(device);
    return 0;
}
