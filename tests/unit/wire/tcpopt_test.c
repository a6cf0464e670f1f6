/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/tcpopt.h"

/* Parses from an exact allocation. */
static struct tcp_opts parse(const void *bytes, size_t len)
{
    struct tcp_opts opts;
    uint8_t *copy = exact_copy(bytes, len);

    memset(&opts, 0xa5, sizeof(opts));
    tcp_opts_parse(exact_begin(copy, len), len, &opts);
    free(copy);
    return opts;
}

/* Builds into exactly `max` bytes, checks the length against counting, and parses it again. */
static struct tcp_opts round_trip(const struct tcp_opts *opts, size_t max, size_t *ret_len)
{
    uint8_t *out = malloc(max > 0 ? max : 1);
    const size_t len = tcp_opts_build(out, max, opts);

    assert_int_equal(tcp_opts_build(NULL, max, opts), len);
    assert_true(len <= max && len <= 40 && len % 4 == 0);
    const struct tcp_opts result = parse(out, len);
    assert_false(result.malformed);
    free(out);
    *ret_len = len;
    return result;
}

static void a_usual_syn_is_laid_out_in_twenty_bytes(void **state)
{
    const struct tcp_opts opts = {.present = TCP_OPTS_MSS | TCP_OPTS_TS | TCP_OPTS_WSCALE |
                                             TCP_OPTS_SACK_PERMITTED,
                                  .mss = 1460,
                                  .wscale = 7,
                                  .ts_val = 0x01020304,
                                  .ts_ecr = 0x05060708};
    uint8_t out[40];

    assert_int_equal(tcp_opts_build(out, 40, &opts), 20);
    assert_memory_equal(out, "\2\4\5\xb4\4\2\x8\xa\1\2\3\4\5\6\7\x8\1\3\3\7", 20);
    const struct tcp_opts back = parse(out, 20);
    assert_int_equal(back.present, opts.present);
    assert_true(back.mss == 1460 && back.wscale == 7 && back.ts_val == opts.ts_val &&
                back.ts_ecr == opts.ts_ecr && !back.malformed);
}

static void timestamps_alone_take_the_fast_path_and_its_layout(void **state)
{
    const struct tcp_opts opts = {.present = TCP_OPTS_TS, .ts_val = 9, .ts_ecr = 0xffffffff};
    struct tcp_opts slow;
    uint8_t out[40];

    assert_int_equal(tcp_opts_build(out, 40, &opts), 12);
    assert_int_equal(be32_get(out), 0x0101080a);
    const struct tcp_opts fast = parse(out, 12);
    tcp_opts_parse_all(out, 12, &slow);
    assert_int_equal(fast.present, TCP_OPTS_TS);
    assert_int_equal(slow.present, TCP_OPTS_TS);
    assert_true(fast.ts_val == 9 && slow.ts_val == 9);
    assert_true(fast.ts_ecr == 0xffffffff && slow.ts_ecr == 0xffffffff);
    assert_false(fast.malformed || slow.malformed);
    assert_int_equal(parse(out, 0).present, 0);
}

static void sack_blocks_fill_what_is_left(void **state)
{
    struct tcp_opts opts = {
        .present = TCP_OPTS_SACK, .n_sack = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {0xfffffff0, 7}}};
    size_t len;

    for (size_t max = 0; max <= 40; max++) {
        const size_t n = max < 12 ? 0 : (max / 4 * 4 - 4) / 8;
        struct tcp_opts back = round_trip(&opts, max, &len);
        assert_int_equal(back.present, n > 0 ? TCP_OPTS_SACK : 0);
        if (n > 0) {
            assert_int_equal(back.n_sack, n);
            assert_memory_equal(back.sack, opts.sack, n * sizeof(opts.sack[0]));
        }
    }
    opts.present |= TCP_OPTS_TS;
    assert_int_equal(round_trip(&opts, 40, &len).n_sack, 3);
    assert_int_equal(len, 40);
}

static void fast_open_has_two_forms_and_a_request(void **state)
{
    struct tcp_opts opts = {.present = TCP_OPTS_FASTOPEN};
    size_t len;

    memcpy(opts.cookie, "0123456789abcdef", 16);
    for (unsigned form = 0; form < 2; form++) {
        for (uint8_t n = 0; n <= 17; n++) {
            const bool good = n == 0 || (n >= 4 && n <= 16 && n % 2 == 0);
            opts.cookie_len = n;
            const struct tcp_opts back = round_trip(&opts, 40, &len);
            assert_int_equal(back.present, good ? opts.present : 0);
            if (good) {
                assert_int_equal(back.cookie_len, n);
                assert_memory_equal(back.cookie, opts.cookie, n);
            }
        }
        opts.present |= TCP_OPTS_FASTOPEN_EXP;
    }
    assert_int_equal(parse("\xfe\x04\xf9\x88", 4).present, 0);
    assert_int_equal(parse("\xfe\x03\xf9", 3).present, 0);
}

