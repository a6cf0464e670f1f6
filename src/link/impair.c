/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Impairment of a link, each way, from a seed: two lines (line.h) over a lower link.
 *
 * Theory of operation. Time is the `now` of run(), which comes before anything is transmitted; what
 * the lower link delivers between two runs waits for the next, so that its delay is counted from
 * then. What comes out of the sending line goes to the lower link; what comes out of the receiving
 * one, up.
 *
 * Large segments are one packet to a link with segmentation, but many on the wire: so the impaired
 * link offers no segmentation, and every wire packet has its own fate. What the lower link delivers
 * as one packet has one.
 *
 * Invariant: what is due was passed on when run or transmit returns, unless the lower link is full;
 * then the NIC is held back.
 */
#include <nicstack/line.h>

#include "link/middleware.h"

struct impair {
    struct middleware m; /* first */
    nst_time now;
    struct nst_line *tx, *rx;
    struct nst_pktq arrived; /* from the lower link, before the next run */
};

static void impair_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct impair *im = (struct impair *)link;
    nst_line_put(im->tx, link->pool, im->now, q);
    nst_line_take(im->tx, im->now, &im->m.out);
    middleware_send(&im->m);
}

static void impair_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    nst_pktq_splice(&((struct impair *)middleware_of_upper(upper))->arrived, q);
}

static void impair_run(struct nst_link *link, nst_time now)
{
    struct impair *im = (struct impair *)link;
    struct nst_pktq in = {0};
    im->now = now;
    middleware_run(link, now);
    nst_line_put(im->rx, link->pool, now, &im->arrived);
    nst_line_take(im->rx, now, &in);
    if (!nst_pktq_is_empty(&in))
        nst_link_deliver(link, &in);
    nst_line_take(im->tx, now, &im->m.out);
    middleware_send(&im->m);
}

static nst_time min_time(nst_time x, nst_time y)
{
    return x < y ? x : y;
}

static nst_time impair_next_deadline(struct nst_link *link)
{
    struct impair *im = (struct impair *)link;
    if (!nst_pktq_is_empty(&im->arrived))
        return 0;
    return min_time(middleware_next_deadline(link),
                    min_time(nst_line_next_deadline(im->tx), nst_line_next_deadline(im->rx)));
}

static void impair_detach(struct nst_link *link)
{
    struct impair *im = (struct impair *)link;
    struct nst_pkt *p;
    middleware_detach(link);
    nst_line_clear(im->tx);
    nst_line_clear(im->rx);
    while ((p = nst_pktq_pop(&im->arrived)) != NULL)
        nst_pkt_free(p);
}

static const struct nst_link_ops impair_ops = {
    .transmit = impair_transmit,
    .parse_header = middleware_parse_header,
    .push_header = middleware_push_header,
    .attach = middleware_attach,
    .detach = impair_detach,
    .run = impair_run,
    .next_deadline = impair_next_deadline,
    .set_mtu = middleware_set_mtu,
    .set_address = middleware_set_address,
};

static struct nst_line *make_line(const struct impair *im, const struct nst_impair_direction *way,
                                  uint64_t seed)
{
    const struct nst_line_config config = {
        .size = sizeof(config), .impair = *way, .seed = seed, .header = im->m.link.max_header};
    struct nst_line *line;
    return nst_line_new(&im->m.allocator, &config, &line) == 0 ? line : NULL;
}

struct nst_link *nst_impair_new(const struct nst_allocator *allocator, struct nst_link *lower,
                                const struct nst_impair_config *config)
{
    if (config->size != sizeof(*config))
        return NULL;
    struct impair *im = allocator->alloc(allocator->context, sizeof(*im));
    if (im == NULL)
        return NULL;
    *im = (struct impair){0};
    middleware_init(&im->m, allocator, lower, &impair_ops,
                    NST_LINK_TSO4 | NST_LINK_TSO6 | NST_LINK_USO);
    im->m.upper =
        (struct nst_link_upper){.deliver = impair_deliver, .writable = middleware_writable};
    im->tx = make_line(im, &config->tx, config->seed);
    im->rx = make_line(im, &config->rx, ~config->seed);
    if (im->tx == NULL || im->rx == NULL) {
        nst_impair_free(&im->m.link);
        return NULL;
    }
    return &im->m.link;
}

void nst_impair_get_stats(struct nst_link *link, struct nst_impair_stats *ret_tx,
                          struct nst_impair_stats *ret_rx)
{
    const struct impair *im = (const struct impair *)link;
    nst_line_get_stats(im->tx, ret_tx);
    nst_line_get_stats(im->rx, ret_rx);
}

void nst_impair_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    struct impair *im = (struct impair *)link;
    nst_line_free(im->tx);
    nst_line_free(im->rx);
    const struct nst_allocator allocator = im->m.allocator;
    allocator.free(allocator.context, im, sizeof(*im));
}
