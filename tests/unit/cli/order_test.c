/* SPDX-License-Identifier: Apache-2.0 */
/* Words to orders: what `nst addr ...` says and what a config says. */
#include "testing.h"

#include "order/order.h"
#include "up/config.h"

static struct fault fault;
static struct words words;
static char line[512];

static bool split(const char *text)
{
    snprintf(line, sizeof(line), "%s", text);
    return words_split(line, &words, &fault);
}

static bool parse(const char *text, struct order *ret_order)
{
    return split(text) && order_parse(&words, ret_order, &fault);
}

/* The order must be refused, at this column, by words that have `why` in them. */
static void refuse(const char *text, unsigned column, const char *why)
{
    struct order order;
    assert_false(parse(text, &order));
    if (strstr(fault.text, why) == NULL)
        fail_msg("%s: it says: %s", text, fault.text);
    assert_int_equal(fault.column, column);
}

static void a_line_is_split_into_words(void **state)
{
    assert_true(split("  nic\tadd \"a b\"c\"\\\"\\\\\" #comment"));
    assert_int_equal(words.count, 3);
    assert_string_equal(words.word[0].text, "nic");
    assert_int_equal(words.word[0].column, 3);
    assert_string_equal(words.word[1].text, "add");
    assert_int_equal(words.word[1].column, 7);
    assert_string_equal(words.word[2].text, "a bc\"\\");
    assert_int_equal(words.word[2].column, 11);
    assert_true(split("a#b \"\" #"));
    assert_int_equal(words.count, 2);
    assert_string_equal(words.word[0].text, "a#b");
    assert_string_equal(words.word[1].text, "");
    assert_true(split(" \t\r"));
    assert_int_equal(words.count, 0);
}

static void what_is_no_line_is_told_with_its_column(void **state)
{
    assert_false(split("nic \"add"));
    assert_int_equal(fault.column, 5);
    assert_false(split("nic \x01"));
    assert_int_equal(fault.column, 5);
    char many[2 * (WORDS_MAX + 1) + 1];
    for (unsigned i = 0; i <= WORDS_MAX; i++)
        memcpy(many + (size_t)2 * i, "a ", 3);
    assert_false(split(many));
    assert_int_equal(fault.column, 2 * WORDS_MAX + 1);
}

static void joined_words_split_into_themselves(void **state)
{
    const char *const given[] = {"addr", "a b", "\"", "\\", "", "#x"};
    char text[64];
    assert_true(words_join(6, given, text, sizeof(text)));
    assert_true(split(text));
    assert_int_equal(words.count, 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(words.word[i].text, given[i]);
    for (size_t size = 0; size <= strlen(text); size++)
        assert_false(words_join(6, given, text, size));
    const char *const control[] = {"a\nb"};
    assert_false(words_join(1, control, text, sizeof(text)));
}

static void orders_are_spelled_as_ip_spells_them(void **state)
{
    struct order o;
    assert_true(
        parse("addr add 10.0.0.1/24 dev eth0 nodad valid_lft 60 preferred_lft forever", &o));
    assert_int_equal(o.object, ORDER_ADDR);
    assert_int_equal(o.verb, ORDER_ADD);
    assert_int_equal(o.prefix_len, 24);
    assert_int_equal(o.addr.b[15], 1);
    assert_string_equal(o.dev, "eth0");
    assert_true(o.at[FIELD_NO_DAD] != 0);
    assert_true(o.valid == 60 * NST_SEC);
    assert_true(o.preferred == NST_TIME_NEVER);
    assert_true(parse("route add default via fe80::1 dev eth0 metric 5", &o));
    assert_int_equal(o.prefix_len, 0);
    assert_int_equal(o.metric, 5);
    assert_int_equal(o.via.b[0], 0xfe);
    assert_true(parse("a", &o));
    assert_int_equal(o.object, ORDER_ADDR);
    assert_int_equal(o.verb, ORDER_SHOW);
    assert_true(parse("neighbour ls dev eth0", &o));
    assert_int_equal(o.object, ORDER_NEIGH);
    assert_string_equal(o.dev, "eth0");
    assert_true(parse("neigh add fd00::9 lladdr 02:0A:00:00:00:0f dev eth0 nud permanent", &o));
    assert_int_equal(o.mac.b[1], 10);
    assert_int_equal(o.prefix_len, 128);
    assert_true(parse("bridge add br0 ports a b c mtu 1400 ageing 10", &o));
    assert_int_equal(o.port_count, 3);
    assert_string_equal(o.ports[2], "c");
    assert_int_equal(o.mtu, 1400);
    assert_true(o.ageing == 10 * NST_SEC);
    assert_true(parse("service http", &o));
    assert_int_equal(o.verb, ORDER_ADD);
    assert_int_equal(o.service, SERVICE_HTTP);
    assert_true(parse("service echo 7000 proto udp", &o));
    assert_int_equal(o.port, 7000);
    assert_int_equal(o.proto, PROTO_UDP);
    assert_true(parse("stack name lab memory 16m seed 18446744073709551615", &o));
    assert_true(o.memory == 16 << 20 && o.seed == UINT64_MAX);
}

static void what_is_wrong_is_told_where_it_is(void **state)
{
    refuse("nik add eth0", 1, "'nik' is none of");
    refuse("addr add 10.0.0.1/33 dev eth0", 10, "is no ADDRESS/LENGTH");
    refuse("addr add 10.0.0.1/0x18 dev eth0", 10, "is no ADDRESS/LENGTH");
    refuse("addr add 10.0.0.1/ dev eth0", 10, "is no ADDRESS/LENGTH");
    refuse("addr add fd00::1/129 dev eth0", 10, "is no ADDRESS/LENGTH");
    refuse("addr add 10.0.0.1/24", 0, "'dev' is missing");
    refuse("addr add dev eth0", 10, "something is missing");
    refuse("addr add 10.0.0.1/24 dev", 22, "needs a word behind it");
    refuse("nic add eth0 mtu 67", 18, "is no number from 68 to 65535");
    refuse("nic add eth0 mtu 4294967364", 18, "is no number from 68 to 65535");
    refuse("nic add eth0 mtu 1500 mtu 1500", 23, "was said already");
    refuse("nic add eth0 type bus", 19, "is none of: tap, tun, packet, pipe, loopback");
    refuse("nic add eth0 up down", 17, "either up or down");
    refuse("nic add abcdefghijklmnop", 9, "is no name of a NIC");
    refuse("nic add \"\"", 9, "is no name of a NIC");
    refuse("vlan add a link b id 4095", 22, "is no number from 1 to 4094");
    refuse("vlan add a link b", 0, "'id' is missing");
    refuse("neigh add 10.0.0.1 lladdr 02:00:00:00:00 dev eth0", 27, "is no link address");
    refuse("neigh add 10.0.0.1 lladdr 02:00:00:00:00:000 dev eth0", 27, "is no link address");
    refuse("bridge add br0 ports", 16, "needs names");
    refuse("bridge add br0 ports mtu 1400", 16, "needs names");
    refuse("stats add", 7, "has no 'add'");
    refuse("addr add 10.0.0.1/24 dev eth0 valid_lft soon", 41, "is no time");
}

/* Every prefix of every order is an order or is refused, and nothing else happens. */
static void cut_lines_are_refused_or_whole(void **state)
{
    static const char *const lines[] = {
        "nic add eth0 type tap dev tap0 mtu 1500 address 02:00:00:00:00:01 promisc on",
        "bridge add br0 ports a b c ageing 30s",
        "route add 10.0.0.0/8 via 10.0.0.1 dev eth0 src 10.0.0.2 metric 1 mtu 1400",
        "service \"http\" 80 proto tcp dev eth0",
        "stack name \"a\\\"b\" memory 8m weak-host on seed 7",
    };
    struct order order;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        for (size_t len = 1; len < strlen(lines[i]); len++) {
            char *cut = strndup(lines[i], len); /* exactly so long, for the sanitizer */
            fault.text[0] = '\0';
            if (!words_split(cut, &words, &fault) || !order_parse(&words, &order, &fault))
                assert_true(strlen(fault.text) > 0 && fault.column <= len);
            free(cut);
        }
    }
}

