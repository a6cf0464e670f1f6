/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst run: a program with nicstack as its network.
 *
 * Theory of operation. attach_start makes the program's namespaces and gives the link; here a stack
 * with one promiscuous, spoofing NIC is put on it, whose gateway carries each flow on by sockets of
 * the host. The program is let go when all of that stands. When it has ended, what it sent last is
 * still passed on: the loop goes on until nothing has moved for a moment. Then everything is torn
 * down from above to below.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <nicstack/host.h>

#include "attach.h"
#include "commands.h"
#include "options.h"
#include "summary.h"
#include "upstream.h"

#define MEMORY_DEFAULT (256u << 20)
#define MEMORY_MIN     (1u << 20)
#define MTU_MIN        68
#define MTU_MAX        65535

/* After the program has ended: nothing passed for this long, or this long at the most. */
#define DRAIN_QUIET (100 * NST_MSEC)
#define DRAIN_MAX   (10 * NST_SEC)

struct run_options {
    const char *dns;
    uint64_t mtu, memory;
    bool no_host_loopback, verbose, quiet, json, help;
};

#define MEMBER(name) offsetof(struct run_options, name)

static const struct option_spec specs[] = {
    {"dns", 0, OPTION_TEXT, "ADDR[:PORT]", "where names are resolved; default the host's resolver",
     MEMBER(dns)},
    {"mtu", 0, OPTION_SIZE, "BYTES", "of the program's interface; default 65520", MEMBER(mtu)},
    {"memory", 0, OPTION_SIZE, "SIZE", "ceiling of the stack's memory, such as 8m; default 256m",
     MEMBER(memory)},
    {"no-host-loopback", 0, OPTION_FLAG, NULL, "10.0.2.2 is not the host's loopback",
     MEMBER(no_host_loopback)},
    {"verbose", 'v', OPTION_FLAG, NULL, "say how the program is attached, and each flow",
     MEMBER(verbose)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no summary", MEMBER(quiet)},
    {"json", 0, OPTION_FLAG, NULL, "the summary as one JSON object on stderr", MEMBER(json)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

struct run {
    struct run_options options;
    struct attach attach;
    struct nst_watch event; /* of attach.event_fd */
    struct nst_loop *loop;
    struct nst_stack *stack;
    struct nst_link *link;
    struct nst_gateway *gateway;
    struct upstream upstream;
    struct summary summary;
    bool ended;
};

static int decide(void *context, const struct nst_request_info *request,
                  struct nst_target *ret_target)
{
    struct run *run = context;
    return upstream_decide(&run->upstream, request, ret_target);
}

static void flow_ended(void *context, const struct nst_flow_summary *flow)
{
    static const char *const types[] = {
        [NST_STREAM] = "tcp", [NST_DATAGRAM] = "udp", [NST_PING] = "ping"};
    struct run *run = context;
    summary_add_flow(&run->summary, flow);
    if (!run->options.verbose)
        return;
    char address[NST_ADDR_TEXT];
    fprintf(stderr, "nst: %s %s port %u: %llu out, %llu in, %.3f s%s%s\n", types[flow->type],
            nst_addr_format(&flow->outside.addr, address, sizeof(address)), flow->outside.port,
            (unsigned long long)flow->bytes_out, (unsigned long long)flow->bytes_in,
            (double)(flow->ended - flow->begun) / 1e9, flow->error != 0 ? ", " : "",
            flow->error != 0 ? nst_strerror(flow->error) : "");
}

static void see_datagram(void *context, const struct nst_flow_summary *flow, bool outgoing,
                         const uint8_t *data, size_t len)
{
    struct run *run = context;
    (void)flow;
    if (outgoing)
        summary_add_dns(&run->summary, data, len);
}

static void on_ready(void *context, const struct nst_ready *ready)
{
    struct run *run = context;
    nst_gateway_ready(run->gateway, ready);
}

static void on_attach_event(struct nst_watch *watch, uint32_t events)
{
    struct run *run = (struct run *)(void *)((char *)watch - offsetof(struct run, event));
    (void)events;
    if (attach_run(&run->attach) != 1)
        return;
    run->ended = true;
    nst_loop_remove(run->loop, watch);
}

static int fail(const char *what, int error, const char *next)
{
    fprintf(stderr, "nst: %s (%s): %s\n", what, nst_error_name(error), next);
    return error;
}

static int make_stack(struct run *run)
{
    struct nst_stack_config config = {
        .size = sizeof(config),
        .allocator = *nst_host_allocator(),
        .memory_limit = run->options.memory,
        .now = nst_host_now(),
    };
    int r = nst_host_seed(config.seed);
    if (r < 0)
        return fail("cannot get entropy", r, "is getrandom(2) forbidden here?");
    r = nst_stack_new(&config, &run->stack);
    return r < 0 ? fail("cannot make the stack", r, "raise --memory") : 0;
}

static int add_addresses(struct run *run, uint32_t nic)
{
    const struct nst_nic_addr addrs[] = {
        {.addr = run->upstream.gateway, .prefix_len = run->upstream.prefix_len},
        {.addr = run->upstream.dns,
         .prefix_len = run->upstream.prefix_len,
         .place = NST_PLACE_NEVER_PRIMARY},
    };
    for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
        int r = nst_nic_addr_add(run->stack, nic, &addrs[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int make_nic(struct run *run)
{
    const struct attach *a = &run->attach;
    const struct nst_tuntap_config tun = {
        .size = sizeof(tun),
        .fd = a->link_fd[0],
        .vnet_hdr = (uint8_t)a->vnet_hdr_len,
        .segmentation = a->offload != 0,
        .mtu = (uint32_t)run->options.mtu,
    };
    int r = nst_tuntap_new(nst_host_allocator(), &tun, &run->link);
    if (r < 0)
        return fail("cannot make the link", r, "free some memory");
    const struct nst_nic_config nic = {
        .size = sizeof(nic),
        .name = "nst0",
        .link = run->link,
        .promiscuous = true,
        .spoofing = true,
    };
    uint32_t id;
    r = nst_nic_add(run->stack, &nic, &id);
    if (r == 0)
        r = add_addresses(run, id);
    return r < 0 ? fail("cannot make the NIC", r, "raise --memory") : 0;
}

static int make_gateway(struct run *run)
{
    int r = nst_loop_new(&run->loop);
    if (r < 0)
        return fail("cannot make the loop", r, "check the limit of descriptors (ulimit -n)");
    nst_loop_set_stack(run->loop, run->stack, on_ready, run);
    r = nst_loop_add_tuntap(run->loop, run->link);
    if (r < 0)
        return fail("cannot watch the link", r, "raise sysctl fs.epoll.max_user_watches");
    const struct nst_gateway_config config = {
        .size = sizeof(config),
        .loop = run->loop,
        .stack = run->stack,
        .decide = decide,
        .ended = flow_ended,
        .observe = see_datagram,
        .context = run,
    };
    r = nst_gateway_new(&config, &run->gateway);
    if (r < 0)
        return fail("cannot start the gateway", r, "raise --memory");
    run->event = (struct nst_watch){.fd = run->attach.event_fd, .on_events = on_attach_event};
    r = nst_loop_add(run->loop, &run->event, EPOLLIN);
    return r < 0 ? fail("cannot watch the program", r, "raise sysctl fs.epoll.max_user_watches")
                 : 0;
}

/* What the program sent last is still on its way. */
static void drain(struct run *run)
{
    struct nst_gateway_stats stats;
    uint64_t moved = UINT64_MAX;
    nst_time begun = nst_host_now(), last = begun;
    for (;;) {
        nst_gateway_get_stats(run->gateway, &stats);
        nst_time now = nst_host_now();
        if (stats.bytes_out + stats.bytes_in != moved) {
            moved = stats.bytes_out + stats.bytes_in;
            last = now;
        }
        if (stats.active_tcp == 0 || now - last >= DRAIN_QUIET || now - begun >= DRAIN_MAX)
            return;
        nst_loop_turn(run->loop, last + DRAIN_QUIET - now);
    }
}

static void tear_down(struct run *run)
{
    nst_gateway_free(run->gateway);
    if (run->loop != NULL && run->link != NULL)
        nst_loop_remove_tuntap(run->loop, run->link);
    nst_stack_free(run->stack);
    nst_tuntap_free(run->link);
    nst_loop_free(run->loop);
    summary_fini(&run->summary);
}

static int serve(struct run *run)
{
    int r = make_stack(run);
    if (r == 0)
        r = make_nic(run);
    if (r == 0)
        r = make_gateway(run);
    if (r < 0)
        return ATTACH_EXIT_FAILED;
    run->summary.attached = run->attach.how;
    run->summary.begun = nst_host_now();
    attach_release(&run->attach);
    while (!run->ended && r == 0)
        r = nst_loop_turn(run->loop, -1);
    if (r < 0) {
        fail("the loop failed", r, "this is a fault of nst: please report it");
        return ATTACH_EXIT_FAILED;
    }
    drain(run);
    return attach_status(&run->attach);
}

static void print_summary(struct run *run, int status)
{
    if (run->gateway == NULL || (run->options.quiet && !run->options.json))
        return;
    run->summary.ended = nst_host_now();
    run->summary.exit_status = status;
    run->summary.denied = run->upstream.denied;
    nst_gateway_get_stats(run->gateway, &run->summary.gateway);
    if (run->options.json)
        summary_print_json(&run->summary, run->stack, stderr);
    else
        summary_print(&run->summary, run->stack, stderr);
}

static int run_program(struct run *run, char **argv)
{
    char message[ATTACH_TEXT_SIZE];
    const struct attach_options attach = {
        .argv = argv,
        .mtu = (uint32_t)run->options.mtu,
        .verbose = run->options.verbose,
    };
    if (attach_start(&attach, message, &run->attach) < 0) {
        fprintf(stderr, "nst: %s\n", message);
        return ATTACH_EXIT_FAILED;
    }
    int status = serve(run);
    const char *why = attach_message(&run->attach);
    if (why != NULL)
        fprintf(stderr, "nst: %s\n", why);
    print_summary(run, status);
    tear_down(run);
    attach_fini(&run->attach);
    return status;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: nst run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n");
    if (out == stdout) {
        printf("\nRuns PROGRAM with nicstack as its network; its exit status is that of nst.\n"
               "Inside: 10.0.2.15/24, the host's loopback is 10.0.2.2, names are asked of "
               "10.0.2.3.\n\n");
        options_print(specs);
    }
    return out == stdout ? 0 : ATTACH_EXIT_FAILED;
}

/* Checks and completes the options. */
static bool complete_options(struct run *run)
{
    struct run_options *o = &run->options;
    struct upstream *u = &run->upstream;
    u->network = nst_addr_v4(10, 0, 2, 0);
    u->prefix_len = 24;
    u->gateway = nst_addr_v4(10, 0, 2, 2);
    u->dns = nst_addr_v4(10, 0, 2, 3);
    u->no_host_loopback = o->no_host_loopback;
    if (o->mtu < MTU_MIN || o->mtu > MTU_MAX) {
        fprintf(stderr, "nst run: --mtu must be %d to %d\n", MTU_MIN, MTU_MAX);
        return false;
    }
    if (o->memory < MEMORY_MIN) {
        fprintf(stderr, "nst run: --memory must be at least 1m\n");
        return false;
    }
    if (!upstream_set_resolver(u, o->dns)) {
        if (o->dns != NULL) {
            fprintf(stderr,
                    "nst run: --dns %s: is no ADDR[:PORT], such as 192.0.2.1 or [2001:db8::1]:53\n",
                    o->dns);
            return false;
        }
        if (o->verbose)
            fprintf(stderr, "nst: no name server in /etc/resolv.conf: names will not resolve; "
                            "--dns ADDR gives one\n");
    }
    return true;
}

int command_run(int argc, char **argv)
{
    static struct run run = {.options = {.mtu = ATTACH_DEFAULT_MTU, .memory = MEMORY_DEFAULT}};
    int first = options_parse(specs, "nst run", argc, argv, &run.options);
    if (first < 0)
        return ATTACH_EXIT_FAILED;
    if (run.options.help)
        return usage(stdout);
    if (first >= argc)
        return usage(stderr);
    if (!complete_options(&run))
        return ATTACH_EXIT_FAILED;
    return run_program(&run, argv + first);
}
