/* SPDX-License-Identifier: Apache-2.0 */
#include "top.h"

static void reads_what_it_wrote(void **state)
{
    struct top t;
    top_init(&t, 1 << 20);
    const struct nst_link_header out = {
        .src = {{2, 1, 2, 3, 4, 5}}, .dst = {{0xff, 0xfe, 7, 8, 9, 10}}, .ethertype = 0x86dd};
    struct nst_link_header in;
    struct nst_pkt *p = top_packet(&t, 7, 100);
    nst_ethernet_push(NULL, p, &out);
    assert_int_equal(p->len, 114);
    assert_int_equal(p->linear, 114);
    const uint8_t bytes[14] = {0xff, 0xfe, 7, 8, 9, 10, 2, 1, 2, 3, 4, 5, 0x86, 0xdd};
    assert_memory_equal(p->data, bytes, 14);
    assert_true(nst_ethernet_parse(NULL, p, &in));
    assert_memory_equal(&in.src, &out.src, 6);
    assert_memory_equal(&in.dst, &out.dst, 6);
    assert_int_equal(in.ethertype, out.ethertype);
    assert_int_equal(top_number(p), 7);
    nst_pkt_free(p);
    top_fini(&t);
}

static void refuses_what_is_cut_off(void **state)
{
    struct top t;
    top_init(&t, 1 << 20);
    for (uint32_t len = 0; len <= 14; len++) {
        struct nst_link_header header;
        uint8_t *memory = malloc(len + 1); /* the sanitizer watches its end */
        memset(memory, 1, len);
        struct nst_pkt *p = nst_pkt_new_external(
            t.pool, &(struct nst_external){.memory = memory, .size = len, .len = len});
        assert_int_equal(nst_ethernet_parse(NULL, p, &header), len == 14);
        assert_int_equal(p->len, len == 14 ? 0 : len);
        nst_pkt_free(p);
        free(memory);
    }
    top_fini(&t);
}

TESTS({"a frame is read as it was written", reads_what_it_wrote},
      {"a frame that is cut off in its header is malformed, and stays as it was",
       refuses_what_is_cut_off})