static void accecn_keeps_order_and_drops_the_last_fields_first(void **state)
{
    struct tcp_opts opts = {.present = TCP_OPTS_ACCECN,
                            .accecn_order = 1,
                            .accecn_count = 3,
                            .accecn = {0x123456, 0xffffff, 0x01000002}};
    const uint8_t fits[] = {0, 2, 2, 3};
    size_t len;

    struct tcp_opts back = round_trip(&opts, 40, &len);
    assert_int_equal(len, 12);
    assert_true(back.present == TCP_OPTS_ACCECN && back.accecn_order == 1);
    assert_true(back.accecn[0] == 0x123456 && back.accecn[1] == 0xffffff && back.accecn[2] == 2);
    for (size_t max = 0; max < 16; max += 4) {
        back = round_trip(&opts, max, &len);
        assert_int_equal(back.present, max < 8 ? 0 : TCP_OPTS_ACCECN);
        if (max >= 8)
            assert_int_equal(back.accecn_count, fits[max / 4]);
    }
    opts.accecn_count = 0;
    opts.accecn_order = 0;
    back = round_trip(&opts, 4, &len);
    assert_true(back.present == TCP_OPTS_ACCECN && back.accecn_count == 0 && len == 4);
    assert_int_equal(parse("\xac\4\0\0", 4).present, 0);
    assert_int_equal(parse("\xac\xe\0\0\0\0\0\0\0\0\0\0\0\0", 14).present, 0);
}

static void the_user_timeout_and_a_signature_are_seen(void **state)
{
    const struct tcp_opts opts = {.present = TCP_OPTS_USER_TIMEOUT | TCP_OPTS_MD5,
                                  .user_timeout = 0x8005};
    uint8_t md5[18] = {TCP_OPT_MD5, 18};
    size_t len;

    const struct tcp_opts back = round_trip(&opts, 40, &len);
    assert_int_equal(back.present, TCP_OPTS_USER_TIMEOUT);
    assert_int_equal(back.user_timeout, 0x8005);
    assert_int_equal(parse(md5, 18).present, TCP_OPTS_MD5);
}

static void what_does_not_fit_is_left_out_by_rank(void **state)
{
    const struct tcp_opts all = {.present = 0x3ff & ~TCP_OPTS_MD5 & ~TCP_OPTS_FASTOPEN_EXP,
                                 .mss = 1460,
                                 .n_sack = 4,
                                 .cookie_len = 8,
                                 .accecn_count = 3};
    const struct {
        size_t max;
        unsigned present;
    } rows[] = {
        {0, 0},
        {4, TCP_OPTS_MSS},
        {8, TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED},
        {16, TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_TS},
        {20, TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_TS | TCP_OPTS_WSCALE},
        {32, TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_TS | TCP_OPTS_WSCALE |
                 TCP_OPTS_FASTOPEN},
        {36, TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_TS | TCP_OPTS_WSCALE |
                 TCP_OPTS_FASTOPEN | TCP_OPTS_USER_TIMEOUT},
        {40, TCP_OPTS_MSS | TCP_OPTS_SACK_PERMITTED | TCP_OPTS_TS | TCP_OPTS_WSCALE |
                 TCP_OPTS_FASTOPEN | TCP_OPTS_ACCECN},
    };
    size_t len;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(round_trip(&all, rows[i].max, &len).present, rows[i].present);
}

static void every_subset_is_built_within_every_space(void **state)
{
    size_t len;

    for (unsigned present = 0; present < 0x400; present++) {
        const struct tcp_opts opts = {.present = (uint16_t)present,
                                      .mss = 536,
                                      .n_sack = (uint8_t)(present % 6),
                                      .cookie_len = (uint8_t)(present % 9 * 2),
                                      .accecn_count = (uint8_t)(present % 5)};
        for (size_t max = 0; max <= 44; max++) {
            const struct tcp_opts back = round_trip(&opts, max, &len);
            assert_int_equal(back.present & ~present, 0);
        }
    }
}

static void known_kinds_with_wrong_lengths_are_skipped(void **state)
{
    static const uint8_t kinds[] = {2, 3, 4, 5, 8, 19, 28, 34, 172, 174, 254, 77};

    for (size_t k = 0; k < sizeof(kinds); k++) {
        for (uint8_t len = 2; len <= 36; len++) {
            uint8_t bytes[40] = {kinds[k], len};
            memcpy(bytes + len, "\2\4\5\xb4", 4);
            const struct tcp_opts opts = parse(bytes, (size_t)len + 4);
            assert_true(opts.present & TCP_OPTS_MSS);
            assert_int_equal(opts.mss, 1460);
            assert_false(opts.malformed);
            const bool own = (kinds[k] == 3 && len == 3) || (kinds[k] == 4 && len == 2) ||
                             (kinds[k] == 8 && len == 10) || (kinds[k] == 28 && len == 4);
            if (kinds[k] == 3 || kinds[k] == 4 || kinds[k] == 8 || kinds[k] == 28)
                assert_int_equal(opts.present != TCP_OPTS_MSS, own);
        }
    }
}

