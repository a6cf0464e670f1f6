/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A neighbour of the kernel's on the TAP interface NAME, played by nicstack and told what to do by
 * lines on stdin. Each line is answered by one line.
 *
 *     neigh_peer NAME
 *
 *     addr ADDRESS PREFIX [probe|silent]   adds an address       drop ADDRESS   removes it
 *     state ADDRESS        assigned, tentative, duplicate or none
 *     send ADDRESS         a datagram to port 9
 *     neigh ADDRESS        its state and link address, or none
 *     static ADDRESS MAC   remove ADDRESS   flush
 *     times REACHABLE FIRST RETRANSMIT     milliseconds, of both families
 *     mac MAC              another link address of our own
 *     scan ADDRESS COUNT   a datagram each to so many addresses from that one on
 *     use ADDRESS          a socket is connected to it, and stays so
 *     count                neighbours
 *     memory               bytes that the stack uses
 *     counter NAME
 *     events ADDRESS       what happened to it since the last time, as words
 */
#include <nicstack/event.h>
#include <nicstack/host.h>
#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 4096
#define PORT   9

static struct nst_stack *stack;
static struct nst_link *device;
static int fd;
static uint32_t nic;
static nst_socket sender;
static struct nst_event events[EVENTS]; /* those that were not asked for yet */
static unsigned event_count;

static nst_time now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NST_SEC + t.tv_nsec;
}

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "neigh_peer: %s: %s\n", what, nst_strerror(r));
    exit(1);
}

static void start(const char *name)
{
    fd = nst_tuntap_open(name, true);
    check(fd, name);
    const struct nst_tuntap_config tc = {.size = sizeof(tc),
                                         .fd = fd,
                                         .ethernet = true,
                                         .vnet_hdr = 12,
                                         .segmentation = true,
                                         .mtu = 1500,
                                         .addr = {{2, 0, 0, 0x77, 0, 2}}};
    check(nst_tuntap_new(nst_host_allocator(), &tc, &device), "device");
    struct nst_stack_config sc = {
        .size = sizeof(sc), .allocator = *nst_host_allocator(), .now = now(), .handle_local = true};
    check(nst_host_seed(sc.seed), "seed");
    check(nst_stack_new(&sc, &stack), "stack");
    check(nst_event_start(stack, NST_EVENTS_ALL, EVENTS), "events");
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = device};
    check(nst_nic_add(stack, &nc, &nic), "NIC");
    check(nst_socket_open(stack, NST_DATAGRAM, &sender), "socket");
}

static void keep_events(void)
{
    struct nst_event e;
    while (nst_event_next(stack, &e)) {
        /* Not of a flood: the real hosts are 10.77.0.n and fd77::n. */
        const bool real = e.addr.b[14] == 0 && (nst_addr_is_v4(&e.addr) || e.addr.b[13] == 0);
        if (real && event_count < EVENTS)
            events[event_count++] = e;
    }
}

static void run(void)
{
    nst_stack_run(stack, now(), 0);
    keep_events();
}

/* ---- Commands ---- */

static struct nst_addr address(const char *text)
{
    struct nst_addr a = {{{0}}};
    check(nst_addr_parse(text != NULL ? text : "", &a), "address");
    return a;
}

