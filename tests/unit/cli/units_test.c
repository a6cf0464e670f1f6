/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, times, rates and percentages as people write them. */
#include "testing.h"

#include "tool/units.h"

static void times(void **state)
{
    static const struct {
        const char *text;
        nst_time time;
    } good[] = {
        {"0", 0},
        {"80ms", 80 * NST_MSEC},
        {"80MS", 80 * NST_MSEC},
        {"1.5s", 1500 * NST_MSEC},
        {"0.25ms", 250 * NST_USEC},
        {"10us", 10 * NST_USEC},
        {"7ns", 7},
        {"2sec", 2 * NST_SEC},
        {"2secs", 2 * NST_SEC},
        {"3msec", 3 * NST_MSEC},
        {"3msecs", 3 * NST_MSEC},
        {"4usec", 4 * NST_USEC},
        {"4usecs", 4 * NST_USEC},
        {"5nsec", 5},
        {"5nsecs", 5},
        {"3600s", 3600 * NST_SEC},
        {"0.0000019s", NST_USEC}, /* six digits count */
        {"0.5ns", 0},
    };
    static const char *const bad[] = {
        "",
        "ms",
        "80",
        "1",
        "80 ms",
        " 80ms",
        "80ms ",
        "-1ms",
        "+1ms",
        "1.ms",
        ".5ms",
        "1..5s",
        "1.5",
        "1e3ms",
        "0x10ms",
        "80mss",
        "3601s",
        "1000000000000000000000s",
        "3600.000001s",
        "1m",
        "1h",
        "80m",
        "18446744073709551615s",
        "0.ms",
        "00",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        nst_time t = -1;
        assert_true(units_parse_time(good[i].text, &t));
        assert_int_equal(t, good[i].time);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        nst_time t = -1;
        if (units_parse_time(bad[i], &t))
            fail_msg("\"%s\" was taken for %lld ns", bad[i], (long long)t);
        assert_int_equal(t, -1);
    }
}

struct reading {
    const char *text;
    uint64_t value;
};

static void assert_reads(bool (*parse)(const char *, uint64_t *), const struct reading *good,
                         size_t good_count, const char *const *bad, size_t bad_count)
{
    for (size_t i = 0; i < good_count; i++) {
        uint64_t n = 77;
        assert_true(parse(good[i].text, &n));
        assert_int_equal(n, good[i].value);
    }
    for (size_t i = 0; i < bad_count; i++) {
        uint64_t n = 77;
        if (parse(bad[i], &n))
            fail_msg("\"%s\" was taken for %llu", bad[i], (unsigned long long)n);
        assert_int_equal(n, 77);
    }
}

#define ASSERT_READS(parse, good, bad) \
    assert_reads(parse, good, sizeof(good) / sizeof(good[0]), bad, sizeof(bad) / sizeof(bad[0]))

static void rates(void **state)
{
    static const struct reading good[] = {
        {"1", 1},
        {"9600", 9600},
        {"9600bit", 9600},
        {"20mbit", 20000000},
        {"20Mbit", 20000000},
        {"1.5gbit", 1500000000},
        {"100kbit", 100000},
        {"2tbit", 2000000000000},
        {"1kibit", 1024},
        {"1mibit", 1048576},
        {"1gibit", 1073741824},
        {"1tibit", 1099511627776},
        {"10bps", 80},
        {"10kbps", 80000},
        {"10mbps", 80000000},
        {"1gbps", 8000000000},
        {"1tbps", 8000000000000},
        {"1kibps", 8192},
        {"1mibps", 8388608},
        {"1gibps", 8589934592},
        {"1tibps", 8796093022208},
        {"0.000001mbit", 1},
    };
    static const char *const bad[] = {
        "",
        "0",
        "0mbit",
        "0.1bit",
        "mbit",
        "20m",
        "20mb",
        "20 mbit",
        "-1bit",
        "20mbits",
        "20mbit ",
        "1e6",
        "20mbit/s",
        "18446744073709551616",
        "9223372036854775808",
        "9999999999tbit",
        "0.0000001mbit",
    };
    ASSERT_READS(units_parse_rate, good, bad);
}

