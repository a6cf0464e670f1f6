/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <nicstack/types.h>

static void every_error_has_words(void **state)
{
    for (int i = 1; i < NST_ERROR_MAX; i++) {
        assert_string_equal(nst_strerror(i), nst_strerror(-i));
        assert_string_not_equal(nst_strerror(i), "unknown error");
        assert_int_equal(nst_error_name(i)[0], 'E');
        for (int k = 1; k < i; k++)
            assert_string_not_equal(nst_error_name(i), nst_error_name(k));
    }
    assert_string_equal(nst_error_name(-NST_ENETUNREACH), "ENETUNREACH");
    assert_string_equal(nst_strerror(NST_ENETUNREACH), "no route to the network");
}

static void unknown_numbers(void **state)
{
    static const int unknown[] = {NST_ERROR_MAX, -NST_ERROR_MAX, 10000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_string_equal(nst_strerror(unknown[i]), "unknown error");
        assert_string_equal(nst_error_name(unknown[i]), "E?");
    }
}

static void version_is_the_header_s(void **state)
{
    assert_int_equal(nst_version(),
                     NST_VERSION_MAJOR << 16 | NST_VERSION_MINOR << 8 | NST_VERSION_PATCH);
}

TESTS({"every error has its own name and a text, of either sign", every_error_has_words},
      {"an unknown number has words too", unknown_numbers},
      {"the version is the header's", version_is_the_header_s})
