/* SPDX-License-Identifier: Apache-2.0 */
/* Options of one table, of every kind. */
#include <stdbool.h>
#include <unistd.h>

#include "testing.h"

#include <nicstack/types.h>

#include "tool/options.h"

struct settings {
    bool flag, other;
    const char *text;
    struct option_texts texts;
    uint64_t size, number, rate;
    uint32_t percent;
    nst_time times[2];
};

#define MEMBER(name) offsetof(struct settings, name)

static const struct option_spec specs[] = {
    {"flag", 'f', OPTION_FLAG, NULL, "", MEMBER(flag)},
    {"other", 'o', OPTION_FLAG, NULL, "", MEMBER(other)},
    {"text", 't', OPTION_TEXT, "TEXT", "", MEMBER(text)},
    {"publish", 'p', OPTION_TEXTS, "TEXT", "", MEMBER(texts)},
    {"size", 0, OPTION_SIZE, "SIZE", "", MEMBER(size)},
    {"seed", 0, OPTION_NUMBER, "N", "", MEMBER(number)},
    {"rate", 0, OPTION_RATE, "RATE", "", MEMBER(rate)},
    {"loss", 0, OPTION_PERCENT, "PERCENT", "", MEMBER(percent)},
    {"delay", 0, OPTION_TIMES, "TIME [JITTER]", "", MEMBER(times)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

/* What options_parse gives for the words after the command's name. stderr is not shown. */
static int parse(struct settings *s, const char **words)
{
    int argc = 0, saved = dup(STDERR_FILENO);
    const char *argv[128] = {"command"};
    while (words[argc] != NULL) {
        argv[argc + 1] = words[argc];
        argc++;
    }
    *s = (struct settings){0};
    assert_non_null(freopen("/dev/null", "w", stderr));
    int r = options_parse(specs, "command", argc + 1, (char **)argv, s);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    return r;
}

#define WORDS(...) ((const char *[]){__VA_ARGS__, NULL})

static void every_kind(void **state)
{
    struct settings s;
    int r = parse(&s, WORDS("-fo", "--text", "word", "--size=8m", "--seed", "0x10", "--rate",
                            "20mbit", "--loss", "1%", "-p80:80", "-p", "81:81", "--publish=82:82",
                            "program", "-x"));
    assert_int_equal(r, 15);
    assert_true(s.flag && s.other);
    assert_string_equal(s.text, "word");
    assert_int_equal(s.size, 8 << 20);
    assert_int_equal(s.number, 16);
    assert_int_equal(s.rate, 20000000);
    assert_int_equal(s.percent, 10000);
    assert_int_equal(s.texts.count, 3);
    assert_string_equal(s.texts.text[0], "80:80");
    assert_string_equal(s.texts.text[1], "81:81");
    assert_string_equal(s.texts.text[2], "82:82");
}

static void a_second_time(void **state)
{
    struct settings s;
    assert_int_equal(parse(&s, WORDS("--delay", "80ms", "10ms", "program")), 4);
    assert_true(s.times[0] == 80 * NST_MSEC && s.times[1] == 10 * NST_MSEC);
    assert_int_equal(parse(&s, WORDS("--delay=80ms", "10ms", "program")), 3);
    assert_true(s.times[0] == 80 * NST_MSEC && s.times[1] == 10 * NST_MSEC);
    assert_int_equal(parse(&s, WORDS("--delay", "80ms", "program")), 3);
    assert_true(s.times[0] == 80 * NST_MSEC && s.times[1] == 0);
    assert_int_equal(parse(&s, WORDS("--delay", "80ms", "--", "10ms")), 4);
    assert_true(s.times[1] == 0);
    assert_int_equal(parse(&s, WORDS("--delay", "80ms")), 3);
    assert_int_equal(parse(&s, WORDS("--delay", "80ms", "-f")), 4);
    assert_true(s.flag && s.times[1] == 0);
}

static void what_is_refused(void **state)
{
    struct settings s;
    assert_int_equal(parse(&s, WORDS("--delay", "80")), -1);
    assert_int_equal(parse(&s, WORDS("--delay")), -1);
    assert_int_equal(parse(&s, WORDS("--rate", "fast")), -1);
    assert_int_equal(parse(&s, WORDS("--loss", "101%")), -1);
    assert_int_equal(parse(&s, WORDS("--seed", "-1")), -1);
    assert_int_equal(parse(&s, WORDS("--seed", "7x")), -1);
    assert_int_equal(parse(&s, WORDS("--size", "x")), -1);
    assert_int_equal(parse(&s, WORDS("--flag=yes")), -1);
    assert_int_equal(parse(&s, WORDS("--nothing")), -1);
    const char *many[OPTION_TEXTS_MAX + 2] = {0};
    for (int i = 0; i < OPTION_TEXTS_MAX; i++)
        many[i] = "-p80:80";
    assert_int_equal(parse(&s, many), OPTION_TEXTS_MAX + 1);
    many[OPTION_TEXTS_MAX] = "-p80:80";
    assert_int_equal(parse(&s, many), -1);
}

TESTS({"every kind of option is read", every_kind},
      {"the second word of a delay is taken where it is a time", a_second_time},
      {"what is wrong is refused", what_is_refused})
