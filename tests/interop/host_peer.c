/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host on a TAP device that listens to routers and joins groups: 10.77.0.2/24, a link-local
 * address, and whatever routers advertise. What it shows and does is asked for by lines on stdin:
 *
 *     host_peer NAME [temporary]
 *
 *     show    addresses, routes and groups, then a line "."
 *     join G, leave G    a group, by a socket that is bound to port 5000
 *     count   how many datagrams came to port 5000, and "."
 *     down, up           the NIC
 *     quit    (or the end of the input) ends; prints whether the packet census balances
 */
#include <nicstack/host.h>
#include <nicstack/socket.h>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct nst_stack *stack;
static struct nst_link *device;
static nst_socket groups;
static uint32_t nic;

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "host_peer: %s: %s\n", what, nst_strerror(r));
    exit(1);
}

static int open_tap(const char *name)
{
    struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI)};
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    check(fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) == 0 ? 0 : -NST_EIO, name);
    return fd;
}

static void make(int fd, bool temporary)
{
    const struct nst_tuntap_config tap = {.size = sizeof(tap),
                                          .fd = fd,
                                          .ethernet = true,
                                          .mtu = 1500,
                                          .addr = {{2, 0, 0, 0x77, 0, 2}}};
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .now = nst_host_now()};
    check(nst_tuntap_new(nst_host_allocator(), &tap, &device), "link");
    check(nst_host_seed(config.seed), "seed");
    check(nst_stack_new(&config, &stack), "stack");
    const struct nst_nic_config n = {.size = sizeof(n),
                                     .link = device,
                                     .link_local = NST_LINK_LOCAL_OPAQUE,
                                     .accept_ra = true,
                                     .temporary_addresses = temporary};
    check(nst_nic_add(stack, &n, &nic), "NIC");
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 77, 0, 2), .prefix_len = 24};
    check(nst_nic_addr_add(stack, nic, &addr), "address");
    const struct nst_endpoint local = {.port = 5000};
    check(nst_socket_open(stack, NST_DATAGRAM, &groups), "socket");
    check(nst_socket_bind(stack, groups, &local), "bind");
}

static const char *text_of(const struct nst_addr *addr)
{
    static char text[NST_ADDR_TEXT];
    nst_addr_format(addr, text, sizeof(text));
    return text;
}

static void show(void)
{
    static const char *const states[] = {"assigned", "tentative", "duplicate"};
    static const char *const kinds[] = {"static", "slaac", "temporary"};
    struct nst_nic_addr addrs[64];
    struct nst_route routes[64];
    struct nst_addr joined[64];
    for (int i = 0, n = nst_nic_addr_list(stack, nic, addrs, 64); i < n; i++)
        printf("addr %s/%u %s %s%s\n", text_of(&addrs[i].addr), addrs[i].prefix_len,
               kinds[addrs[i].kind], states[addrs[i].state],
               addrs[i].deprecated ? " deprecated" : "");
    for (size_t i = 0, n = nst_route_list(stack, routes, 64); i < n; i++) {
        printf("route %s/%u", text_of(&routes[i].prefix), routes[i].prefix_len);
        printf(" via %s\n", text_of(&routes[i].gateway));
    }
    for (int i = 0, n = nst_nic_group_list(stack, nic, joined, 64); i < n; i++)
        printf("group %s\n", text_of(&joined[i]));
    puts(".");
}

static void count(void)
{
    static uint8_t data[65536];
    unsigned n = 0;
    while (nst_socket_recv(stack, groups, data, sizeof(data), 0) >= 0)
        n++;
    printf("%u\n.\n", n);
}

/* False: the end. */
static bool obey(char *line)
{
    struct nst_addr group = {0};
    char *space = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    if (space != NULL)
        check(nst_addr_parse(space + 1, &group), line);
    if (strcmp(line, "show") == 0)
        show();
    else if (strcmp(line, "count") == 0)
        count();
    else if (strncmp(line, "join ", 5) == 0)
        check(nst_socket_join_group(stack, groups, &group, 0), line);
    else if (strncmp(line, "leave ", 6) == 0)
        check(nst_socket_leave_group(stack, groups, &group, 0), line);
    else if (strcmp(line, "down") == 0)
        check(nst_nic_disable(stack, nic), line);
    else if (strcmp(line, "up") == 0)
        check(nst_nic_enable(stack, nic), line);
    else
        return false;
    fflush(stdout);
    return true;
}

static int timeout_ms(void)
{
    const nst_time wait = nst_stack_next_deadline(stack) - nst_host_now();
    return wait <= 0 ? 0 : wait > NST_SEC ? 1000 : (int)(wait / NST_MSEC) + 1;
}

/* One line a turn: who asks writes the next one when it has read the answer. */
static bool turn(int fd)
{
    char line[200];
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    nst_stack_run(stack, nst_host_now(), 0);
    poll(fds, 2, timeout_ms());
    while (nst_tuntap_receive(device, 64) > 0)
        nst_stack_run(stack, nst_host_now(), 0);
    if ((fds[1].revents & (POLLIN | POLLHUP)) == 0)
        return true;
    return fgets(line, sizeof(line), stdin) != NULL && obey(line);
}

int main(int argc, char **argv)
{
    struct nst_census c;
    if (argc < 2)
        return 2;
    setvbuf(stdin, NULL, _IONBF, 0);
    const int fd = open_tap(argv[1]);
    puts("open");
    fflush(stdout);
    char line[10]; /* until the other end is up, nothing is said */
    if (fgets(line, sizeof(line), stdin) == NULL)
        return 1;
    make(fd, argc > 2);
    while (turn(fd))
        continue;
    nst_nic_disable(stack, nic);
    nst_stack_get_census(stack, &c);
    printf("census %s\n", c.received + c.built + c.cloned + c.split ==
                                  c.transmitted + c.queued + c.delivered + c.merged + c.dropped
                              ? "balanced"
                              : "wrong");
    nst_stack_free(stack);
    nst_tuntap_free(device);
    return 0;
}
