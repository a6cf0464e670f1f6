/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving nst run.
 *
 * Theory of operation. attach_start has made the program's namespaces and given the link; here a
 * stack with one promiscuous, spoofing NIC is put on it, whose gateway carries each flow on by
 * sockets of the host. The program is let go when all of that stands. When it has ended, what it
 * sent last is still passed on: the loop goes on until nothing has moved for a moment. Then
 * everything is torn down from above to below.
 */
#include "run/run.h"
#include "run/run_instance.h"

#include <stdio.h>
#include <sys/epoll.h>

#include "confine/confine.h"

/* The program is microseconds away: what is queued for it beyond this only falls out of the caches,
 * and a window beyond this only overruns the link. With a bad line between, a window must hold what
 * the line does, and the stack's own ceilings count. */
#define SEND_BUFFER_MAX    (1u << 20)
#define RECEIVE_BUFFER_MAX (2u << 20)

/* After the program has ended: nothing passed for this long (who reads at the other end may have to
 * wait for a processor), or this long at the most. */
#define DRAIN_QUIET NST_SEC
#define DRAIN_MAX   (10 * NST_SEC)

static int decide(void *context, const struct nst_request_info *request,
                  struct nst_target *ret_target)
{
    struct run *run = context;
    const uint64_t denied = run->upstream.denied;
    int r = upstream_decide(&run->upstream, request, ret_target);
    if (run->upstream.denied != denied)
        run_capture_refused(run, request->trace, "denied by --no-host-loopback");
    return r;
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

static void learn_names(struct run *run, const uint8_t *answer, size_t len)
{
    names_learn(&run->names, answer, len);
    run_capture_dns(run, answer, len);
}

static void see_datagram(void *context, const struct nst_flow_summary *flow, bool outgoing,
                         const uint8_t *data, size_t len)
{
    struct run *run = context;
    (void)flow;
    if (outgoing)
        summary_add_dns(&run->summary, data, len);
    else
        learn_names(run, data, len);
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

int run_fail(const char *what, int error, const char *next)
{
    fprintf(stderr, "nst: %s (%s): %s\n", what, nst_error_name(error), next);
    return error;
}

/* The ceiling of each stack: where there are two, they share what the options allow. */
static uint64_t memory_of_a_stack(const struct run *run)
{
    return run->attach.kind == ATTACH_KIND_NOTIFY ? run->options.memory / 2 : run->options.memory;
}

static int make_stack(struct run *run)
{
    const bool is_near = !run_is_impaired(&run->options);
    struct nst_stack_config config = {
        .size = sizeof(config),
        .allocator = *nst_host_allocator(),
        .memory_limit = memory_of_a_stack(run),
        .tcp_send_buffer_max = is_near ? SEND_BUFFER_MAX : 0,
        .tcp_receive_buffer_max = is_near ? RECEIVE_BUFFER_MAX : 0,
        .now = nst_host_now(),
    };
    int r = nst_host_seed(config.seed);
    if (r < 0)
        return run_fail("cannot get entropy", r, "is getrandom(2) forbidden here?");
    r = nst_stack_new(&config, &run->stack);
    if (r < 0)
        return run_fail("cannot make the stack", r, "raise --memory");
    return run_record_start(run);
}

static int add_addresses(struct run *run, uint32_t nic)
{
    const struct upstream *u = &run->upstream;
    const struct nst_nic_addr addrs[] = {
        {.addr = u->gateway, .prefix_len = u->prefix_len},
        {.addr = u->dns, .prefix_len = u->prefix_len, .place = NST_PLACE_NEVER_PRIMARY},
        /* Nobody else is on this link who could have them. */
        {.addr = u->gateway6, .prefix_len = u->prefix_len6, .no_dad = true},
        {.addr = u->dns6,
         .prefix_len = u->prefix_len6,
         .place = NST_PLACE_NEVER_PRIMARY,
         .no_dad = true},
    };
    const size_t count = u->has_ipv6 ? 4 : 2;
    for (size_t i = 0; i < count; i++) {
        int r = nst_nic_addr_add(run->stack, nic, &addrs[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int make_nic(struct run *run)
{
    int r = run_link_open(run);
    if (r < 0)
        return r;
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
    return r < 0 ? run_fail("cannot make the NIC", r, "raise --memory") : 0;
}

static int make_gateway(struct run *run)
{
    int r = nst_loop_new(&run->loop);
    if (r < 0)
        return run_fail("cannot make the loop", r, "check the limit of descriptors (ulimit -n)");
    r = nst_loop_add_stack(run->loop, run->stack, on_ready, run);
    if (r < 0)
        return run_fail("cannot run the stack", r, "free some memory");
    r = run_link_watch(run);
    if (r < 0)
        return r;
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
        return run_fail("cannot start the gateway", r, "raise --memory");
    r = listeners_publish(&run->listeners, run->gateway, &run->upstream);
    if (r < 0)
        return run_fail("cannot publish", r, "free some memory");
    run->event = (struct nst_watch){.fd = run->attach.event_fd, .on_events = on_attach_event};
    r = nst_loop_add(run->loop, &run->event, EPOLLIN);
    return r < 0 ? run_fail("cannot watch the program", r, "raise sysctl fs.epoll.max_user_watches")
                 : 0;
}

/* The program's own stack, where it has no kernel's. */
static int make_guest(struct run *run)
{
    if (run->attach.kind != ATTACH_KIND_NOTIFY)
        return 0;
    const struct notify_config config = {
        .loop = run->loop,
        .link = run->pipe[1],
        .listener = run->attach.listener_fd,
        .memory_limit = memory_of_a_stack(run),
        .address = run->upstream.program,
        .prefix_len = run->upstream.prefix_len,
        .gateway = run->upstream.gateway,
        .dns = run->upstream.dns,
        .has_ipv6 = run->upstream.has_ipv6,
        .address6 = run->upstream.program6,
        .prefix_len6 = run->upstream.prefix_len6,
        .gateway6 = run->upstream.gateway6,
    };
    int r = notify_new(&config, &run->notify);
    return r < 0 ? run_fail("cannot serve the program's calls", r, "raise --memory") : 0;
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
        run_capture_flush(run);
    }
}

static void start_top(struct run *run)
{
    const struct top_config config = {
        .loop = run->loop,
        .stack = run->stack,
        .gateway = run->gateway,
        .names = &run->names,
        .retransmits = &run->summary.retransmits,
        .json = run->options.json,
    };
    if (run->options.top)
        top_start(&run->top, &config);
}

void run_tear_down(struct run *run)
{
    top_stop(&run->top);
    nst_gateway_free(run->gateway);
    notify_free(run->notify);
    listeners_fini(&run->listeners);
    run_instance_close(run);
    run_capture_stop(run);
    if (run->loop != NULL && run->device != NULL)
        nst_loop_remove_link(run->loop, run->device);
    run_record_stop(run);
    nst_stack_free(run->stack);
    run_link_close(run);
    nst_loop_free(run->loop);
    summary_fini(&run->summary);
    names_fini(&run->names);
}

/* From here on nst opens no file and starts nothing. */
static void confine(const struct run *run)
{
    char text[CONFINE_TEXT_SIZE];
    const unsigned notify = run->attach.kind == ATTACH_KIND_NOTIFY ? CONFINE_NOTIFY : 0;
    /* Whoever asks by the control socket may have a capture at any time. */
    const unsigned top = run->options.top ? CONFINE_TOP : 0;
    const unsigned record = run->record.is_open ? CONFINE_RECORD : 0;
    const struct confine_options options = {.parts = CONFINE_FLOWS | CONFINE_CAPTURE | notify |
                                                     top | record,
                                            .init_pid = run->attach.init_pid};
    (void)confine_self(&options, text);
    if (run->options.verbose)
        fprintf(stderr, "nst: %s\n", text);
}

static int turn(struct run *run)
{
    int r = nst_loop_turn(run->loop, -1);
    run_capture_flush(run);
    return r;
}

int run_serve(struct run *run)
{
    int r = make_stack(run);
    if (r == 0)
        r = make_nic(run);
    if (r == 0)
        r = make_gateway(run);
    if (r == 0)
        r = make_guest(run);
    if (r == 0)
        r = run_capture_start(run);
    if (r == 0)
        r = run_instance_start(run);
    if (r < 0)
        return ATTACH_EXIT_FAILED;
    run->summary.attached = run->attach.how;
    run->summary.begun = nst_host_now();
    start_top(run);
    confine(run);
    attach_release(&run->attach);
    while (!run->ended && r == 0)
        r = turn(run);
    if (r < 0) {
        run_fail("the loop failed", r, "this is a fault of nst: please report it");
        return ATTACH_EXIT_FAILED;
    }
    listeners_stop(&run->listeners);
    drain(run);
    top_stop(&run->top);
    return attach_status(&run->attach);
}
