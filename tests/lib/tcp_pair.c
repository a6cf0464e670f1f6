/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "random.h"
#include "tcp_pair.h"

void tcp_pair_init(struct tcp_pair *p, const struct world_config *config)
{
    static const struct world_config defaults = {.bare_ip = true, .limit = 4096};
    *p = (struct tcp_pair){.listener = 0};
    world_init_pair(&p->w, config != NULL ? config : &defaults);
    p->listener = world_listen(&p->w, 1, TCP_PAIR_PORT, 16);
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
    const struct nst_endpoint remote = world_end(&p->w, 1, TCP_PAIR_PORT);
    p->s[0] = p->s[1] = 0;
    assert_int_equal(nst_socket_open(client, NST_STREAM, &p->s[0]), 0);
    assert_int_equal(nst_socket_connect(client, p->s[0], &remote), -NST_EINPROGRESS);
    assert_true(world_run_until_true(&p->w, is_accepted, p, 60 * NST_SEC));
    assert_int_equal(nst_socket_error(client, p->s[0]), 0);
}

void tcp_pair_fini(struct tcp_pair *p)
{
    world_fini(&p->w);
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
                bytes[k][j] = (uint8_t)(random_next(&random) >> 32);
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
    if (f->shut && !f->has_shut && f->sent == f->total) {
        assert_int_equal(nst_socket_shutdown(stack, p->s[f->from], NST_SHUT_SEND), 0);
        f->has_shut = true;
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

static void pump(struct tcp_pair *p, struct tcp_flow *f)
{
    if (f == NULL)
        return;
    pump_out(p, f);
    pump_in(p, f);
}

static bool is_done(const struct tcp_flow *f)
{
    return f == NULL || (f->received == f->total && (f->ended || !f->shut));
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
        pump(p, a);
        pump(p, b);
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
        if (w->now > end || w->now > moved + 120 * NST_SEC)
            return false;
    }
}

struct nst_tcp_info tcp_pair_info(struct tcp_pair *p, int i)
{
    struct nst_tcp_info info;
    assert_int_equal(nst_socket_tcp_info(p->w.hosts[i].stack, p->s[i], &info), 0);
    return info;
}