static void bad_lengths_keep_what_came_before(void **state)
{
    const char *const ends[] = {"\3\0", "\3\1", "\3", "\3\x7", "\x8\xff"};
    const size_t lens[] = {2, 2, 1, 2, 2};

    for (size_t i = 0; i < 5; i++) {
        uint8_t bytes[8] = {2, 4, 5, 0xb4};
        memcpy(bytes + 4, ends[i], lens[i]);
        const struct tcp_opts opts = parse(bytes, 4 + lens[i]);
        assert_true(opts.malformed);
        assert_int_equal(opts.present, TCP_OPTS_MSS);
    }
}

static void the_end_of_the_list_ends_it_and_the_last_of_two_counts(void **state)
{
    const struct tcp_opts opts = parse("\2\4\0\1\1\2\4\0\2\0\3\3\7", 13);
    assert_int_equal(opts.present, TCP_OPTS_MSS);
    assert_int_equal(opts.mss, 2);
    assert_false(opts.malformed);
}

static void every_truncation_stays_inside(void **state)
{
    const struct tcp_opts opts = {.present = TCP_OPTS_MSS | TCP_OPTS_TS | TCP_OPTS_WSCALE |
                                             TCP_OPTS_SACK_PERMITTED | TCP_OPTS_FASTOPEN,
                                  .cookie_len = 16};
    uint8_t bytes[40];

    assert_int_equal(tcp_opts_build(bytes, 40, &opts), 40);
    for (size_t n = 0; n <= 40; n++)
        assert_int_equal(parse(bytes, n).present & ~opts.present, 0);
    assert_true(parse(bytes, 39).malformed);
}

/* A second opinion on whether a list is well-formed. */
static bool is_malformed(const uint8_t *p, size_t len)
{
    size_t off = 0;

    while (off < len && p[off] != 0) {
        if (p[off] == 1)
            off += 1;
        else if (off + 1 >= len || p[off + 1] < 2 || off + p[off + 1] > len)
            return true;
        else
            off += p[off + 1];
    }
    return false;
}

static void check_string(const uint8_t *bytes, size_t len)
{
    struct tcp_opts opts;

    tcp_opts_parse(bytes, len, &opts);
    if (opts.malformed != is_malformed(bytes, len))
        fail_msg("length %zu", len);
}

static void every_string_of_up_to_three_bytes_ends(void **state)
{
    uint8_t *bytes = malloc(3);

    for (uint32_t value = 0; value < 1 << 24; value++) {
        bytes[0] = (uint8_t)(value >> 16);
        bytes[1] = (uint8_t)(value >> 8);
        bytes[2] = (uint8_t)value;
        check_string(bytes, 3);
        if (value < 1 << 16)
            check_string(bytes + 1, 2);
        if (value < 1 << 8)
            check_string(bytes + 2, 1);
    }
    free(bytes);
}

static void every_string_of_eight_awkward_bytes_ends(void **state)
{
    static const uint8_t letters[] = {0, 1, 2, 3, 4, 5, 8, 255};
    uint8_t *bytes = malloc(8);

    for (uint32_t value = 0; value < 1 << 24; value++) {
        for (unsigned i = 0; i < 8; i++)
            bytes[i] = letters[value >> 3 * i & 7];
        check_string(bytes, 8);
    }
    free(bytes);
}

TESTS({"a usual syn is laid out in twenty bytes", a_usual_syn_is_laid_out_in_twenty_bytes},
      {"timestamps alone take the fast path and its layout",
       timestamps_alone_take_the_fast_path_and_its_layout},
      {"sack blocks fill what is left", sack_blocks_fill_what_is_left},
      {"fast open has two forms and a request", fast_open_has_two_forms_and_a_request},
      {"accecn keeps order and drops the last fields first",
       accecn_keeps_order_and_drops_the_last_fields_first},
      {"the user timeout and a signature are seen", the_user_timeout_and_a_signature_are_seen},
      {"what does not fit is left out by rank", what_does_not_fit_is_left_out_by_rank},
      {"every subset is built within every space", every_subset_is_built_within_every_space},
      {"known kinds with wrong lengths are skipped", known_kinds_with_wrong_lengths_are_skipped},
      {"bad lengths keep what came before", bad_lengths_keep_what_came_before},
      {"the end of the list ends it and the last of two counts",
       the_end_of_the_list_ends_it_and_the_last_of_two_counts},
      {"every truncation stays inside", every_truncation_stays_inside},
      {"every string of up to three bytes ends", every_string_of_up_to_three_bytes_ends},
      {"every string of eight awkward bytes ends", every_string_of_eight_awkward_bytes_ends})
