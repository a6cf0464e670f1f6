/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/pcapng.h"

static uint8_t buffer[20000];

static uint32_t word(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static const struct pcapng_packet packet = {
    .interface = 3,
    .direction = PCAPNG_OUTBOUND,
    .comment_count = 2,
    .time = 0x0102030405060708,
    .captured = 5,
    .len = 70,
    .data = (const uint8_t *)"hello",
    .dropped = 9,
    .comments = {"one", "two\n\xff"},
};

static const struct pcapng_statistics statistics = {
    .interface = 1,
    .time = 4,
    .start = 0x100000002,
    .end = 3,
    .received = 10,
    .accepted = 9,
    .dropped = 2,
    .written = 7,
    .comment = "c",
};

static const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};

static const struct pcapng_interface interface = {
    .link = PCAPNG_ETHERNET,
    .snaplen = 262144,
    .name = "nst0",
    .description = "a",
    .filter = "udp",
    .os = "Linux",
    .mac = &mac,
};

static void write_section(struct pcapng *out)
{
    pcapng_section(out, "x86_64", "Linux", "nicstack");
}

static void write_interface(struct pcapng *out)
{
    pcapng_interface(out, &interface);
}

static void write_packet(struct pcapng *out)
{
    pcapng_packet(out, &packet);
}

static void write_names(struct pcapng *out)
{
    const struct pcapng_name names[] = {
        {nst_addr_v4(10, 0, 2, 2), "here"},
        {{{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6}}}, "six.test"},
    };
    pcapng_names(out, names, 2);
}

static void write_statistics(struct pcapng *out)
{
    pcapng_statistics(out, &statistics);
}

static void (*const writers[])(struct pcapng *out) = {
    write_section, write_interface, write_packet, write_names, write_statistics,
};

#define WRITERS (sizeof(writers) / sizeof(writers[0]))

static void blocks_have_their_length_at_both_ends(void **state)
{
    static const uint32_t types[WRITERS] = {PCAPNG_SECTION, PCAPNG_INTERFACE, PCAPNG_PACKET,
                                            PCAPNG_NAMES, PCAPNG_STATISTICS};
    for (size_t i = 0; i < WRITERS; i++) {
        struct pcapng out;
        struct pcapng_block block;
        pcapng_init(&out, buffer, sizeof(buffer));
        writers[i](&out);
        assert_false(out.full);
        assert_int_equal(out.len % 4, 0);
        assert_int_equal(word(buffer), types[i]);
        assert_int_equal(word(buffer + 4), out.len);
        assert_int_equal(word(buffer + out.len - 4), out.len);
        assert_int_equal(pcapng_read(buffer, out.len, &block), out.len);
        assert_int_equal(block.type, types[i]);
    }
}

/* Whatever room there is: nothing is written behind it, and a block is there whole or not at all.
 */
static void what_does_not_fit_is_taken_back(void **state)
{
    for (size_t i = 0; i < WRITERS; i++) {
        struct pcapng whole;
        pcapng_init(&whole, buffer, sizeof(buffer));
        writers[i](&whole);
        for (size_t room = 0; room < whole.len; room++) {
            struct pcapng out;
            uint8_t *exact = malloc(room + 1);
            pcapng_init(&out, exact, room);
            writers[i](&out);
            assert_true(out.full);
            assert_int_equal(out.len, 0);
            free(exact);
        }
    }
}

static void a_packet_comes_back(void **state)
{
    struct pcapng out;
    struct pcapng_block block;
    struct pcapng_packet p;
    pcapng_init(&out, buffer, sizeof(buffer));
    pcapng_packet(&out, &packet);
    assert_true(pcapng_read(buffer, out.len, &block) > 0);
    assert_true(pcapng_read_packet(&block, &p));
    assert_int_equal(p.interface, 3);
    assert_int_equal(p.direction, PCAPNG_OUTBOUND);
    assert_true(p.time == packet.time);
    assert_int_equal(p.captured, 5);
    assert_int_equal(p.len, 70);
    assert_memory_equal(p.data, "hello", 5);
    assert_int_equal(p.dropped, 9);
    assert_int_equal(p.comment_count, 2);
    assert_int_equal(p.comment_len[0], 3);
    assert_memory_equal(p.comments[0], "one", 3);
    /* What is not printable is not passed on. */
    assert_int_equal(p.comment_len[1], 5);
    assert_memory_equal(p.comments[1], "two??", 5);
}

