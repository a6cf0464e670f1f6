/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_pair.h"

static void see(void *context, const struct nst_pkt *p, bool outgoing)
{
    struct tcp_pair *pair = context;
    uint8_t bytes[64]; /* headers, and some of the payload */
    if (!outgoing)
        return;
    const uint32_t n = nst_pkt_copy_out(p, 0, bytes, sizeof(bytes));
    for (uint32_t i = 0; i < n; i++)
        pair->fingerprint = (pair->fingerprint ^ bytes[i]) * 0x100000001b3u;
    pair->fingerprint ^= (uint64_t)pair->w.now;
}

static bool is_impaired(const struct nst_impair_direction *d)
{
    return d->delay || d->jitter || d->loss_ppm || d->duplicate_ppm || d->corrupt_ppm ||
           d->reorder_ppm || d->rate_bps;
}

/* What stands on the pipe's end: impairment of what it sends, then the sniffer. */
static struct nst_link *dress(struct tcp_pair *p, int i, const struct tcp_pair_config *config)
{
    const struct nst_allocator allocator = alloc_public(&p->w.link_alloc);
    struct nst_link *link = p->w.pipe[i];
    const struct nst_impair_direction *d = i == 0 ? &config->to : &config->back;
    if (is_impaired(d)) {
        const struct nst_impair_config ic = {
            .size = sizeof(ic),
            .seed = config->seed * 2 + (uint64_t)i + 1,
            .tx = *d,
        };
        link = p->impaired[i] = nst_impair_new(&allocator, link, &ic);
        assert_non_null(link);
    }
    if (config->fingerprint) {
        link = p->sniffers[i] = nst_sniffer_new(&allocator, link, see, p);
        assert_non_null(link);
    }
    return link;
}

static void init_host(struct tcp_pair *p, int i, const struct tcp_pair_config *config)
{
    struct host *h = &p->w.hosts[i];
    struct nst_stack_config sc = config->stack;
    sc.size = sizeof(sc);
    sc.allocator = alloc_public(&h->alloc);
    sc.now = p->w.now;
    memset(sc.seed, 0x40 + i, sizeof(sc.seed));
    assert_int_equal(nst_stack_new(&sc, &h->stack), 0);
    h->link = dress(p, i, config);
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = h->link};
    assert_int_equal(nst_nic_add(h->stack, &nc, &h->nic), 0);
    h->addr = nst_addr_v4(10, 0, 0, (uint8_t)(1 + i));
    const struct nst_nic_addr addr = {.addr = h->addr, .prefix_len = 24};
    assert_int_equal(nst_nic_addr_add(h->stack, h->nic, &addr), 0);
}

void tcp_pair_init(struct tcp_pair *p, const struct tcp_pair_config *config)
{
    static const struct tcp_pair_config defaults;
    if (config == NULL)
        config = &defaults;
    *p = (struct tcp_pair){.w = {.now = WORLD_START, .count = 2}};
    const struct nst_allocator allocator = alloc_public(&p->w.link_alloc);
    const struct nst_pipe_config pc = {
        .size = sizeof(pc),
        .mtu = config->mtu,
        .caps = config->caps,
        .gso_max = config->gso_max,
        .limit = 4096,
    };
    assert_int_equal(nst_pipe_new(&allocator, &pc, p->w.pipe), 0);
    for (int i = 0; i < 2; i++)
        init_host(p, i, config);
    struct nst_stack *server = p->w.hosts[1].stack;
    const struct nst_endpoint local = {.port = TCP_PAIR_PORT};
    assert_int_equal(nst_socket_open(server, NST_STREAM, &p->listener), 0);
    assert_int_equal(nst_socket_bind(server, p->listener, &local), 0);
    assert_int_equal(nst_socket_listen(server, p->listener, 16), 0);
}

static bool is_accepted(void *context)
{
    struct tcp_pair *p = context;
    if (p->s[1] == 0)
        nst_socket_accept(p->w.hosts[1].stack, p->listener, &p->s[1], NULL);
    const int events = nst_socket_events(p->w.hosts[0].stack, p->s[0]);
    return p->s[1] != 0 && (events & NST_READY_OUT) != 0;
}

void tcp_pair_connect(struct tcp_pair *p)
{
    struct nst_stack *client = p->w.hosts[0].stack;
    const struct nst_endpoint remote = {.addr = p->w.hosts[1].addr, .port = TCP_PAIR_PORT};
    p->s[0] = p->s[1] = 0;
    assert_int_equal(nst_socket_open(client, NST_STREAM, &p->s[0]), 0);
    assert_int_equal(nst_socket_connect(client, p->s[0], &remote), -NST_EINPROGRESS);
    assert_true(world_run_until_true(&p->w, is_accepted, p, 60 * NST_SEC));
    assert_int_equal(nst_socket_error(client, p->s[0]), 0);
}

