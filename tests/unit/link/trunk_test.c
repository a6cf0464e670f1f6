/* SPDX-License-Identifier: Apache-2.0 */
/* A trunk over one end of a pipe; the test plays the other end and what is above. */
#include <nicstack/vlan.h>

#include "frames.h"
#include "top.h"
#include "wire/eth.h"

#define MAC(n) ((struct nst_mac){{2, 0, 0, 0, 0, (n)}})

enum {
    UNTAGGED,
    FIVE,
    SIX,
    LINKS
};

struct rig {
    struct alloc alloc;
    struct nst_link *pipe[2];
    struct nst_trunk *trunk;
    struct nst_link *links[LINKS];
    struct top tops[LINKS], wire;
};

static void rig_init(struct rig *r, uint32_t limit)
{
    const struct nst_pipe_config pipe = {.size = sizeof(pipe),
                                         .ethernet = true,
                                         .limit = limit,
                                         .caps = NST_LINK_CSUM_TX | NST_LINK_TSO4,
                                         .addr = {MAC(1), MAC(2)}};
    const struct nst_vlan_config five = {.size = sizeof(five), .id = 5, .pcp = 3};
    const struct nst_vlan_config six = {.size = sizeof(six), .id = 6, .mtu = 1400, .addr = MAC(6)};
    *r = (struct rig){0};
    alloc_init(&r->alloc);
    assert_int_equal(nst_pipe_new(&r->alloc.allocator, &pipe, r->pipe), 0);
    assert_int_equal(nst_trunk_new(&r->alloc.allocator, r->pipe[0], &r->trunk), 0);
    r->links[UNTAGGED] = nst_trunk_link(r->trunk);
    assert_int_equal(nst_trunk_add_vlan(r->trunk, &five, &r->links[FIVE]), 0);
    assert_int_equal(nst_trunk_add_vlan(r->trunk, &six, &r->links[SIX]), 0);
    for (int i = 0; i < LINKS; i++) {
        top_init(&r->tops[i], 4 << 20);
        r->tops[i].upper.deliver = top_deliver;
    }
    top_init(&r->wire, 4 << 20);
    /* All of one stack: the pool of the first. */
    for (int i = 0; i < LINKS; i++) {
        r->tops[i].link = r->links[i];
        r->links[i]->upper = &r->tops[i].upper;
        r->links[i]->pool = r->tops[0].pool;
        r->links[i]->ops->attach(r->links[i]);
    }
    top_attach(&r->wire, r->pipe[1]);
}

static void rig_fini(struct rig *r)
{
    for (int i = 0; i < LINKS; i++) {
        top_detach(&r->tops[i]);
        top_forget(&r->tops[i].got);
        top_forget(&r->tops[i].txq);
    }
    top_detach(&r->wire);
    nst_trunk_remove_vlan(r->links[FIVE]);
    nst_trunk_remove_vlan(r->links[SIX]);
    nst_trunk_free(r->trunk);
    nst_pipe_free(r->pipe);
    assert_int_equal(r->alloc.live, 0);
    top_fini(&r->wire);
    for (int i = LINKS; i-- > 0;)
        top_fini(&r->tops[i]);
}

static uint64_t counter(const struct rig *r, const char *name)
{
    struct nst_counter c;
    for (size_t n = 0; nst_trunk_counter_at(r->trunk, n, &c); n++)
        if (strcmp(c.name, name) == 0)
            return c.value;
    fail_msg("no counter %s", name);
    return 0;
}

/* A frame of `len` bytes of payload that begins with its number; vid < 0: without a tag. */
static struct nst_pkt *frame(struct nst_pool *pool, uint32_t headroom, int vid, uint8_t number)
{
    uint8_t data[64] = {0};
    const struct eth_hdr hdr = {
        .dst = MAC(1), .src = MAC(2), .type = vid >= 0 ? ETH_TYPE_VLAN : ETH_TYPE_IPV4};
    const struct eth_tag tag = {.pcp = 7, .vid = (uint16_t)vid, .type = ETH_TYPE_IPV4};
    size_t len = eth_build(data, &hdr);
    if (vid >= 0)
        len += eth_tag_build(data + len, &tag);
    data[len] = number;
    len += 20;
    struct nst_pkt *p = nst_pkt_new(pool, headroom, (uint32_t)len);
    memcpy(nst_pkt_put(p, (uint32_t)len), data, len);
    return p;
}

