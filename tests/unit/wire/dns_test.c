/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/dns.h"

static struct dns_name name(const char *text)
{
    struct dns_name result;
    assert_true(dns_name_from_text(text, &result));
    return result;
}

static void assert_text(const struct dns_name *n, const char *expected)
{
    char text[DNS_NAME_TEXT];
    assert_string_equal(dns_name_to_text(n, text, sizeof(text)), expected);
}

static void names_survive_text_and_back(void **state)
{
    const char *const texts[] = {".",       "a",      "www.example.com",
                                 "a\\.b.c", "x\\\\y", "\\000\\255z.\\032"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct dns_name n = name(texts[i]);
        assert_text(&n, texts[i]);
    }
    const struct dns_name dot = name("example.com.");
    assert_int_equal(dot.len, 13);
    assert_memory_equal(dot.b, "\7example\3com\0", 13);
}

static void bad_texts_are_refused(void **state)
{
    const char *const texts[] = {"", "..", "a..b", ".a", "\\", "\\25", "\\256", "\\2x5", "a.\\"};
    struct dns_name n;
    char label[80], full[400] = "";

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(dns_name_from_text(texts[i], &n));
    memset(label, 'x', sizeof(label));
    label[63] = '\0';
    assert_true(dns_name_from_text(label, &n));
    label[63] = 'x';
    label[64] = '\0';
    assert_false(dns_name_from_text(label, &n));
    for (unsigned i = 0; i < 127; i++)
        strcat(full, "a.");
    assert_true(dns_name_from_text(full, &n));
    assert_int_equal(n.len, 255);
    strcat(full, "a");
    assert_false(dns_name_from_text(full, &n));
}

static void the_longest_text_fits_and_short_buffers_cut(void **state)
{
    struct dns_name n = {.len = 0};
    char text[DNS_NAME_TEXT + 10];

    for (unsigned i = 0; i < 4; i++) {
        const uint8_t len = i < 3 ? 63 : 61;
        n.b[n.len] = len;
        memset(n.b + n.len + 1, 1, len);
        n.len = (uint8_t)(n.len + 1 + len);
    }
    n.b[n.len++] = 0;
    assert_int_equal(n.len, 255);
    assert_true(strlen(dns_name_to_text(&n, text, sizeof(text))) < DNS_NAME_TEXT);
    for (size_t size = 1; size < 20; size++)
        assert_int_equal(strlen(dns_name_to_text(&n, text, size)), size - 1);
}

static void pointers_go_backwards_only(void **state)
{
    /* 12: "a" root; 15: "b" -> 12; 19: -> 15; 21: -> 21; 23: -> 25; 25: "c" -> 23 */
    const uint8_t msg[29] = {[12] = 1, 'a', 0,    1,  'b', 0xc0, 12,   [19] = 0xc0, 15,
                             0xc0,     21,  0xc0, 25, 1,   'c',  0xc0, 23};
    struct dns_name n;

    assert_int_equal(dns_name_parse(msg, sizeof(msg), 12, &n), 15);
    assert_text(&n, "a");
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 15, &n), 19);
    assert_text(&n, "b.a");
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 19, &n), 21);
    assert_text(&n, "b.a");
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 21, &n), 0);
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 23, &n), 0);
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 25, &n), 0);
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 29, &n), 0);
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 1000, &n), 0);
}

static void a_label_that_points_into_its_own_name_ends(void **state)
{
    uint8_t msg[64];
    struct dns_name n;

    for (size_t target = 0; target < 64; target++) {
        memset(msg, 0, sizeof(msg));
        for (size_t i = 12; i < 60; i += 2) {
            msg[i] = 1;
            msg[i + 1] = 'x';
        }
        msg[60] = 0xc0;
        msg[61] = (uint8_t)target;
        const size_t end = dns_name_parse(msg, sizeof(msg), 20, &n);
        assert_int_equal(end, target < 12 ? 62 : 0);
    }
}

static void too_long_names_and_odd_label_types_are_refused(void **state)
{
    uint8_t msg[600];
    struct dns_name n;

    memset(msg, 1, sizeof(msg));
    assert_int_equal(dns_name_parse(msg, sizeof(msg), 12, &n), 0);
    for (unsigned type = 64; type < 192; type++) {
        msg[12] = (uint8_t)type;
        assert_int_equal(dns_name_parse(msg, sizeof(msg), 12, &n), 0);
    }
}