static void a_long_comment_is_cut(void **state)
{
    static char text[3000];
    struct pcapng out;
    struct pcapng_block block;
    struct pcapng_packet p = {.comment_count = 1, .comments = {text}};
    memset(text, 'x', sizeof(text) - 1);
    pcapng_init(&out, buffer, sizeof(buffer));
    pcapng_packet(&out, &p);
    assert_true(pcapng_read(buffer, out.len, &block) > 0);
    assert_true(pcapng_read_packet(&block, &p));
    assert_int_equal(p.comment_len[0], PCAPNG_COMMENT_LEN);
}

static void statistics_and_interfaces_come_back(void **state)
{
    struct pcapng out;
    struct pcapng_block block;
    struct pcapng_statistics s;
    uint16_t link;
    char name[4];
    pcapng_init(&out, buffer, sizeof(buffer));
    pcapng_statistics(&out, &statistics);
    assert_true(pcapng_read(buffer, out.len, &block) > 0);
    assert_true(pcapng_read_statistics(&block, &s));
    assert_int_equal(s.interface, 1);
    assert_true(s.start == statistics.start && s.end == 3);
    assert_true(s.received == 10 && s.accepted == 9 && s.dropped == 2 && s.written == 7);
    pcapng_init(&out, buffer, sizeof(buffer));
    pcapng_interface(&out, &interface);
    assert_true(pcapng_read(buffer, out.len, &block) > 0);
    assert_false(pcapng_read_statistics(&block, &s));
    assert_true(pcapng_read_interface(&block, &link, name, sizeof(name)));
    assert_int_equal(link, PCAPNG_ETHERNET);
    assert_string_equal(name, "nst");
}

static void names_are_records_of_their_family(void **state)
{
    struct pcapng out;
    pcapng_init(&out, buffer, sizeof(buffer));
    write_names(&out);
    const uint16_t first[] = {1, 4 + 5};
    const uint8_t ip4[] = {10, 0, 2, 2, 'h', 'e', 'r', 'e', 0, 0, 0, 0};
    const uint16_t second[] = {2, 16 + 9};
    assert_memory_equal(buffer + 8, first, 4);
    assert_memory_equal(buffer + 12, ip4, sizeof(ip4));
    assert_memory_equal(buffer + 24, second, 4);
    assert_memory_equal(buffer + 28 + 16, "six.test", 9);
    /* The end of the records, and of the options. */
    assert_int_equal(out.len, 28 + 28 + 4 + 4 + 4);
}

/* A reader sees nothing of what is cut, and reads nothing behind it. */
static void readers_stay_inside(void **state)
{
    for (size_t i = 0; i < WRITERS; i++) {
        struct pcapng out;
        pcapng_init(&out, buffer, sizeof(buffer));
        writers[i](&out);
        FOR_EACH_TRUNCATION(buffer, out.len - 1, p, n, {
            struct pcapng_block block;
            assert_int_equal(pcapng_read(p, n, &block), 0);
        })
    }
}

/* Every length inside of a block made to lie. */
static void lengths_that_lie_are_malformed(void **state)
{
    struct pcapng out;
    struct pcapng_block block;
    struct pcapng_packet p;
    pcapng_init(&out, buffer, sizeof(buffer));
    pcapng_packet(&out, &packet);
    static const uint32_t lies[] = {0, 8, 11, 13, 1u << 21, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        uint8_t *copy = exact_copy(buffer, out.len);
        memcpy(copy + 4, &lies[i], 4);
        assert_true(pcapng_read(copy, out.len, &block) < 0);
        free(copy);
    }
    for (size_t at = 8; at + 4 < out.len; at += 4) {
        uint8_t *copy = exact_copy(buffer, out.len);
        memset(copy + at, 0xff, 4);
        if (pcapng_read(copy, out.len, &block) > 0 && pcapng_read_packet(&block, &p))
            assert_true(p.captured <= block.body_len);
        free(copy);
    }
    const uint32_t captured = (uint32_t)out.len;
    memcpy(buffer + 20, &captured, 4);
    assert_true(pcapng_read(buffer, out.len, &block) > 0);
    assert_false(pcapng_read_packet(&block, &p));
}

TESTS({"blocks have their length at both ends, in fours", blocks_have_their_length_at_both_ends},
      {"what does not fit is taken back whole", what_does_not_fit_is_taken_back},
      {"a packet comes back as it was written", a_packet_comes_back},
      {"a long comment is cut", a_long_comment_is_cut},
      {"statistics and interfaces come back", statistics_and_interfaces_come_back},
      {"names are records of their family", names_are_records_of_their_family},
      {"readers wait for a whole block", readers_stay_inside},
      {"lengths that lie are malformed", lengths_that_lie_are_malformed})