static void percentages(void **state)
{
    static const struct {
        const char *text;
        uint32_t ppm;
    } good[] = {
        {"0", 0},
        {"0%", 0},
        {"1%", 10000},
        {"1", 10000},
        {"100%", 1000000},
        {"0.05%", 500},
        {"0.0001%", 1},
        {"33.3333%", 333333},
        {"99.9999", 999999},
        {"0.00001%", 0},
    };
    static const char *const bad[] = {
        "", "%", "101%", "100.0001%", "-1%", "1%%", "1 %", "one", "1%x", "1.%", "4294967297%",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint32_t n = 7;
        assert_true(units_parse_percent(good[i].text, &n));
        assert_int_equal(n, good[i].ppm);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t n = 7;
        if (units_parse_percent(bad[i], &n))
            fail_msg("\"%s\" was taken for %u ppm", bad[i], n);
        assert_int_equal(n, 7);
    }
}

static void sizes(void **state)
{
    static const struct reading good[] = {
        {"0", 0},
        {"1", 1},
        {"4096", 4096},
        {"8m", 8 << 20},
        {"8M", 8 << 20},
        {"1k", 1024},
        {"2g", 2147483648},
        {"18446744073709551615", UINT64_MAX},
        {"17179869183g", 17179869183u * (uint64_t)(1 << 30)},
    };
    static const char *const bad[] = {
        "", "m", "8mm", "8.5m", "-1", " 1", "1 ", "8x", "18446744073709551616", "17179869184g",
    };
    ASSERT_READS(units_parse_size, good, bad);
}

static void numbers(void **state)
{
    static const struct reading good[] = {
        {"0", 0},     {"7", 7},   {"010", 10},
        {"0x1f", 31}, {"0X0", 0}, {"18446744073709551615", UINT64_MAX},
    };
    static const char *const bad[] = {
        "",   "-1",   "+1",   " 1",    "1 ",  "a",   "7f",
        "0x", "0x 1", "0x-1", "0x0x1", "0xg", "1.5", "18446744073709551616",
    };
    static const struct reading decimal[] = {{"7", 7}, {"010", 10}};
    static const char *const hexadecimal[] = {"0x1f", "0X0", "0x", "7f"};
    ASSERT_READS(units_parse_number, good, bad);
    ASSERT_READS(units_parse_decimal, decimal, hexadecimal);
    ASSERT_READS(units_parse_decimal, decimal, bad);
}

static void texts(void **state)
{
    char t[UNITS_TEXT];
    assert_string_equal(units_format_bytes(0, t), "0B");
    assert_string_equal(units_format_bytes(1023, t), "1023B");
    assert_string_equal(units_format_bytes(1536, t), "1.50KiB");
    assert_string_equal(units_format_bytes(110u << 20, t), "110MiB");
    assert_string_equal(units_format_bytes(UINT64_MAX, t), "16384PiB");
    assert_string_equal(units_format_rate(0, t), "0bit");
    assert_string_equal(units_format_rate(9600, t), "9.60Kbit");
    assert_string_equal(units_format_rate(93240000, t), "93.2Mbit");
    assert_string_equal(units_format_rate(UINT64_MAX, t), "18446744Tbit");
    assert_string_equal(units_format_time(250 * NST_USEC, t), "250us");
    assert_string_equal(units_format_time(1520 * NST_USEC, t), "1.52ms");
    assert_string_equal(units_format_time(12440 * NST_USEC, t), "12.4ms");
    assert_string_equal(units_format_time(3 * NST_SEC, t), "3s");
    assert_string_equal(units_format_age(12 * NST_SEC, t), "12s");
    assert_string_equal(units_format_age(185 * NST_SEC, t), "3m05s");
    assert_string_equal(units_format_age(7500 * NST_SEC, t), "2h05m");
    assert_string_equal(units_format_age((nst_time)(9 * 86400 + 3 * 3600) * NST_SEC, t), "9d03h");
}

TESTS({"times have a unit, but 0", times}, {"rates are bits or bytes a second", rates},
      {"percentages have a sign or none", percentages}, {"sizes are whole", sizes},
      {"numbers are decimal, or hexadecimal after 0x", numbers}, {"they are written short", texts})
