/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "world.h"

#define RUNS_MAX 100000 /* at one point in time: a world that is never idle is an error */

/* FNV-1a: order matters, and the same bytes give the same number on every machine. */
static void add(uint64_t *fingerprint, const void *data, size_t len)
{
    const uint8_t *b = data;
    for (size_t i = 0; i < len; i++)
        *fingerprint = (*fingerprint ^ b[i]) * 0x100000001b3u;
}

static void see(void *context, const struct nst_pkt *frame, bool outgoing)
{
    struct world *w = context;
    uint8_t bytes[128]; /* headers, and some of the payload */
    if (!outgoing)
        return;
    const uint32_t n = nst_pkt_copy_out(frame, 0, bytes, sizeof(bytes));
    add(&w->fingerprint, &frame->len, sizeof(frame->len));
    add(&w->fingerprint, &w->now, sizeof(w->now));
    add(&w->fingerprint, bytes, n);
}

static bool is_impaired(const struct nst_impair_direction *d)
{
    return d->delay != 0 || d->jitter != 0 || d->loss_ppm != 0 || d->duplicate_ppm != 0 ||
           d->corrupt_ppm != 0 || d->reorder_ppm != 0 || d->rate_bps != 0;
}

/* What stands on host i's end of the pipe: impairment of what it sends, then the sniffer. */
static struct nst_link *dress(struct world *w, int i, const struct world_config *config)
{
    struct host *h = &w->hosts[i];
    struct nst_link *link = w->pipe[i];
    if (is_impaired(&config->impair[i])) {
        const struct nst_impair_config impair = {.size = sizeof(impair),
                                                 .seed = config->impair_seed * 2 + (uint64_t)i + 1,
                                                 .tx = config->impair[i]};
        link = h->impaired = nst_impair_new(&w->link_alloc.allocator, link, &impair);
        assert_non_null(link);
    }
    if (config->fingerprint) {
        link = h->sniffer = nst_sniffer_new(&w->link_alloc.allocator, link, see, w);
        assert_non_null(link);
    }
    return link;
}

static void init_host(struct world *w, int i, struct nst_link *link,
                      const struct world_config *config)
{
    struct host *h = &w->hosts[i];
    struct nst_stack_config sc = config->stack;
    struct nst_nic_config nc = config->nic;
    static const uint8_t zeros[32];
    sc.size = sizeof(sc);
    sc.allocator = h->alloc.allocator;
    sc.now = w->now;
    if (memcmp(sc.seed, zeros, sizeof(zeros)) == 0)
        memset(sc.seed, 0x40 + i, sizeof(sc.seed));
    assert_int_equal(nst_stack_new(&sc, &h->stack), 0);
    if (config->record || getenv("NST_RECORD_WORLDS") != NULL)
        recording_start(&h->recording, h->stack);
    nc.size = sizeof(nc);
    nc.link = h->link = link;
    assert_int_equal(nst_nic_add(h->stack, &nc, &h->nic), 0);
    h->addr = world_endpoint(i, 0).addr;
    /* Not announced, so that what a test sees is its own doing. */
    const struct nst_nic_addr addr = {.addr = h->addr, .prefix_len = 24, .no_dad = true};
    assert_int_equal(nst_nic_addr_add(h->stack, h->nic, &addr), 0);
    if (!config->ipv6)
        return;
    h->addr = (struct nst_addr){{{0xfd, [15] = (uint8_t)(1 + i)}}};
    const struct nst_nic_addr addr6 = {.addr = h->addr, .prefix_len = 64, .no_dad = true};
    assert_int_equal(nst_nic_addr_add(h->stack, h->nic, &addr6), 0);
}

static const struct world_config defaults;

static void begin(struct world *w, int count, const struct world_config *config)
{
    *w = (struct world){.count = count, .fingerprint = 0xcbf29ce484222325u};
    w->now = config->start != 0 ? config->start : WORLD_START;
    alloc_init(&w->link_alloc);
    for (int i = 0; i < count; i++) {
        w->hosts[i].mac = WORLD_MAC((uint8_t)(1 + i));
        alloc_init(&w->hosts[i].alloc);
    }
}

void world_init_pair(struct world *w, const struct world_config *config)
{
    if (config == NULL)
        config = &defaults;
    begin(w, 2, config);
    const struct nst_pipe_config pc = {
        .size = sizeof(pc),
        .mtu = config->mtu,
        .caps = config->caps,
        .gso_max = config->gso_max,
        .limit = config->limit,
        .ethernet = !config->bare_ip,
        .addr = {w->hosts[0].mac, w->hosts[1].mac},
    };
    assert_int_equal(nst_pipe_new(&w->link_alloc.allocator, &pc, w->pipe), 0);
    for (int i = 0; i < 2; i++)
        init_host(w, i, dress(w, i, config), config);
}

void world_init_single(struct world *w, const struct world_config *config)
{
    if (config == NULL)
        config = &defaults;
    begin(w, 1, config);
    memlink_init(&w->memlink, config->bare_ip ? NULL : &w->hosts[0].mac);
    w->memlink.link.caps |= config->caps;
    w->memlink.link.gso_max = config->gso_max;
    if (config->mtu != 0)
        w->memlink.link.mtu = config->mtu;
    init_host(w, 0, &w->memlink.link, config);
}