static uint32_t number(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static struct nst_mac mac_of(const char *text)
{
    struct nst_mac mac = {{0}};
    for (unsigned i = 0; i < 6; i++) {
        char *end;
        mac.b[i] = (uint8_t)strtoul(text, &end, 16);
        text = *end == ':' ? end + 1 : end;
    }
    return mac;
}

static void say_mac(const struct nst_mac *m)
{
    printf("%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2], m->b[3], m->b[4], m->b[5]);
}

static void say_result(int r)
{
    puts(r < 0 ? nst_error_name(r) : "ok");
}

static void add_address(const char *a, const char *prefix, const char *how)
{
    const struct nst_nic_addr addr = {.addr = address(a),
                                      .prefix_len = (uint8_t)number(prefix),
                                      .probe = how != NULL && strcmp(how, "probe") == 0,
                                      .no_dad = how != NULL && strcmp(how, "silent") == 0};
    say_result(nst_nic_addr_add(stack, nic, &addr));
}

static void say_address(struct nst_addr a)
{
    static const char *const words[] = {"assigned", "tentative", "duplicate"};
    struct nst_nic_addr list[16];
    const int n = nst_nic_addr_list(stack, nic, list, 16);
    for (int i = 0; i < n && i < 16; i++) {
        if (nst_addr_equal(&list[i].addr, &a)) {
            puts(words[list[i].state]);
            return;
        }
    }
    puts("none");
}

static void say_neighbour(struct nst_addr a)
{
    struct nst_neigh n;
    if (nst_neigh_get(stack, nic, &a, &n) < 0) {
        puts("none");
        return;
    }
    printf("%s ", nst_neigh_state_name(n.state));
    say_mac(&n.mac);
    puts("");
}

static int send_to(struct nst_addr a)
{
    const struct nst_endpoint to = {.addr = a, .port = PORT};
    const int64_t r = nst_socket_sendto(stack, sender, "x", 1, 0, &to);
    return r < 0 ? (int)r : 0;
}

static int receive(void)
{
    return nst_tuntap_receive(device, 64);
}

static void scan(struct nst_addr a, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        send_to(a);
        for (unsigned k = 16; k-- > 0 && ++a.b[k] == 0;)
            continue;
        if (i % 16 == 0) {
            receive();
            run();
        }
    }
    puts("ok");
}

static void use(struct nst_addr a)
{
    nst_socket s;
    const struct nst_endpoint to = {.addr = a, .port = PORT};
    int r = nst_socket_open(stack, NST_DATAGRAM, &s);
    if (r == 0)
        r = nst_socket_connect(stack, s, &to);
    say_result(r);
}

static void set_times(const char *reachable, const char *first, const char *retransmit)
{
    const struct nst_neigh_config c = {.size = sizeof(c),
                                       .base_reachable = number(reachable) * NST_MSEC,
                                       .min_random_ppt = 1000,
                                       .max_random_ppt = 1000,
                                       .retransmit = number(retransmit) * NST_MSEC,
                                       .first_probe = number(first) * NST_MSEC};
    const int r = nst_neigh_set_config(stack, nic, NST_ETHERTYPE_IPV4, &c);
    say_result(r < 0 ? r : nst_neigh_set_config(stack, nic, NST_ETHERTYPE_IPV6, &c));
}

/* The events of one address or neighbour; all are forgotten then. */
static void say_events(struct nst_addr a)
{
    for (unsigned i = 0; i < event_count; i++) {
        const struct nst_event *e = &events[i];
        if (!nst_addr_equal(&e->addr, &a))
            continue;
        const bool is_neigh =
            e->kind >= NST_EVENT_NEIGH_ADDED && e->kind <= NST_EVENT_NEIGH_REMOVED;
        printf("%s ", e->kind == NST_EVENT_NEIGH_REMOVED ? "removed"
                      : is_neigh                         ? nst_neigh_state_name(e->value)
                                                         : nst_event_name(e->kind));
        if (e->kind == NST_EVENT_ADDR_DUPLICATE) {
            say_mac(&e->mac);
            putchar(' ');
        }
    }
    event_count = 0;
    puts(".");
}

static void say_memory(void)
{
    struct nst_memory m;
    nst_stack_get_memory(stack, &m);
    printf("%llu\n", (unsigned long long)m.used);
}

static void say_counter(const char *name)
{
    uint64_t value = 0;
    if (nst_stack_counter_get(stack, name, &value) < 0)
        nst_nic_counter_get(stack, nic, name, &value);
    printf("%llu\n", (unsigned long long)value);
}

/* Commands that change something. False: it is none of them. */
static bool change(char *word[4])
{
    const char *c = word[0];
    struct nst_addr a;
    if (strcmp(c, "addr") == 0)
        add_address(word[1], word[2], word[3]);
    else if (strcmp(c, "drop") == 0)
        a = address(word[1]), say_result(nst_nic_addr_remove(stack, nic, &a));
    else if (strcmp(c, "static") == 0)
        a = address(word[1]), say_result(nst_neigh_add(stack, nic, &a, mac_of(word[2])));
    else if (strcmp(c, "remove") == 0)
        a = address(word[1]), say_result(nst_neigh_remove(stack, nic, &a));
    else if (strcmp(c, "flush") == 0)
        say_result(nst_neigh_flush(stack, nic, 0, false));
    else if (strcmp(c, "times") == 0)
        set_times(word[1], word[2], word[3]);
    else if (strcmp(c, "mac") == 0)
        say_result(nst_nic_set_link_addr(stack, nic, mac_of(word[1])));
    else
        return false;
    return true;
}

static void obey(char *line)
{
    char *word[4] = {NULL};
    char *rest = line;
    for (unsigned i = 0; i < 4; i++)
        word[i] = strsep(&rest, " \n");
    if (word[3] != NULL && *word[3] == 0)
        word[3] = NULL;
    const char *c = word[0];
    if (change(word))
        return;
    if (strcmp(c, "send") == 0)
        say_result(send_to(address(word[1])));
    else if (strcmp(c, "scan") == 0)
        scan(address(word[1]), number(word[2]));
    else if (strcmp(c, "use") == 0)
        use(address(word[1]));
    else if (strcmp(c, "state") == 0)
        say_address(address(word[1]));
    else if (strcmp(c, "neigh") == 0)
        say_neighbour(address(word[1]));
    else if (strcmp(c, "count") == 0)
        printf("%d\n", nst_neigh_list(stack, nic, NULL, 0));
    else if (strcmp(c, "memory") == 0)
        say_memory();
    else if (strcmp(c, "counter") == 0)
        say_counter(word[1]);
    else if (strcmp(c, "events") == 0)
        say_events(address(word[1]));
    else
        puts("what?");
}

/* Milliseconds until there is something to do. */
static int patience(void)
{
    const nst_time when = nst_stack_next_deadline(stack), t = now();
    if (when <= t)
        return 0;
    return when - t > NST_SEC ? 1000 : (int)((when - t) / NST_MSEC) + 1;
}

int main(int argc, char **argv)
{
    char line[256];
    if (argc != 2)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    start(argv[1]);
    puts("up");
    struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    for (;;) {
        poll(fds, 2, patience());
        receive();
        run();
        if ((fds[0].revents & (POLLIN | POLLHUP)) == 0)
            continue;
        if (fgets(line, sizeof(line), stdin) == NULL)
            break;
        obey(line);
        run();
    }
    nst_stack_free(stack);
    nst_tuntap_free(device);
    close(fd);
    return 0;
}
