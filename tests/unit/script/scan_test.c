/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <string.h>

#include "script/scan.h"

struct fixture {
    struct scan s;
    struct arena arena;
    struct script_error error;
};

static void begin(struct fixture *f, const char *text)
{
    *f = (struct fixture){0};
    scan_init(&f->s, text, strlen(text), &f->arena, &f->error);
}

static void end(struct fixture *f)
{
    arena_free(&f->arena);
}

static void assert_error_at(const struct fixture *f, uint32_t line, uint32_t col)
{
    assert_true(f->s.failed);
    assert_int_equal(f->error.pos.line, line);
    assert_int_equal(f->error.pos.col, col);
    assert_true(f->error.text[0] != '\0');
}

static void space(void **state)
{
    struct fixture f;
    begin(&f, " \t// one\n# two\n/* three\n */ x");
    assert_false(scan_at_end(&f.s));
    assert_int_equal(f.s.pos.line, 4);
    assert_int_equal(f.s.pos.col, 5);
    assert_true(scan_take_word(&f.s, "x"));
    assert_true(scan_at_end(&f.s));
    end(&f);
    begin(&f, "a\n  /* without end");
    assert_string_equal(scan_word(&f.s), "a");
    assert_true(scan_at_end(&f.s));
    assert_error_at(&f, 2, 3);
    end(&f);
}

static void words(void **state)
{
    struct fixture f;
    begin(&f, "ackack ack 9x");
    assert_false(scan_take_word(&f.s, "ack"));
    assert_string_equal(scan_word(&f.s), "ackack");
    assert_true(scan_take_word(&f.s, "ack"));
    assert_null(scan_word(&f.s));
    end(&f);
}

static void numbers(void **state)
{
    struct fixture f;
    int64_t n;
    uint64_t u;
    begin(&f, "12 -7 0x1F 18446744073709551616");
    assert_true(scan_number(&f.s, true, &n) && n == 12);
    assert_false(scan_number(&f.s, false, &n));
    assert_true(scan_number(&f.s, true, &n) && n == -7);
    assert_true(scan_number(&f.s, true, &n) && n == 31);
    assert_false(scan_number(&f.s, true, &n));
    assert_true(f.s.failed);
    end(&f);
    begin(&f, "\n 300");
    assert_false(scan_want_number(&f.s, 255, &u));
    assert_error_at(&f, 2, 2);
    end(&f);
}

static void times(void **state)
{
    static const struct {
        const char *text;
        nst_time time;
        const char *rest;
    } cases[] = {
        {"0.1 x", 100 * NST_MSEC, " x"}, {".000001", NST_USEC, ""},       {"12", 12 * NST_SEC, ""},
        {"0...0.2", 0, "...0.2"},        {".5...1", NST_SEC / 2, "...1"}, {"1.", NST_SEC, ""},
        {"1~2", NST_SEC, "~2"},          {"0.0000000019", 1, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f;
        nst_time t;
        begin(&f, cases[i].text);
        assert_true(scan_seconds(&f.s, &t));
        assert_int_equal(t, cases[i].time);
        assert_string_equal(f.s.text + f.s.at, cases[i].rest);
        end(&f);
    }
}

static void strings(void **state)
{
    struct fixture f;
    char *text;
    size_t len;
    begin(&f, "\"a\\n\\x41\\\"b\" rest");
    assert_true(scan_quoted(&f.s, true, &text, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(text, "a\nA\"b", 6);
    assert_string_equal(f.s.text + f.s.at, " rest");
    end(&f);
    begin(&f, "`a\\n`");
    assert_true(scan_quoted(&f.s, false, &text, &len));
    assert_string_equal(text, "a\\n");
    end(&f);
    begin(&f, " \"open");
    scan_space(&f.s);
    assert_false(scan_quoted(&f.s, true, &text, &len));
    assert_error_at(&f, 1, 2);
    end(&f);
}

static void hex(void **state)
{
    struct fixture f;
    uint8_t bytes[2];
    begin(&f, "0aFF,");
    assert_int_equal(scan_hex(&f.s, bytes, 2), 2);
    assert_int_equal(bytes[0], 10);
    assert_int_equal(bytes[1], 255);
    end(&f);
    begin(&f, "0aF ");
    assert_int_equal(scan_hex(&f.s, bytes, 2), 0);
    assert_error_at(&f, 1, 3);
    end(&f);
}

static void first_error_counts(void **state)
{
    struct fixture f;
    begin(&f, "a b");
    assert_false(scan_want(&f.s, "b"));
    assert_error_at(&f, 1, 1);
    assert_false(scan_want(&f.s, "a"));
    assert_error_at(&f, 1, 1);
    assert_true(scan_at_end(&f.s));
    end(&f);
}

TESTS({"white space and comments are passed, lines and columns counted", space},
      {"a word is taken whole or not at all", words},
      {"numbers are decimal or hex and know their limits", numbers},
      {"a time ends where the end of a call begins", times},
      {"strings have escapes, commands have none", strings}, {"hex comes in pairs", hex},
      {"the first error counts, and ends the text", first_error_counts})