void tcp_pair_fini(struct tcp_pair *p)
{
    for (int i = 0; i < 2; i++) {
        nst_stack_free(p->w.hosts[i].stack);
        if (p->sniffers[i] != NULL)
            nst_sniffer_free(p->sniffers[i]);
        if (p->impaired[i] != NULL)
            nst_impair_free(p->impaired[i]);
    }
    nst_pipe_free(p->w.pipe);
    for (int i = 0; i < 2; i++)
        assert_int_equal(p->w.hosts[i].alloc.live, 0);
    assert_int_equal(p->w.link_alloc.live, 0);
}

/* The bytes from i on; at least 64 KiB of them. */
static const uint8_t *pattern(int from, uint64_t i)
{
    static uint8_t bytes[2][TCP_PAIR_PERIOD + 65536];
    static bool made;
    if (!made) {
        uint64_t random = 1;
        for (int k = 0; k < 2; k++) {
            for (uint32_t j = 0; j < TCP_PAIR_PERIOD; j++)
                bytes[k][j] = (uint8_t)(world_random(&random) >> 32);
            for (uint32_t j = TCP_PAIR_PERIOD; j < sizeof(bytes[k]); j++)
                bytes[k][j] = bytes[k][j - TCP_PAIR_PERIOD];
        }
        made = true;
    }
    return bytes[from] + i % TCP_PAIR_PERIOD;
}

static void pump_out(struct tcp_pair *p, struct tcp_flow *f)
{
    struct nst_stack *stack = p->w.hosts[f->from].stack;
    const uint32_t chunk = f->chunk != 0 ? f->chunk : 65536;
    while (f->sent < f->total) {
        const uint64_t left = f->total - f->sent;
        const uint32_t want = left < chunk ? (uint32_t)left : chunk;
        const int64_t n = nst_socket_send(stack, p->s[f->from], pattern(f->from, f->sent), want, 0);
        if (n == -NST_EAGAIN || n == -NST_ENOMEM)
            return;
        assert_true(n > 0);
        f->sent += (uint64_t)n;
    }
    if (f->shut && f->sent == f->total) {
        assert_int_equal(nst_socket_shutdown(stack, p->s[f->from], NST_SHUT_SEND), 0);
        f->shut = false;
    }
}

static void pump_in(struct tcp_pair *p, struct tcp_flow *f)
{
    const int to = 1 - f->from;
    static uint8_t buf[65536];
    const uint32_t chunk = f->chunk != 0 ? f->chunk : sizeof(buf);
    while (!f->ended) {
        const int64_t n = nst_socket_recv(p->w.hosts[to].stack, p->s[to], buf, chunk, 0);
        if (n == -NST_EAGAIN)
            return;
        assert_true(n >= 0);
        f->ended = n == 0;
        if (memcmp(buf, pattern(f->from, f->received), (size_t)n) != 0)
            fail_msg("bytes after %llu are wrong", (unsigned long long)f->received);
        f->received += (uint64_t)n;
    }
}

void tcp_pair_pump(struct tcp_pair *p, struct tcp_flow *f)
{
    if (f == NULL)
        return;
    pump_out(p, f);
    pump_in(p, f);
}

static bool is_done(const struct tcp_flow *f)
{
    return f == NULL || (f->received == f->total && !f->shut);
}

static uint64_t progress(const struct tcp_flow *f)
{
    return f == NULL ? 0 : f->sent + f->received;
}

bool tcp_pair_transfer(struct tcp_pair *p, struct tcp_flow *a, struct tcp_flow *b, nst_time limit)
{
    struct world *w = &p->w;
    const nst_time end = w->now + limit;
    nst_time moved = w->now;
    uint64_t before = 0;
    for (;;) {
        tcp_pair_pump(p, a);
        tcp_pair_pump(p, b);
        for (int i = 0; i < 2; i++)
            nst_stack_run(w->hosts[i].stack, w->now, 0);
        if (is_done(a) && is_done(b))
            return true;
        if (progress(a) + progress(b) != before) {
            before = progress(a) + progress(b);
            moved = w->now;
        }
        const nst_time next = world_next_deadline(w);
        if (next > w->now)
            w->now = next;
        if (w->now > end || w->now > moved + 60 * NST_SEC)
            return false;
    }
}

struct nst_tcp_info tcp_pair_info(struct tcp_pair *p, int i)
{
    struct nst_tcp_info info;
    assert_int_equal(nst_socket_tcp_info(p->w.hosts[i].stack, p->s[i], &info), 0);
    return info;
}