struct taken {
    unsigned count;
    enum order_object objects[8];
};

static bool take(void *context, const struct order *order, struct fault *f)
{
    struct taken *taken = context;
    if (order->object == ORDER_STATS)
        return fault_set(f, 3, "no");
    taken->objects[taken->count++] = order->object;
    return true;
}

/* Parses a copy of exactly these bytes and a NUL. */
static bool parse_config(const char *text, size_t len, struct taken *taken, unsigned *ret_line)
{
    char *copy = malloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    *taken = (struct taken){0};
    const bool ok = config_parse(copy, len, take, taken, ret_line, &fault);
    free(copy);
    return ok;
}

static void a_config_is_read_line_by_line(void **state)
{
    static const char text[] = "# x\n\nnic add a\r\n  addr add 10.0.0.1/8 dev a # y\nroute";
    struct taken taken;
    unsigned at;
    assert_true(parse_config(text, sizeof(text) - 1, &taken, &at));
    assert_int_equal(taken.count, 3);
    assert_int_equal(taken.objects[0], ORDER_NIC);
    assert_int_equal(taken.objects[2], ORDER_ROUTE);
    assert_false(parse_config("nic\nstats\nnic\n", 14, &taken, &at));
    assert_int_equal(at, 2);
    assert_int_equal(fault.column, 3);
    assert_int_equal(taken.count, 1);
    assert_false(parse_config("nic\nni\0c\n", 9, &taken, &at));
    assert_int_equal(at, 2);
    assert_int_equal(fault.column, 3);
    assert_true(parse_config("", 0, &taken, &at));
    for (size_t len = 0; len < sizeof(text); len++)
        (void)parse_config(text, len, &taken, &at);
}

static void the_last_word_about_the_stack_counts(void **state)
{
    static const char *const lines[] = {
        "stack name a weak-host on handle-local off seed 7 memory 8m",
        "stack handle-local on",
        "stack weak-host off seed 0 name b",
    };
    struct order stack = {0}, order;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_true(parse(lines[i], &order));
        config_add_stack(&stack, &order);
    }
    assert_int_equal(stack.weak_host, 0);
    assert_int_equal(stack.handle_local, 1);
    assert_int_equal(stack.memory, 8 << 20);
    assert_true(stack.at[FIELD_SEED] != 0 && stack.seed == 0);
    assert_string_equal(stack.name, "b");
}

TESTS({"the last word about the stack counts", the_last_word_about_the_stack_counts},
      {"a line is split into words, with quotes and comments", a_line_is_split_into_words},
      {"what is no line is told with its column", what_is_no_line_is_told_with_its_column},
      {"joined words split into themselves", joined_words_split_into_themselves},
      {"orders are spelled as ip spells them", orders_are_spelled_as_ip_spells_them},
      {"what is wrong is told where it is", what_is_wrong_is_told_where_it_is},
      {"cut lines are refused, or whole", cut_lines_are_refused_or_whole},
      {"a config is read line by line", a_config_is_read_line_by_line})