/* A question and three answers, the second a CNAME-like rdata of its own, and EDNS. */
static size_t build_sample(uint8_t *data, size_t size)
{
    const struct dns_name asked = name("www.Example.com"), other = name("b.example");
    const struct nst_addr v4 = nst_addr_v4(192, 0, 2, 1), v6 = {{{0x20, 1, [15] = 9}}};
    struct dns_builder builder;

    dns_builder_init(&builder, data, size, 0x4242, DNS_QR | DNS_RA);
    dns_builder_question(&builder, &asked, DNS_TYPE_A);
    dns_builder_addr(&builder, &asked, 300, &v4);
    dns_builder_addr(&builder, &other, 60, &v6);
    dns_builder_ptr(&builder, &asked, 1, &other);
    dns_builder_edns(&builder, 1232);
    return dns_builder_finish(&builder);
}

static void a_message_survives_a_round_trip(void **state)
{
    uint8_t data[512];
    const size_t len = build_sample(data, sizeof(data));
    const struct nst_addr v4 = nst_addr_v4(192, 0, 2, 1);
    const struct dns_name asked = name("WWW.example.COM"), other = name("b.example");
    struct dns_record record;
    struct dns_name target;
    struct dns_edns edns;
    struct nst_addr addr;
    struct dns_iter iter;
    struct dns_hdr hdr;

    assert_int_equal(dns_parse(data, len, &hdr), DNS_HDR_LEN);
    assert_true(hdr.id == 0x4242 && hdr.flags == (DNS_QR | DNS_RA));
    assert_true(hdr.count[0] == 1 && hdr.count[1] == 3 && hdr.count[2] == 0 && hdr.count[3] == 1);
    assert_true(dns_iter_init(data, len, &iter));
    assert_true(dns_next(&iter, &record));
    assert_true(record.section == DNS_QUESTION && record.type == DNS_TYPE_A);
    assert_false(dns_record_addr(data, &record, &addr));
    assert_true(dns_name_equal(&record.name, &asked));
    assert_true(dns_next(&iter, &record));
    assert_true(dns_record_addr(data, &record, &addr) && nst_addr_equal(&addr, &v4));
    assert_true(record.ttl == 300 && dns_name_equal(&record.name, &asked));
    assert_true(dns_next(&iter, &record));
    assert_true(dns_record_addr(data, &record, &addr) && addr.b[15] == 9);
    assert_true(dns_name_equal(&record.name, &other));
    assert_true(dns_next(&iter, &record));
    assert_int_equal(record.type, DNS_TYPE_PTR);
    assert_int_equal(dns_name_parse(data, len, record.rdata, &target),
                     record.rdata + record.rdata_len);
    assert_true(dns_name_equal(&target, &other));
    assert_false(dns_record_edns(&record, &edns));
    assert_true(dns_next(&iter, &record));
    assert_true(dns_record_edns(&record, &edns) && edns.udp_size == 1232 && edns.version == 0);
    assert_false(dns_next(&iter, &record));
    assert_false(iter.malformed);
    assert_int_equal(iter.off, len);
}

static void a_query_is_what_the_rfc_draws(void **state)
{
    const struct dns_name asked = name("a.b");
    struct dns_builder builder;
    uint8_t data[64];

    dns_builder_init(&builder, data, sizeof(data), 1, DNS_RD);
    dns_builder_question(&builder, &asked, DNS_TYPE_AAAA);
    assert_int_equal(dns_builder_finish(&builder), 21);
    assert_memory_equal(data, "\0\1\1\0\0\1\0\0\0\0\0\0\1a\1b\0\0\x1c\0\1", 21);
}

static void a_message_cut_anywhere_is_malformed(void **state)
{
    uint8_t data[512];
    const size_t len = build_sample(data, sizeof(data));

    FOR_EACH_TRUNCATION(data, len, p, n, {
        struct dns_iter iter;
        struct dns_record record;
        if (dns_iter_init(p, n, &iter)) {
            while (dns_next(&iter, &record))
                assert_true(record.rdata + record.rdata_len <= n);
            assert_int_equal(iter.malformed, n < len);
        } else {
            assert_true(n < DNS_HDR_LEN);
        }
    })
}

static void a_count_that_disagrees_is_malformed(void **state)
{
    uint8_t data[512];
    const size_t len = build_sample(data, sizeof(data));
    struct dns_record record;
    struct dns_iter iter;

    data[11]++;
    assert_true(dns_iter_init(data, len, &iter));
    while (dns_next(&iter, &record))
        ;
    assert_true(iter.malformed);
    assert_false(dns_next(&iter, &record));
}

