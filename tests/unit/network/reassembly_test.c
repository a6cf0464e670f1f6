/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/ipv4.h"
#include "wire/icmp4.h"

static struct lab lab;
static struct nic *nic;
static uint8_t pattern[70000];

static void begin(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)(i * 31 + (i >> 8));
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
}

static struct reassembly *box(void)
{
    return &lab.stack->ip4->reassembly;
}

struct frag {
    uint32_t offset, len;
    bool more;
    uint8_t tos;
};

static void feed_as(const char *src, uint16_t id, uint8_t proto, struct frag f)
{
    static uint8_t packet[70000];
    const struct lab_ip ip = {.src = src,
                              .dst = "10.0.0.1",
                              .proto = proto,
                              .id = id,
                              .frag = (uint16_t)f.offset,
                              .mf = f.more,
                              .tos = f.tos};
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, pattern + f.offset, f.len));
}

static void feed(struct frag f)
{
    feed_as("10.0.0.2", 7, LAB_PROTO, f);
}

/* The datagram of `len` bytes was delivered once, whole. */
static void expect_whole(size_t len)
{
    assert_int_equal(lab.delivered, 1);
    assert_int_equal(lab.payload_len, len);
    assert_memory_equal(lab.payload, pattern, len);
    assert_int_equal(box()->count, 0);
    assert_int_equal(box()->bytes, 0);
    assert_false(timer_is_armed(&box()->timer));
}

static void expect_poisoned(void)
{
    assert_int_equal(lab.delivered, 0);
    assert_int_equal(box()->bytes, 0);
    assert_int_equal(lab.stack->counters.ip4_reassembly_failed, 1);
}

static void fragments_in_any_order_make_the_datagram(void **state)
{
    static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const struct frag parts[3] = {{0, 800, true}, {800, 800, true}, {1600, 333, false}};
    for (unsigned o = 0; o < 6; o++) {
        begin();
        for (unsigned i = 0; i < 3; i++)
            feed(parts[orders[o][i]]);
        expect_whole(1933);
        lab_fini(&lab);
    }
}

static void a_few_fragments_are_not_copied(void **state)
{
    begin();
    for (unsigned i = 0; i < 10; i++)
        feed((struct frag){i * 1000, 1000, i < 9});
    expect_whole(10000);
    assert_true(lab.slices >= 9);
    lab_fini(&lab);
}

static void many_fragments_are_copied_once(void **state)
{
    begin();
    for (unsigned i = 200; i-- > 0;)
        feed((struct frag){i * 48, 48, i < 199});
    expect_whole(9600);
    assert_int_equal(lab.slices, 0);
    lab_fini(&lab);
}

static void the_largest_datagram_fits(void **state)
{
    begin();
    const uint32_t whole = 65535 - 20;
    for (uint32_t at = 0; at < whole; at += 1480)
        feed((struct frag){at, at + 1480 < whole ? 1480 : whole - at, at + 1480 < whole});
    expect_whole(whole);
    lab_fini(&lab);
}

static void a_repetition_is_ignored(void **state)
{
    begin();
    feed((struct frag){0, 800, true});
    feed((struct frag){0, 800, true});
    feed((struct frag){800, 100, false});
    expect_whole(900);
    assert_int_equal(lab_drops(&lab, DROP_FRAG_MALFORMED), 1);
    lab_fini(&lab);
}

static void overlaps_drop_the_whole_datagram(void **state)
{
    static const struct frag over[] = {
        {0, 808, true},   /* the tail of the first reaches into the second */
        {392, 16, true},  /* across the first's end */
        {400, 16, true},  /* inside the second, at its beginning */
        {408, 16, true},  /* inside */
        {784, 16, true},  /* inside, at its end */
        {792, 16, true},  /* across its end */
        {392, 440, true}, /* around it */
    };
    for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
        begin();
        feed((struct frag){400, 400, true});
        feed((struct frag){0, 400, true});
        feed(over[i]);
        expect_poisoned();
        /* What comes later is dropped too, though it would fill the hole. */
        feed((struct frag){0, 800, true});
        feed((struct frag){800, 100, false});
        assert_int_equal(lab.delivered, 0);
        lab_advance(&lab, IP4_REASSEMBLY_TIMEOUT);
        assert_int_equal(box()->count, 0);
        lab_fini(&lab);
    }
}

