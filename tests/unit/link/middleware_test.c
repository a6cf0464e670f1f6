/* SPDX-License-Identifier: Apache-2.0 */
/* Middleware that does nothing but pass on, over a link that the test plays. */
#include "link/middleware.h"
#include "top.h"

struct bottom {
    struct nst_link link; /* first */
    uint32_t room;
    struct nst_pktq sent;
    int attached, detached, runs;
};

static void bottom_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct bottom *b = (struct bottom *)link;
    assert_false(link->tx_blocked);
    while (!nst_pktq_is_empty(q)) {
        if (b->room == 0) {
            link->tx_blocked = true;
            return;
        }
        b->room--;
        nst_pktq_push(&b->sent, nst_pktq_pop(q));
    }
}

static void bottom_attach(struct nst_link *link)
{
    ((struct bottom *)link)->attached++;
    assert_non_null(link->upper);
    assert_non_null(link->pool);
}

static void bottom_detach(struct nst_link *link)
{
    ((struct bottom *)link)->detached++;
    assert_non_null(link->pool);
}

static void bottom_run(struct nst_link *link, nst_time now)
{
    ((struct bottom *)link)->runs += (int)now;
}

static nst_time bottom_deadline(struct nst_link *link)
{
    return 77;
}

static int bottom_set_mtu(struct nst_link *link, uint32_t mtu)
{
    if (mtu > 2000)
        return -NST_EINVAL;
    link->mtu = mtu;
    return 0;
}

static int bottom_set_address(struct nst_link *link, struct nst_mac addr)
{
    link->addr = addr;
    return 0;
}

static const struct nst_link_ops full_ops = {
    .transmit = bottom_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
    .attach = bottom_attach,
    .detach = bottom_detach,
    .run = bottom_run,
    .next_deadline = bottom_deadline,
    .set_mtu = bottom_set_mtu,
    .set_address = bottom_set_address,
};

static const struct nst_link_ops least_ops = {
    .transmit = bottom_transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

static void pass_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct middleware *m = (struct middleware *)link;
    nst_pktq_splice(&m->out, q);
    middleware_send(m);
}

static void pass_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    nst_link_deliver(&middleware_of_upper(upper)->link, q);
}

static const struct nst_link_ops pass_ops = {
    .transmit = pass_transmit,
    .parse_header = middleware_parse_header,
    .push_header = middleware_push_header,
    .attach = middleware_attach,
    .detach = middleware_detach,
    .run = middleware_run,
    .next_deadline = middleware_next_deadline,
    .set_mtu = middleware_set_mtu,
    .set_address = middleware_set_address,
};

struct rig {
    struct top top;
    struct bottom bottom;
    struct middleware m;
};

static void rig_init(struct rig *r, const struct nst_link_ops *ops, uint32_t room)
{
    top_init(&r->top, 4 << 20);
    r->bottom = (struct bottom){.room = room,
                                .link = {.ops = ops,
                                         .caps = NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_USO,
                                         .mtu = 1500,
                                         .max_header = 14,
                                         .gso_max = 60000,
                                         .addr = {{2, 1}}}};
    middleware_init(&r->m, &r->top.alloc.allocator, &r->bottom.link, &pass_ops, 0);
    r->m.upper = (struct nst_link_upper){.deliver = pass_deliver, .writable = middleware_writable};
    top_attach(&r->top, &r->m.link);
}

static void rig_fini(struct rig *r)
{
    top_forget(&r->bottom.sent);
    top_fini(&r->top);
    assert_null(r->bottom.link.upper);
    assert_null(r->bottom.link.pool);
}

static void takes_over_what_the_lower_link_is(void **state)
{
    struct rig r;
    rig_init(&r, &full_ops, 0);
    assert_int_equal(r.m.link.caps, r.bottom.link.caps);
    assert_int_equal(r.m.link.mtu, 1500);
    assert_int_equal(r.m.link.max_header, 14);
    assert_int_equal(r.m.link.gso_max, 60000);
    assert_int_equal(r.m.link.addr.b[1], 1);
    struct middleware less;
    middleware_init(&less, &r.top.alloc.allocator, &r.bottom.link, &pass_ops, NST_LINK_TSO4);
    assert_int_equal(less.link.caps, NST_LINK_CSUM_TX | NST_LINK_USO);
    assert_int_equal(less.link.gso_max, 60000);
    middleware_init(&less, &r.top.alloc.allocator, &r.bottom.link, &pass_ops,
                    NST_LINK_TSO4 | NST_LINK_USO);
    assert_int_equal(less.link.gso_max, 0);
    rig_fini(&r);
}

