/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "instance/request.h"

static bool parse(const char *text, struct request *ret)
{
    static char line[4096];
    snprintf(line, sizeof(line), "%s", text);
    return request_parse(line, ret);
}

static void a_line_comes_back(void **state)
{
    char text[256];
    struct request_line line;
    struct request request;
    uint64_t number;
    request_begin(&line, text, sizeof(text), "capture");
    request_put(&line, "filter", "tcp port 80 and 100%\x01\xff");
    request_put(&line, "empty", "");
    request_put_number(&line, "snaplen", UINT64_MAX);
    assert_true(request_end(&line));
    assert_int_equal(text[strlen(text) - 1], '\n');
    text[strlen(text) - 1] = '\0';
    assert_true(request_parse(text, &request));
    assert_string_equal(request.word, "capture");
    assert_int_equal(request.count, 3);
    assert_string_equal(request_get(&request, "filter"), "tcp port 80 and 100%\x01\xff");
    assert_string_equal(request_get(&request, "empty"), "");
    assert_null(request_get(&request, "none"));
    assert_true(request_get_number(&request, "snaplen", 0, &number));
    assert_true(number == UINT64_MAX);
    assert_true(request_get_number(&request, "none", 7, &number));
    assert_int_equal(number, 7);
    assert_false(request_get_number(&request, "filter", 0, &number));
    assert_false(request_get_number(&request, "empty", 0, &number));
}

static void nonsense_is_refused(void **state)
{
    static const char *const bad[] = {"",       " ",       "a b",     "a =b",       "a b=%",
                                      "a b=%1", "a b=%zz", "a b=%00", "a b=c d=e f"};
    struct request request;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse(bad[i], &request));
    char text[1024] = "a";
    for (int i = 0; i < REQUEST_FIELDS_MAX; i++)
        strcat(text, " k=v");
    assert_true(parse(text, &request));
    strcat(text, " k=v");
    assert_false(parse(text, &request));
}

static void a_number_too_large_is_none(void **state)
{
    struct request request;
    uint64_t number;
    assert_true(parse("a n=18446744073709551616 m=-1 o=1x", &request));
    assert_false(request_get_number(&request, "n", 0, &number));
    assert_false(request_get_number(&request, "m", 0, &number));
    assert_false(request_get_number(&request, "o", 0, &number));
}

static void a_line_that_does_not_fit_says_so(void **state)
{
    for (size_t size = 0; size < 12; size++) {
        char *text = malloc(size + 1);
        struct request_line line;
        request_begin(&line, text, size, "abc");
        request_put(&line, "k", "v w");
        assert_false(request_end(&line));
        free(text);
    }
}

TESTS({"a line comes back as it was written", a_line_comes_back},
      {"nonsense is refused", nonsense_is_refused},
      {"what is too large is no number", a_number_too_large_is_none},
      {"a line that does not fit says so", a_line_that_does_not_fit_says_so})