void world_fini(struct world *w)
{
    for (int i = 0; i < w->count; i++) {
        struct host *h = &w->hosts[i];
        if (h->stack != NULL)
            world_check_census(h->stack, false);
        nst_stack_free(h->stack);
        nst_sniffer_free(h->sniffer);
        nst_impair_free(h->impaired);
        h->stack = NULL;
        if (h->recording.len > 0)
            recording_check(&h->recording);
        recording_fini(&h->recording);
    }
    nst_pipe_free(w->pipe);
    memlink_fini(&w->memlink);
    for (int i = 0; i < w->count; i++) {
        assert_int_equal(w->hosts[i].alloc.live, 0);
        assert_int_equal(w->hosts[i].alloc.live_bytes, 0);
    }
    assert_int_equal(w->link_alloc.live, 0);
}

nst_time world_next_deadline(const struct world *w)
{
    nst_time next = NST_TIME_NEVER;
    for (int i = 0; i < w->count; i++) {
        nst_time t = nst_stack_next_deadline(w->hosts[i].stack);
        if (t < next)
            next = t;
    }
    return next;
}

void world_run(struct world *w)
{
    unsigned runs = 0;
    do {
        for (int i = 0; i < w->count; i++) {
            nst_stack_run(w->hosts[i].stack, w->now, 0);
            world_check_census(w->hosts[i].stack, false);
        }
        assert_true(++runs < RUNS_MAX);
    } while (world_next_deadline(w) <= w->now);
}

bool world_step(struct world *w, nst_time limit)
{
    world_run(w);
    const nst_time next = world_next_deadline(w);
    if (next > limit)
        return false;
    w->now = next;
    world_run(w);
    return true;
}

bool world_run_until_true(struct world *w, bool (*done)(void *context), void *context,
                          nst_time limit)
{
    nst_time end = w->now + limit;
    world_run(w);
    for (;;) {
        if (done != NULL && done(context))
            return true;
        if (!world_step(w, end)) {
            w->now = end;
            return false;
        }
    }
}

void world_run_until(struct world *w, nst_time when)
{
    world_run_until_true(w, NULL, NULL, when - w->now);
    world_run(w);
}

nst_socket world_listen(struct world *w, int i, uint16_t port, int backlog)
{
    nst_socket s;
    const struct nst_endpoint local = {.port = port};
    assert_int_equal(nst_socket_open(w->hosts[i].stack, NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_bind(w->hosts[i].stack, s, &local), 0);
    assert_int_equal(nst_socket_listen(w->hosts[i].stack, s, backlog), 0);
    return s;
}

void world_route_all(struct world *w)
{
    struct host *from = &w->hosts[0], *by = &w->hosts[1];
    struct nst_route route = {.nic = from->nic, .gateway = by->addr};
    if (nst_addr_is_v4(&by->addr))
        route.prefix = nst_addr_v4(0, 0, 0, 0);
    assert_int_equal(nst_route_add(from->stack, &route), 0);
    assert_int_equal(nst_nic_set_promiscuous(by->stack, by->nic, true), 0);
    assert_int_equal(nst_nic_set_spoofing(by->stack, by->nic, true), 0);
}

void world_inject_ip(struct world *w, const void *packet, size_t len)
{
    uint8_t frame[FRAME_MAX];
    if ((w->memlink.link.caps & NST_LINK_RESOLVES) == 0) {
        memlink_inject(&w->memlink, packet, len);
        return;
    }
    len = frame_eth(frame, WORLD_MAC(2), w->hosts[0].mac, NST_ETHERTYPE_IPV4, packet, len);
    memlink_inject(&w->memlink, frame, len);
}

void world_add_neighbour(struct world *w)
{
    const struct nst_addr addr = nst_addr_v4(10, 0, 0, 2);
    if ((w->memlink.link.caps & NST_LINK_RESOLVES) != 0)
        assert_int_equal(nst_neigh_add(w->hosts[0].stack, w->hosts[0].nic, &addr, WORLD_MAC(2)), 0);
}

const uint8_t *world_sent(const struct world *w, uint32_t i, size_t *ret_len)
{
    uint32_t header = w->memlink.link.max_header;
    if (i >= w->memlink.count)
        return NULL;
    *ret_len = w->memlink.frames[i].len - header;
    return w->memlink.frames[i].data + header;
}

uint64_t world_counter(const struct nst_stack *stack, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_stack_counter_get(stack, name, &value), 0);
    return value;
}

uint64_t world_nic_counter(const struct host *host, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_nic_counter_get(host->stack, host->nic, name, &value), 0);
    return value;
}

void world_check_census(const struct nst_stack *stack, bool empty)
{
    struct nst_census c;
    uint64_t drops = 0;
    struct nst_counter counter;
    nst_stack_get_census(stack, &c);
    assert_int_equal(c.received + c.built + c.cloned + c.split,
                     c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
    assert_true(c.queued <= c.alive);
    for (size_t n = 0; nst_stack_counter_at(stack, n, &counter); n++) {
        if (strncmp(counter.name, "drop_", 5) == 0)
            drops += counter.value;
    }
    assert_int_equal(drops, c.dropped);
    if (empty)
        assert_int_equal(c.queued, 0);
}
