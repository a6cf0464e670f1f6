/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/csum.h"

/* What makes 31-bit lanes overflow soonest, if their chunks were too long: 2 MiB is one. */
static void lanes_do_not_overflow_at_the_edges_of_a_chunk(void **state)
{
    const struct csum_ops *ops = csum_avx2_lookup();
    const size_t chunk = 2 * 1024 * 1024;
    const int values[] = {0x00, 0x7f, 0x80, 0xff};
    uint8_t *data = malloc(2 * chunk + 200);

    if (ops == NULL)
        skip();
    for (size_t v = 0; v < 4; v++) {
        memset(data, values[v], 2 * chunk + 200);
        for (size_t k = 1; k <= 2; k++) {
            for (size_t len = k * chunk - 34; len <= k * chunk + 34; len++)
                assert_int_equal(csum_fold(ops->sum(data, len, 1)),
                                 csum_fold(csum_portable.sum(data, len, 1)));
        }
    }
    free(data);
}

static void copying_stops_at_the_last_byte(void **state)
{
    const struct csum_ops *ops = csum_avx2_lookup();
    uint32_t seed = 1;
    uint8_t data[300];

    if (ops == NULL)
        skip();
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)exact_random(&seed);
    for (size_t len = 0; len <= sizeof(data); len++) {
        uint8_t *from = exact_copy(data, len), *to = malloc(len + 1);
        to[len] = 0x55;
        const uint32_t sum = ops->copy(to, exact_begin(from, len), len, 9);
        assert_int_equal(csum_fold(sum), csum_fold(csum_portable.sum(data, len, 9)));
        assert_memory_equal(to, data, len);
        assert_int_equal(to[len], 0x55);
        free(to);
        free(from);
    }
}

static void the_fastest_one_is_selected(void **state)
{
    const struct csum_ops *avx2 = csum_avx2_lookup();

    assert_ptr_equal(csum_select(), avx2 != NULL ? avx2 : &csum_portable);
    assert_string_equal(csum_select()->name, avx2 != NULL ? "avx2" : "portable");
    assert_int_equal(avx2 != NULL, __builtin_cpu_supports("avx2") != 0);
}

TESTS({"lanes do not overflow at the edges of a chunk",
       lanes_do_not_overflow_at_the_edges_of_a_chunk},
      {"copying stops at the last byte", copying_stops_at_the_last_byte},
      {"the fastest one is selected", the_fastest_one_is_selected})
