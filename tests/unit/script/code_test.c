/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "script/code.h"

static const struct tcpinfo info = {.snd_cwnd = 10, .snd_mss = 1000, .options = 3, .state = 1};

struct outcome {
    enum code_result result;
    struct script_pos pos;
    char reason[200], values[200];
};

static struct outcome run(const char *text)
{
    struct arena arena = {0};
    struct code code = {.arena = &arena, .info = &info};
    struct outcome o = {.result = code_run(&code, text, (struct script_pos){3, 7})};
    o.pos = code.pos;
    snprintf(o.reason, sizeof(o.reason), "%s", code.reason != NULL ? code.reason : "");
    snprintf(o.values, sizeof(o.values), "%s", code.values);
    arena_free(&arena);
    return o;
}

static void assert_results(const char *const *texts, size_t n, enum code_result result)
{
    for (size_t i = 0; i < n; i++) {
        const struct outcome o = run(texts[i]);
        if (o.result != result)
            fail_msg("'%s' gave %d: %s", texts[i], o.result, o.reason);
    }
}
#define ASSERT_ALL(texts, result) assert_results(texts, sizeof(texts) / sizeof(texts[0]), result)

static void holds(void **state)
{
    static const char *const texts[] = {
        "",
        "\n # only a comment\n",
        "assert 1",
        "assert tcpi_snd_cwnd == 10",
        "assert 1 + 2 * 3 == 7",
        "assert (1 + 2) * 3 == 9",
        "assert 7 // 2 == 3 and 7 % 4 == 3",
        "assert -7 // 2 == -4",
        "assert 7 / 2 == 3.5",
        "assert 1 < 2 <= 2 < 3",
        "assert not 1 > 2",
        "assert (tcpi_options & TCPI_OPT_SACK) != 0",
        "assert 1 << 4 | 1 == 17",
        "assert ~0 == -1",
        "assert abs(-3) == 3; assert min(4, 2, 3) == 2; assert max(1, 5) == 5",
        "x = tcpi_snd_cwnd * 2\nassert x == 20, 'no'",
        "assert True and not False",
        "assert 1 == 1, 'text %d' % tcpi_snd_cwnd",
        "assert (1 ==\n  1)",
        "assert 1 == \\\n 1",
        "assert 0 or 1",
        "assert 0x10 == 16",
        "assert 'a' == \"a\"",
        "assert False or 1 / 1",
        "assert 1 or 1 / 0",
        "x = 1; x = x + 1; assert x == 2",
        "x = 1; x += 4; x *= 2; x -= 1; x /= 3; assert x == 3",
        "assert 2 ** 3 ** 2 == 512 and -2 ** 2 == -4 and 2 ** -1 == 0.5",
        ("assert 3 in (1, 2, 3) and 4 not in [1, 2] and 'a' in ('a',) and 5 in [4, 5, ] and 6 in "
         "(6, )"),
        "print(tcpi_snd_cwnd, 'is it'); print(); assert float(2) == 2",
    };
    ASSERT_ALL(texts, CODE_GOOD);
}

static void does_not_hold(void **state)
{
    static const char *const texts[] = {
        "assert 0",
        "assert tcpi_snd_cwnd == 11",
        "assert 1 < 3 < 2",
        "assert 1; assert 0",
        "assert not 1",
        "assert 1 and 0",
        "assert 3 in (1, 2)",
        "assert 1 not in (1, 2)",
        "x = 1; x += 1; assert x == 1",
        "x = 3\nassert x == 4",
    };
    ASSERT_ALL(texts, CODE_FALSE);
    const struct outcome o = run("\n  assert tcpi_snd_cwnd == 11, 'too small'");
    assert_int_equal(o.pos.line, 4);
    assert_int_equal(o.pos.col, 10);
    assert_non_null(strstr(o.reason, "tcpi_snd_cwnd == 11 does not hold: too small"));
    assert_string_equal(o.values, "tcpi_snd_cwnd = 10");
}

static void is_no_code(void **state)
{
    static const char *const texts[] = {
        "assert",
        "assert (1",
        "assert 1 +",
        "assert 1 1",
        "assert 'open",
        "assert 1 / 0",
        "assert tcpi_nonsense == 1",
        "assert 1 << 60",
        "assert 9x",
        "= 3",
        "assert min(1",
        "assert 'a' & 1",
        "x = ",
    };
    ASSERT_ALL(texts, CODE_BAD);
}

static void is_not_built_in(void **state)
{
    static const char *const texts[] = {
        "import os",       "if 1:\n assert 1",     "len('a')",
        "assert nonsense", "assert len('a') == 1", "assert tcpi_pacing_rate == 0",
    };
    ASSERT_ALL(texts, CODE_UNSUPPORTED);
}

static void nesting(void **state)
{
    char text[3000] = "assert ";
    for (int i = 0; i < 1000; i++)
        strcat(text, "(-");
    assert_int_equal(run(text).result, CODE_BAD);
}

TESTS({"assertions that hold", holds},
      {"one that does not is named, with the values in it", does_not_hold},
      {"what is no code is an error", is_no_code},
      {"the rest of Python is not built in", is_not_built_in}, {"nesting has a limit", nesting})