static void receive(struct rig *r, int vid, uint8_t number)
{
    nst_pktq_push(&r->wire.txq, frame(r->wire.pool, TOP_HEADROOM, vid, number));
}

static void run(struct rig *r)
{
    top_flush(&r->wire);
    for (int i = 0; i < LINKS; i++)
        if (r->tops[i].link != NULL)
            top_run(&r->tops[i], 1);
    top_run(&r->wire, 1);
}

/* The next frame of a link is this one, and has no tag. */
static void expect(struct rig *r, int link, uint8_t number)
{
    struct nst_pkt *p = nst_pktq_pop(&r->tops[link].got);
    struct eth_hdr hdr;
    assert_non_null(p);
    assert_int_equal(eth_parse(p->data, p->linear, &hdr), ETH_HDR_LEN);
    assert_int_equal(hdr.type, ETH_TYPE_IPV4);
    assert_true(mac_equal(&hdr.dst, &MAC(1)) && mac_equal(&hdr.src, &MAC(2)));
    assert_int_equal(p->len, ETH_HDR_LEN + 20);
    assert_int_equal(p->data[ETH_HDR_LEN], number);
    nst_pkt_free(p);
}

static void frames_go_to_their_vlan(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    receive(&r, 5, 1);
    receive(&r, -1, 2);
    receive(&r, 5, 3);
    receive(&r, 6, 4);
    receive(&r, 0, 5);
    receive(&r, 7, 6);
    receive(&r, 4095, 7);
    run(&r);
    expect(&r, FIVE, 1);
    expect(&r, FIVE, 3);
    expect(&r, SIX, 4);
    expect(&r, UNTAGGED, 2);
    expect(&r, UNTAGGED, 5);
    for (int i = 0; i < LINKS; i++)
        assert_int_equal(r.tops[i].got.count, 0);
    assert_int_equal(counter(&r, "trunk_rx_tagged"), 3);
    assert_int_equal(counter(&r, "trunk_rx_untagged"), 1);
    assert_int_equal(counter(&r, "trunk_rx_priority"), 1);
    assert_int_equal(counter(&r, "trunk_rx_unknown_vlan"), 2);
    rig_fini(&r);
}

/* Frames cut at every byte of header and tag. */
static void cut_frames_do_no_harm(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    struct nst_pkt *whole = frame(r.tops[0].pool, 0, 5, 1);
    struct nst_pktq q = {0};
    for (uint32_t len = 1; len < ETH_HDR_LEN + ETH_TAG_LEN; len++) {
        struct nst_pkt *p = nst_pkt_new(r.tops[0].pool, 0, len);
        memcpy(nst_pkt_put(p, len), whole->data, len);
        nst_pktq_push(&q, p);
    }
    nst_pkt_free(whole);
    nst_link_deliver(r.pipe[0], &q);
    /* Without a whole header it is the NIC's to refuse; with a part of a tag it ends here. */
    assert_int_equal(r.tops[UNTAGGED].got.count, ETH_HDR_LEN - 1);
    assert_int_equal(counter(&r, "trunk_rx_malformed"), ETH_TAG_LEN);
    top_forget(&r.tops[UNTAGGED].got);
    rig_fini(&r);
}

/* What the wire got: its tag's bits, or -1 without one. */
static int sent(struct rig *r, uint8_t *ret_number)
{
    struct nst_pkt *p = nst_pktq_pop(&r->wire.got);
    struct eth_hdr hdr;
    struct eth_tag tag;
    int bits = -1;
    assert_non_null(p);
    eth_parse(p->data, p->linear, &hdr);
    assert_true(mac_equal(&hdr.dst, &MAC(1)) && mac_equal(&hdr.src, &MAC(2)));
    size_t at = ETH_HDR_LEN;
    if (hdr.type == ETH_TYPE_VLAN) {
        at += eth_tag_parse(p->data + at, p->linear - at, &tag);
        assert_int_equal(tag.type, ETH_TYPE_IPV4);
        bits = tag.pcp << 12 | tag.vid;
    }
    assert_int_equal(p->len, at + 20);
    *ret_number = p->data[at];
    nst_pkt_free(p);
    return bits;
}

