/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/fmt.h"

static void agrees(const char *expected, const char *actual)
{
    assert_string_equal(actual, expected);
}

#define SAME(...)                                          \
    do {                                                   \
        char expected[200], actual[200];                   \
        struct fmt f;                                      \
        snprintf(expected, sizeof(expected), __VA_ARGS__); \
        fmt_init(&f, actual, sizeof(actual));              \
        fmt_f(&f, __VA_ARGS__);                            \
        agrees(expected, actual);                          \
        assert_int_equal(f.length, strlen(expected));      \
        assert_true(fmt_is_complete(&f));                  \
    } while (0)

static void agrees_with_printf(void **state)
{
    SAME("plain %% text");
    SAME("%s|%8s|%-8s|%.2s|%.*s|%5.1s|", "abc", "abc", "abc", "abc", 1, "abc", "abc");
    SAME("%d %i %u %x", -5, 7, 4000000000u, 0xdeadbeefu);
    SAME("%5d|%-5d|%05d|%05d|", -42, -42, -42, 42);
    SAME("%02x:%02x", 5u, 255u);
    SAME("%ld %lu %lx", -5000000000L, 5000000000UL, 0xabcdef0123UL);
    SAME("%lld %llu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
    SAME("%zu %zd", (size_t)12345, (ptrdiff_t)-3);
    SAME("%c%c|%3c", 'x', 'y', 'z');
    SAME("%p", (void *)0x1234);
}

static void unknown_is_copied(void **state)
{
    char text[64];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    const char *volatile odd = "a%qb%"; /* hidden from the compiler's check */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    fmt_f(&f, odd);
#pragma GCC diagnostic pop
    assert_string_equal(text, "a%qb%");
}

static void truncation_is_counted(void **state)
{
    for (size_t size = 0; size < 16; size++) {
        char *text = malloc(size ? size : 1);
        struct fmt f;
        fmt_init(&f, size ? text : NULL, size);
        fmt_f(&f, "%s-%u", "hello", 123u);
        size_t fits = size == 0 ? 0 : size - 1 < 9 ? size - 1 : 9;
        assert_int_equal(f.length, fits);
        assert_int_equal(f.truncated, 9 - fits);
        assert_int_equal(fmt_is_complete(&f), fits == 9);
        if (size > 0) {
            assert_memory_equal(text, "hello-123", fits);
            assert_int_equal(text[fits], '\0');
        }
        free(text);
    }
}

static void single_values(void **state)
{
    char text[128];
    struct fmt f;
    fmt_init(&f, text, sizeof(text));
    assert_string_equal(text, "");
    fmt_i64(&f, INT64_MIN);
    fmt_char(&f, ' ');
    fmt_u64(&f, UINT64_MAX);
    fmt_char(&f, ' ');
    fmt_hex(&f, 0);
    fmt_hex(&f, 0xfedcba9876543210);
    fmt_char(&f, ' ');
    fmt_hex_bytes(&f, "\x01\xff\x20", 3);
    fmt_str(&f, NULL);
    fmt_mem(&f, "xyz", 2);
    assert_string_equal(
        text, "-9223372036854775808 18446744073709551615 0fedcba9876543210 01ff20(null)xy");
}

TESTS({"what is supported agrees with printf", agrees_with_printf},
      {"an unknown conversion is copied as it stands", unknown_is_copied},
      {"what does not fit is counted, and the text is terminated", truncation_is_counted},
      {"single values are written", single_values})
