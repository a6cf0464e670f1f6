/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack on a TAP device whose NIC changes while it works: TCP echo on port 7 of 10.78.0.2 and
 * fd78::2. Commands come in lines on stdin, each is answered by a line "COMMAND RESULT":
 *
 *     enable | disable | remove | name NAME | mtu BYTES | mac LAST_BYTE | events
 *
 * At the end of stdin it aborts what there is, frees the stack, and says how much was left of its
 * memory and packets.
 */
#include <nicstack/event.h>
#include <nicstack/host.h>
#include <nicstack/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NIC 1

static struct nst_stack *stack;
static struct nst_loop *loop;
static struct nst_link *device;
static struct nst_watch commands;
static int64_t live_bytes;
static nst_socket conns[64];

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "nic_peer: %s: %s\n", what, nst_strerror(r));
    exit(1);
}

/* ---- An allocator that counts ---- */

static void *count_alloc(void *context, size_t size)
{
    live_bytes += (int64_t)size;
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void count_free(void *context, void *memory, size_t size)
{
    live_bytes -= memory != NULL ? (int64_t)size : 0;
    free(memory);
}

/* ---- Echo ---- */

static void end(size_t i)
{
    nst_socket_close(stack, conns[i]);
    conns[i] = 0;
}

static void echo(size_t i)
{
    static uint8_t data[65536];
    int64_t room, n;
    for (;;) {
        check(nst_socket_get(stack, conns[i], NST_OPT_SEND_ROOM, &room), "room");
        if (room == 0)
            return;
        if (room > (int64_t)sizeof(data))
            room = sizeof(data);
        n = nst_socket_recv(stack, conns[i], data, (size_t)room, 0);
        if (n == -NST_EAGAIN)
            return;
        if (n <= 0 || nst_socket_send(stack, conns[i], data, (size_t)n, 0) != n) {
            end(i);
            return;
        }
    }
}

static void accept_all(void)
{
    nst_socket s;
    while (nst_socket_accept(stack, conns[0], &s, NULL) == 0) {
        size_t i = 1;
        while (i < 63 && conns[i] != 0)
            i++;
        conns[i] = s;
        nst_socket_watch(stack, s, NST_READY_IN | NST_READY_OUT, &conns[i]);
    }
}

static void on_ready(void *context, const struct nst_ready *ready)
{
    const size_t i = (size_t)((nst_socket *)ready->context - conns);
    if (i == 0)
        accept_all();
    else if (conns[i] == ready->socket)
        echo(i);
}

/* ---- Commands ---- */

static void tell_events(void)
{
    struct nst_event e;
    printf("events");
    while (nst_event_next(stack, &e))
        printf(" %s", nst_event_name(e.kind));
    printf("\n");
}

static int obey(const char *verb, const char *argument)
{
    if (strcmp(verb, "enable") == 0)
        return nst_nic_enable(stack, NIC);
    if (strcmp(verb, "disable") == 0)
        return nst_nic_disable(stack, NIC);
    if (strcmp(verb, "remove") == 0)
        return nst_nic_remove(stack, NIC);
    if (strcmp(verb, "name") == 0)
        return nst_nic_set_name(stack, NIC, argument);
    if (strcmp(verb, "mtu") == 0)
        return nst_nic_set_mtu(stack, NIC, (uint32_t)strtoul(argument, NULL, 10));
    if (strcmp(verb, "mac") == 0)
        return nst_nic_set_link_addr(
            stack, NIC, (struct nst_mac){{2, 0, 0, 0x78, 0, (uint8_t)strtoul(argument, NULL, 10)}});
    return -NST_EINVAL;
}

static void on_command(struct nst_watch *watch, uint32_t events)
{
    char line[128] = "", verb[32] = "", argument[32] = "";
    size_t len = 0;
    /* A line a time: whoever writes waits for the answer. */
    while (len < sizeof(line) - 1 && read(0, line + len, 1) == 1 && line[len] != '\n')
        len++;
    if (len == 0) {
        nst_loop_stop(loop);
        return;
    }
    sscanf(line, "%31s %31s", verb, argument);
    if (strcmp(verb, "events") == 0)
        tell_events();
    else
        printf("%s %d\n", verb, obey(verb, argument));
    fflush(stdout);
}

/* ---- Life ---- */

static void make_stack(void)
{
    struct nst_stack_config config = {.size = sizeof(config),
                                      .allocator = {count_alloc, count_free, NULL},
                                      .now = nst_host_now()};
    check(nst_host_seed(config.seed), "seed");
    check(nst_stack_new(&config, &stack), "stack");
    check(nst_event_start(stack,
                          NST_EVENTS_ALL & ~NST_EVENT_BIT(NST_EVENT_NEIGH_ADDED) &
                              ~NST_EVENT_BIT(NST_EVENT_NEIGH_CHANGED) &
                              ~NST_EVENT_BIT(NST_EVENT_NEIGH_REMOVED),
                          0),
          "events");
    const struct nst_nic_config nic = {
        .size = sizeof(nic), .id = NIC, .name = "tap", .link = device};
    check(nst_nic_add(stack, &nic, NULL), "NIC");
    const struct nst_nic_addr four = {.addr = nst_addr_v4(10, 78, 0, 2), .prefix_len = 24};
    const struct nst_nic_addr six = {.addr = {{{0xfd, 0x78, [15] = 2}}}, .prefix_len = 64};
    check(nst_nic_addr_add(stack, NIC, &four), "address");
    check(nst_nic_addr_add(stack, NIC, &six), "IPv6 address");
    const struct nst_endpoint local = {.port = 7};
    check(nst_socket_open(stack, NST_STREAM, &conns[0]), "open");
    check(nst_socket_bind(stack, conns[0], &local), "bind");
    check(nst_socket_listen(stack, conns[0], 16), "listen");
    nst_socket_watch(stack, conns[0], NST_READY_IN, &conns[0]);
}

static void finish(void)
{
    struct nst_census c;
    for (size_t i = 0; i < 64; i++) {
        if (conns[i] != 0)
            nst_socket_abort(stack, conns[i]);
    }
    nst_loop_turn(loop, 0);
    nst_stack_get_census(stack, &c);
    const bool balanced = c.received + c.built + c.cloned + c.split ==
                          c.transmitted + c.queued + c.delivered + c.merged + c.dropped;
    nst_loop_free(loop);
    nst_stack_free(stack);
    printf("end census %s queued %llu alive %llu left %lld\n", balanced ? "balanced" : "wrong",
           (unsigned long long)c.queued, (unsigned long long)c.alive, (long long)live_bytes);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    const struct nst_tuntap_config config = {.size = sizeof(config),
                                             .fd = nst_tuntap_open(argv[1], true),
                                             .ethernet = true,
                                             .vnet_hdr = 12,
                                             .segmentation = true,
                                             .mtu = 1500,
                                             .addr = {{2, 0, 0, 0x78, 0, 2}}};
    check(config.fd, "device");
    check(nst_loop_new(&loop), "loop");
    check(nst_tuntap_new(nst_host_allocator(), &config, &device), "link");
    make_stack();
    check(nst_loop_add_link(loop, device, config.fd, nst_tuntap_receive), "link");
    check(nst_loop_add_stack(loop, stack, on_ready, NULL), "stack");
    commands = (struct nst_watch){.fd = 0, .on_events = on_command};
    check(nst_loop_add(loop, &commands, EPOLLIN), "commands");
    puts("up 0");
    fflush(stdout);
    check(nst_loop_run(loop), "loop");
    finish();
    nst_tuntap_free(device);
    return 0;
}