static void what_a_vlan_sends_has_its_tag(void **state)
{
    struct rig r;
    uint8_t number;
    rig_init(&r, 0);
    nst_pktq_push(&r.tops[FIVE].txq, frame(r.tops[0].pool, TOP_HEADROOM, -1, 1));
    /* A frame that was received elsewhere may have no room in front. */
    nst_pktq_push(&r.tops[FIVE].txq, frame(r.tops[0].pool, 0, -1, 2));
    nst_pktq_push(&r.tops[SIX].txq, frame(r.tops[0].pool, TOP_HEADROOM, -1, 3));
    nst_pktq_push(&r.tops[UNTAGGED].txq, frame(r.tops[0].pool, 0, -1, 4));
    for (int i = FIVE; i <= SIX; i++)
        top_flush(&r.tops[i]);
    top_flush(&r.tops[UNTAGGED]);
    run(&r);
    assert_int_equal(sent(&r, &number), 3 << 12 | 5);
    assert_int_equal(number, 1);
    assert_int_equal(sent(&r, &number), 3 << 12 | 5);
    assert_int_equal(number, 2);
    assert_int_equal(sent(&r, &number), 6);
    assert_int_equal(sent(&r, &number), -1);
    assert_int_equal(counter(&r, "trunk_tx_tagged"), 3);
    assert_int_equal(counter(&r, "trunk_tx_copied"), 1);
    rig_fini(&r);
}

static void requests_go_with_the_frame(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    for (uint32_t headroom = 0; headroom <= TOP_HEADROOM; headroom += TOP_HEADROOM) {
        struct nst_pkt *p = frame(r.tops[0].pool, headroom, -1, 1);
        nst_pkt_request_csum(p, ETH_HDR_LEN + 4, 6);
        p->gso = NST_GSO_TCP4;
        p->gso_size = 1000;
        nst_pktq_push(&r.tops[FIVE].txq, p);
    }
    top_flush(&r.tops[FIVE]);
    run(&r);
    assert_int_equal(r.wire.got.count, 2);
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(&r.wire.got)) != NULL) {
        assert_int_equal(p->csum, NST_CSUM_PARTIAL);
        assert_int_equal(nst_pkt_csum_start(p), ETH_HDR_LEN + ETH_TAG_LEN + 4);
        assert_int_equal(p->csum_offset, 6);
        assert_int_equal(p->gso, NST_GSO_TCP4);
        assert_int_equal(p->gso_size, 1000);
        nst_pkt_free(p);
    }
    rig_fini(&r);
}

static void a_full_link_blocks_all_and_frees_all(void **state)
{
    struct rig r;
    uint8_t number;
    rig_init(&r, 2);
    for (uint8_t i = 0; i < 4; i++)
        nst_pktq_push(&r.tops[FIVE].txq, frame(r.tops[0].pool, TOP_HEADROOM, -1, i));
    nst_pktq_push(&r.tops[SIX].txq, frame(r.tops[0].pool, TOP_HEADROOM, -1, 10));
    nst_pktq_push(&r.tops[UNTAGGED].txq, frame(r.tops[0].pool, TOP_HEADROOM, -1, 20));
    top_flush(&r.tops[FIVE]);
    top_flush(&r.tops[SIX]);
    top_flush(&r.tops[UNTAGGED]);
    for (int i = 0; i < LINKS; i++)
        assert_true(r.links[i]->tx_blocked);
    assert_int_equal(r.tops[SIX].txq.count, 1);
    unsigned got = 0;
    for (int n = 0; n < 8; n++) {
        run(&r);
        for (int i = 0; i < LINKS; i++)
            top_flush(&r.tops[i]);
    }
    while (!nst_pktq_is_empty(&r.wire.got)) {
        if (sent(&r, &number) == (3 << 12 | 5))
            assert_int_equal(number, got < 4 ? got : 99);
        got++;
    }
    assert_int_equal(got, 6);
    for (int i = 0; i < LINKS; i++)
        assert_false(r.links[i]->tx_blocked);
    rig_fini(&r);
}