static void each_changed_byte_leaves_the_walk_inside(void **state)
{
    uint8_t data[512];
    const size_t len = build_sample(data, sizeof(data));
    uint8_t *copy = exact_copy(data, len);

    for (size_t i = 0; i < len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            struct dns_iter iter;
            struct dns_record record;
            copy[i] = (uint8_t)value;
            assert_true(dns_iter_init(copy, len, &iter));
            while (dns_next(&iter, &record))
                assert_true(record.rdata + record.rdata_len <= len);
        }
        copy[i] = data[i];
    }
    free(copy);
}

static void what_does_not_fit_sets_tc(void **state)
{
    uint8_t full[512], again[512];
    const size_t len = build_sample(full, sizeof(full));

    for (size_t size = 0; size <= len; size++) {
        uint8_t *data = malloc(size > 0 ? size : 1);
        const size_t n = build_sample(data, size);
        struct dns_record record;
        struct dns_iter iter;
        struct dns_hdr hdr;
        assert_true(n <= size);
        assert_int_equal(n == 0, size < DNS_HDR_LEN);
        memcpy(again, data, n);
        if (n > 0) {
            assert_int_equal(dns_parse(again, n, &hdr), DNS_HDR_LEN);
            assert_int_equal((hdr.flags & DNS_TC) != 0, size < len);
            assert_true(dns_iter_init(again, n, &iter));
            while (dns_next(&iter, &record))
                ;
            assert_false(iter.malformed);
        }
        free(data);
    }
}

static void reverse_names_go_both_ways(void **state)
{
    const char *const rows[][2] = {
        {"192.0.2.45", "45.2.0.192.in-addr.arpa"},
        {"4321:0:1:2:3:4:567:89ab",
         "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa"}};

    for (size_t i = 0; i < 2; i++) {
        struct nst_addr addr, back;
        struct dns_name n;
        assert_int_equal(nst_addr_parse(rows[i][0], &addr), 0);
        dns_name_from_addr(&addr, &n);
        assert_text(&n, rows[i][1]);
        assert_true(dns_name_to_addr(&n, &back));
        assert_true(nst_addr_equal(&addr, &back));
    }
    const struct dns_name upper = name("1.0.0.127.IN-ADDR.ARPA");
    struct nst_addr addr;
    assert_true(dns_name_to_addr(&upper, &addr));
    assert_int_equal(addr.b[12], 127);
}

static void other_names_are_no_reverse_names(void **state)
{
    const char *const texts[] = {".",
                                 "in-addr.arpa",
                                 "1.2.3.in-addr.arpa",
                                 "1.2.3.4.5.in-addr.arpa",
                                 "256.0.0.1.in-addr.arpa",
                                 "01.0.0.1.in-addr.arpa",
                                 "1000.0.0.1.in-addr.arpa",
                                 "x.0.0.1.in-addr.arpa",
                                 "1.0.0.127.in-addr.arpb",
                                 "0.ip6.arpa",
                                 ("g.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4."
                                  "ip6.arpa")};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct dns_name n = name(texts[i]);
        struct nst_addr addr;
        assert_false(dns_name_to_addr(&n, &addr));
    }
}

TESTS({"names survive text and back", names_survive_text_and_back},
      {"bad texts are refused", bad_texts_are_refused},
      {"the longest text fits and short buffers cut", the_longest_text_fits_and_short_buffers_cut},
      {"pointers go backwards only", pointers_go_backwards_only},
      {"a label that points into its own name ends", a_label_that_points_into_its_own_name_ends},
      {"too long names and odd label types are refused",
       too_long_names_and_odd_label_types_are_refused},
      {"a message survives a round trip", a_message_survives_a_round_trip},
      {"a query is what the RFC draws", a_query_is_what_the_rfc_draws},
      {"a message cut anywhere is malformed", a_message_cut_anywhere_is_malformed},
      {"a count that disagrees is malformed", a_count_that_disagrees_is_malformed},
      {"each changed byte leaves the walk inside", each_changed_byte_leaves_the_walk_inside},
      {"what does not fit sets tc", what_does_not_fit_sets_tc},
      {"reverse names go both ways", reverse_names_go_both_ways},
      {"other names are no reverse names", other_names_are_no_reverse_names})