static void two_ends_drop_the_datagram(void **state)
{
    begin();
    feed((struct frag){800, 100, false});
    feed((struct frag){800, 104, false});
    expect_poisoned();
    lab_fini(&lab);
    begin();
    feed((struct frag){800, 100, false});
    feed((struct frag){1600, 8, true});
    expect_poisoned();
    lab_fini(&lab);
    begin();
    feed((struct frag){1600, 8, true});
    feed((struct frag){800, 100, false});
    expect_poisoned();
    lab_fini(&lab);
}

static void what_runs_past_65535_is_dropped(void **state)
{
    begin();
    feed((struct frag){0, 800, true});
    feed((struct frag){65528, 800, false});
    expect_poisoned();
    lab_fini(&lab);
    begin();
    feed((struct frag){65512, 8, false}); /* ends at 65520: with its header too long */
    expect_poisoned();
    lab_fini(&lab);
}

static void tiny_first_fragments_are_refused(void **state)
{
    begin();
    feed_as("10.0.0.2", 7, IP_PROTO_TCP, (struct frag){0, 16, true});
    expect_poisoned();
    lab_fini(&lab);
    begin();
    feed_as("10.0.0.2", 7, IP_PROTO_TCP, (struct frag){8, 100, false});
    expect_poisoned();
    lab_fini(&lab);
    begin();
    feed_as("10.0.0.2", 7, IP_PROTO_TCP, (struct frag){0, 24, true});
    feed_as("10.0.0.2", 7, IP_PROTO_TCP, (struct frag){24, 8, false});
    expect_whole(32);
    lab_fini(&lab);
}

static void empty_and_uneven_fragments_are_dropped(void **state)
{
    begin();
    feed((struct frag){0, 0, true});
    feed((struct frag){0, 801, true});
    feed((struct frag){800, 0, false});
    assert_int_equal(lab_drops(&lab, DROP_FRAG_MALFORMED), 3);
    assert_int_equal(box()->count, 0);
    lab_fini(&lab);
}

static void the_timeout_tells_the_sender(void **state)
{
    begin();
    feed((struct frag){0, 800, true});
    lab_advance(&lab, IP4_REASSEMBLY_TIMEOUT - 1);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_advance(&lab, 1);
    assert_int_equal(lab_drops(&lab, DROP_FRAG_TIMEOUT), 1);
    size_t len;
    const uint8_t *e = lab_take(&lab, 1, &len, NULL, NULL);
    assert_non_null(e);
    assert_int_equal(len, 576);
    assert_int_equal(e[20], ICMP4_TIME_EXCEEDED);
    assert_int_equal(e[21], ICMP4_REASSEMBLY_EXCEEDED);
    assert_memory_equal(e + 28 + 20, pattern, 500);
    lab_fini(&lab);
}

