/* SPDX-License-Identifier: Apache-2.0 */
/* Any order of sending, running, detaching and impairing two ends of a pipe: no packet is lost
 * track of, and a link that is not blocked takes everything. */
#include <nicstack/host.h>

#include <string.h>

#include "base/check.h"
#include "packet/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
    struct nst_link_upper upper;
    struct nst_pool *pool;
    struct nst_link *link;
    bool attached;
    struct nst_pktq got, txq;
};

static void deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    nst_pktq_splice(&((struct end *)upper)->got, q);
}

static void writable(struct nst_link_upper *upper)
{
    CHECK(!((struct end *)upper)->link->tx_blocked);
}

static void forget(struct nst_pktq *q)
{
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL)
        nst_pkt_free(p);
    CHECK(q->count == 0 && q->bytes == 0);
}

static void attach(struct end *e)
{
    if (e->attached)
        return;
    e->link->upper = &e->upper;
    e->link->pool = e->pool;
    if (e->link->ops->attach != NULL)
        e->link->ops->attach(e->link);
    e->attached = true;
}

static void detach(struct end *e)
{
    if (!e->attached)
        return;
    e->link->ops->detach(e->link);
    e->link->upper = NULL;
    e->link->pool = NULL;
    e->attached = false;
    forget(&e->got);
    forget(&e->txq);
}

static void send_one(struct end *e, uint8_t size)
{
    struct nst_pkt *p = nst_pkt_new(e->pool, 16, size * 16u);
    if (p == NULL)
        return;
    memset(nst_pkt_put(p, size * 16u), size, size * 16u);
    if (size > 4)
        nst_pkt_request_csum(p, size, 6);
    nst_pktq_push(&e->txq, p);
    if (e->link->tx_blocked)
        return;
    e->link->ops->transmit(e->link, &e->txq);
    CHECK(nst_pktq_is_empty(&e->txq) || e->link->tx_blocked);
}

static void step(struct end *e, uint8_t op, uint8_t arg, nst_time *now)
{
    if (op < 160) {
        if (e->attached)
            send_one(e, arg);
    } else if (op < 220) {
        *now += (nst_time)arg * 1000;
        if (e->attached && e->link->ops->run != NULL)
            e->link->ops->run(e->link, *now);
        forget(&e->got);
    } else if (op < 240) {
        detach(e);
    } else {
        attach(e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 8)
        return 0;
    const struct nst_allocator *a = nst_host_allocator();
    const struct nst_pipe_config pipe = {.size = sizeof(pipe), .limit = 1 + data[0] % 8u};
    struct nst_impair_config impair = {.size = sizeof(impair), .seed = data[1]};
    impair.tx = (struct nst_impair_direction){.delay = data[2] * 1000,
                                              .jitter = data[3] * 1000,
                                              .loss_ppm = data[4] * 3900u,
                                              .duplicate_ppm = data[4] * 2000u,
                                              .corrupt_ppm = data[5] * 3900u,
                                              .reorder_ppm = data[5] * 2000u,
                                              .rate_bps = data[6] * 1000000u,
                                              .queue = data[7] % 16u};
    impair.rx = impair.tx;
    struct nst_link *ends[2];
    struct end e[2] = {0};
    nst_time now = 0;
    CHECK(nst_pipe_new(a, &pipe, ends) == 0);
    struct nst_link *impaired = nst_impair_new(a, ends[0], &impair);
    CHECK(impaired != NULL);
    for (int i = 0; i < 2; i++) {
        e[i] = (struct end){.upper = {.deliver = deliver, .writable = writable},
                            .pool = pool_new(a, 1 << 20),
                            .link = i == 0 ? impaired : ends[1]};
        attach(&e[i]);
    }
    for (size_t i = 8; i + 1 < size; i += 2)
        step(&e[data[i] & 1], data[i] & 0xfe, data[i + 1], &now);
    detach(&e[0]);
    detach(&e[1]);
    CHECK(e[0].pool->packets_alive == 0 && e[1].pool->packets_alive == 0);
    nst_impair_free(impaired);
    nst_pipe_free(ends);
    pool_retire(e[0].pool);
    pool_retire(e[1].pool);
    return 0;
}