static void links_come_and_go(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    top_detach(&r.tops[UNTAGGED]);
    assert_non_null(r.pipe[0]->upper);
    receive(&r, -1, 1);
    receive(&r, 5, 2);
    run(&r);
    expect(&r, FIVE, 2);
    top_detach(&r.tops[SIX]);
    top_detach(&r.tops[FIVE]);
    assert_null(r.pipe[0]->upper);
    assert_null(r.pipe[0]->pool);
    rig_fini(&r);
}

static void wrong_configs_are_refused(void **state)
{
    struct rig r;
    struct nst_link *link;
    rig_init(&r, 0);
    struct nst_vlan_config c = {.size = sizeof(c), .id = 5};
    assert_int_equal(nst_trunk_add_vlan(r.trunk, &c, &link), -NST_EEXIST);
    c.id = 0;
    assert_int_equal(nst_trunk_add_vlan(r.trunk, &c, &link), -NST_EINVAL);
    c.id = 4095;
    assert_int_equal(nst_trunk_add_vlan(r.trunk, &c, &link), -NST_EINVAL);
    c = (struct nst_vlan_config){.size = sizeof(c), .id = 9, .mtu = 1501};
    assert_int_equal(nst_trunk_add_vlan(r.trunk, &c, &link), -NST_EINVAL);
    c.mtu = 0;
    r.alloc.fail_at = r.alloc.count + 1;
    assert_int_equal(nst_trunk_add_vlan(r.trunk, &c, &link), -NST_ENOMEM);
    assert_int_equal(r.links[SIX]->mtu, 1400);
    assert_int_equal(r.links[SIX]->ops->set_mtu(r.links[SIX], 1501), -NST_EINVAL);
    assert_int_equal(r.links[SIX]->ops->set_mtu(r.links[SIX], 1500), 0);
    assert_true(mac_equal(&r.links[SIX]->addr, &MAC(6)));
    assert_true(mac_equal(&r.links[FIVE]->addr, &MAC(1)));
    rig_fini(&r);
    struct nst_trunk *trunk;
    const struct nst_pipe_config pipe = {.size = sizeof(pipe)};
    struct nst_link *ends[2];
    nst_pipe_new(&r.alloc.allocator, &pipe, ends);
    assert_int_equal(nst_trunk_new(&r.alloc.allocator, ends[0], &trunk), -NST_EINVAL);
    nst_pipe_free(ends);
    nst_trunk_free(NULL);
    nst_trunk_remove_vlan(NULL);
}

/* Frames of a VLAN that is larger than the link below would be lost there. */
static void the_link_below_is_not_made_smaller_than_its_vlans(void **state)
{
    struct rig r;
    rig_init(&r, 0);
    struct nst_link *untagged = r.links[UNTAGGED], *five = r.links[FIVE];
    assert_int_equal(untagged->ops->set_mtu(untagged, 1400), -NST_EBUSY);
    assert_int_equal(untagged->mtu, 1500);
    assert_int_equal(r.pipe[0]->mtu, 1500);
    assert_int_equal(five->ops->set_mtu(five, 1400), 0);
    assert_int_equal(untagged->ops->set_mtu(untagged, 1399), -NST_EBUSY);
    assert_int_equal(untagged->ops->set_mtu(untagged, 1400), 0);
    assert_int_equal(r.pipe[0]->mtu, 1400);
    assert_int_equal(untagged->ops->set_mtu(untagged, 9000), 0);
    assert_int_equal(five->mtu, 1400);
    rig_fini(&r);
}

TESTS({"the link below is not made smaller than its VLANs",
       the_link_below_is_not_made_smaller_than_its_vlans},
      {"frames go to the link of their VLAN, without the tag", frames_go_to_their_vlan},
      {"frames that are cut short do no harm", cut_frames_do_no_harm},
      {"what a VLAN sends has its tag and priority", what_a_vlan_sends_has_its_tag},
      {"requests for checksums and segments go with the frame", requests_go_with_the_frame},
      {"a full link blocks all of them, and frees all", a_full_link_blocks_all_and_frees_all},
      {"links come and go, the lower one with the last", links_come_and_go},
      {"wrong configs are refused", wrong_configs_are_refused})