static void without_the_first_fragment_the_timeout_is_silent(void **state)
{
    begin();
    feed((struct frag){800, 800, true});
    lab_advance(&lab, IP4_REASSEMBLY_TIMEOUT);
    assert_int_equal(lab_drops(&lab, DROP_FRAG_TIMEOUT), 1);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void one_source_cannot_push_others_out(void **state)
{
    begin();
    feed((struct frag){0, 800, true});
    for (unsigned id = 0; id < 5000; id++)
        feed_as("10.0.0.99", (uint16_t)id, LAB_PROTO, (struct frag){0, 800, true});
    assert_true(box()->count <= REASSEMBLY_PER_SOURCE_MAX + 1);
    feed((struct frag){800, 100, false});
    assert_int_equal(lab.delivered, 1);
    lab_fini(&lab);
}

static void a_flood_of_incomplete_ones_is_bounded(void **state)
{
    begin();
    for (unsigned i = 0; i < 20000; i++) {
        char src[32];
        snprintf(src, sizeof(src), "10.0.%u.%u", 1 + i / 200 % 200, 1 + i % 200);
        feed_as(src, (uint16_t)i, LAB_PROTO, (struct frag){0, 1400, true});
        assert_true(box()->count <= REASSEMBLY_DATAGRAMS_MAX);
        assert_true(box()->bytes <= REASSEMBLY_BYTES_MAX);
    }
    lab_advance(&lab, IP4_REASSEMBLY_TIMEOUT);
    assert_int_equal(box()->count, 0);
    assert_int_equal(box()->bytes, 0);
    lab_fini(&lab);
}

static void too_many_fragments_of_one_datagram_are_refused(void **state)
{
    begin();
    for (unsigned i = 0; i < REASSEMBLY_FRAGMENTS_MAX + 1; i++)
        feed((struct frag){i * 16, 8, true});
    expect_poisoned();
    lab_fini(&lab);
}

static void sources_protocols_and_ids_are_kept_apart(void **state)
{
    begin();
    feed((struct frag){0, 800, true});
    feed_as("10.0.0.3", 7, LAB_PROTO, (struct frag){800, 100, false});
    feed_as("10.0.0.2", 8, LAB_PROTO, (struct frag){800, 100, false});
    feed_as("10.0.0.2", 7, IP_PROTO_UDP, (struct frag){800, 100, false});
    assert_int_equal(lab.delivered, 0);
    assert_int_equal(box()->count, 4);
    feed((struct frag){800, 100, false});
    assert_int_equal(lab.delivered, 1);
    lab_fini(&lab);
}

static void congestion_marks_survive_and_mixed_ones_do_not(void **state)
{
    begin();
    feed((struct frag){0, 800, true, IP_ECN_ECT0});
    feed((struct frag){800, 100, false, IP_ECN_CE});
    expect_whole(900);
    assert_int_equal(lab.rx.tos & IP_ECN_MASK, IP_ECN_CE);
    lab_fini(&lab);
    begin();
    feed((struct frag){0, 800, true, IP_ECN_NOT_ECT});
    feed((struct frag){800, 100, false, IP_ECN_CE});
    expect_poisoned();
    lab_fini(&lab);
}

static void disabling_the_nic_forgets_its_fragments(void **state)
{
    begin();
    feed((struct frag){0, 800, true});
    nst_nic_disable(lab.stack, 1);
    assert_int_equal(box()->count, 0);
    assert_int_equal(lab_drops(&lab, DROP_NIC_DISABLED), 1);
    lab_fini(&lab);
}

TESTS({"RFC 791 3.2: fragments in any order make the datagram",
       fragments_in_any_order_make_the_datagram},
      {"a few fragments are not copied", a_few_fragments_are_not_copied},
      {"many fragments are copied once", many_fragments_are_copied_once},
      {"the largest datagram fits", the_largest_datagram_fits},
      {"a repetition is ignored", a_repetition_is_ignored},
      {"RFC 5722: overlaps drop the whole datagram", overlaps_drop_the_whole_datagram},
      {"two ends drop the datagram", two_ends_drop_the_datagram},
      {"what runs past 65,535 is dropped", what_runs_past_65535_is_dropped},
      {"RFC 3128: tiny first fragments are refused", tiny_first_fragments_are_refused},
      {"empty and uneven fragments are dropped", empty_and_uneven_fragments_are_dropped},
      {"RFC 1122 3.3.2: the timeout tells the sender", the_timeout_tells_the_sender},
      {"RFC 792: without the first fragment the timeout is silent",
       without_the_first_fragment_the_timeout_is_silent},
      {"one source cannot push others out", one_source_cannot_push_others_out},
      {"a flood of incomplete ones is bounded", a_flood_of_incomplete_ones_is_bounded},
      {"too many fragments of one datagram are refused",
       too_many_fragments_of_one_datagram_are_refused},
      {"sources, protocols and ids are kept apart", sources_protocols_and_ids_are_kept_apart},
      {"RFC 3168 5.3: congestion marks survive and mixed ones do not",
       congestion_marks_survive_and_mixed_ones_do_not},
      {"disabling the NIC forgets its fragments", disabling_the_nic_forgets_its_fragments})