static void passes_operations_on(void **state)
{
    struct rig r;
    rig_init(&r, &full_ops, 10);
    struct nst_link *link = &r.m.link;
    assert_int_equal(r.bottom.attached, 1);
    top_run(&r.top, 5);
    assert_int_equal(r.bottom.runs, 5);
    assert_int_equal(top_deadline(&r.top), 77);
    assert_int_equal(link->ops->set_mtu(link, 3000), -NST_EINVAL);
    assert_int_equal(link->mtu, 1500);
    assert_int_equal(link->ops->set_mtu(link, 1400), 0);
    assert_int_equal(link->mtu, 1400);
    assert_int_equal(link->ops->set_address(link, (struct nst_mac){{2, 9}}), 0);
    assert_int_equal(link->addr.b[1], 9);
    struct nst_pkt *p = top_packet(&r.top, 1, 60);
    struct nst_link_header header = {.ethertype = NST_ETHERTYPE_ARP}, back;
    link->ops->push_header(link, p, &header);
    assert_int_equal(p->len, 74);
    assert_true(link->ops->parse_header(link, p, &back));
    assert_int_equal(back.ethertype, NST_ETHERTYPE_ARP);
    nst_pkt_free(p);
    top_detach(&r.top);
    assert_int_equal(r.bottom.detached, 1);
    rig_fini(&r);
}

static void does_without_what_the_lower_link_has_not(void **state)
{
    struct rig r;
    rig_init(&r, &least_ops, 10);
    struct nst_link *link = &r.m.link;
    top_run(&r.top, 5);
    assert_true(top_deadline(&r.top) == NST_TIME_NEVER);
    assert_int_equal(link->ops->set_mtu(link, 1400), -NST_EOPNOTSUPP);
    assert_int_equal(link->ops->set_address(link, (struct nst_mac){{2, 9}}), -NST_EOPNOTSUPP);
    rig_fini(&r);
}

static void pushes_back_while_the_lower_link_is_full(void **state)
{
    struct rig r;
    rig_init(&r, &full_ops, 2);
    top_send(&r.top, 0, 5, 60);
    assert_true(r.m.link.tx_blocked);
    assert_int_equal(r.bottom.sent.count, 2);
    r.bottom.room = 1;
    nst_link_set_writable(&r.bottom.link); /* room for one: still blocked */
    assert_true(r.m.link.tx_blocked);
    assert_int_equal(r.top.writable, 0);
    r.bottom.room = 2;
    nst_link_set_writable(&r.bottom.link); /* room for all that waits */
    assert_false(r.m.link.tx_blocked);
    assert_int_equal(r.top.writable, 1);
    assert_int_equal(r.bottom.sent.count, 5);
    rig_fini(&r);
}

static void is_blocked_from_the_start_over_a_full_link(void **state)
{
    struct rig r;
    rig_init(&r, &full_ops, 1);
    top_detach(&r.top);
    r.bottom.link.tx_blocked = true;
    top_attach(&r.top, &r.m.link);
    assert_true(r.m.link.tx_blocked);
    nst_link_set_writable(&r.bottom.link);
    assert_int_equal(r.top.writable, 1);
    rig_fini(&r);
}

TESTS({"a middleware is what its lower link is, less what is taken away",
       takes_over_what_the_lower_link_is},
      {"operations pass on", passes_operations_on},
      {"operations that the lower link has not are no fault",
       does_without_what_the_lower_link_has_not},
      {"a full lower link blocks, until all that waited is out",
       pushes_back_while_the_lower_link_is_full},
      {"over a full link it is blocked from the start", is_blocked_from_the_start_over_a_full_link})
