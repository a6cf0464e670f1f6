/* SPDX-License-Identifier: Apache-2.0 */
#include <nicstack/host.h>

#include <errno.h>

#include "testing.h"

static void every_error_has_an_errno_and_comes_back(void **state)
{
    for (int error = 1; error < NST_ERROR_MAX; error++) {
        int errnum = nst_errno_from_error(error);
        assert_int_equal(nst_errno_from_error(-error), errnum);
        assert_int_equal(nst_error_from_errno(errnum), error);
    }
}

static void what_has_no_word_is_an_io_error(void **state)
{
    assert_int_equal(nst_error_from_errno(EXDEV), NST_EIO);
    assert_int_equal(nst_error_from_errno(99999), NST_EIO);
    assert_int_equal(nst_errno_from_error(NST_ERROR_MAX), EIO);
    assert_int_equal(nst_errno_from_error(-9999), EIO);
    assert_int_equal(nst_error_from_errno(0), 0);
    assert_int_equal(nst_errno_from_error(0), 0);
}

static void relatives_of_an_errno_share_its_word(void **state)
{
    assert_int_equal(nst_error_from_errno(EACCES), NST_EPERM);
    assert_int_equal(nst_error_from_errno(EMFILE), NST_ENOBUFS);
    assert_int_equal(nst_error_from_errno(EHOSTDOWN), NST_EHOSTUNREACH);
    assert_int_equal(nst_error_from_errno(ENODEV), NST_ENOENT);
}

static void seeds_differ_and_the_clock_runs_forward(void **state)
{
    uint8_t a[32] = {0}, b[32] = {0};
    assert_int_equal(nst_host_seed(a), 0);
    assert_int_equal(nst_host_seed(b), 0);
    assert_memory_not_equal(a, b, 32);
    nst_time before = nst_host_now();
    assert_true(before > 0);
    assert_true(nst_host_now() >= before);
}

static void the_allocator_gives_aligned_memory(void **state)
{
    const struct nst_allocator *a = nst_host_allocator();
    for (size_t size = 1; size < 5000; size *= 3) {
        void *memory = a->alloc(a->context, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % 16, 0);
        memset(memory, 1, size);
        a->free(a->context, memory, size);
    }
}

TESTS({"every error has an errno, which gives it back", every_error_has_an_errno_and_comes_back},
      {"what has no word is an I/O error, and nothing is nothing", what_has_no_word_is_an_io_error},
      {"relatives of an errno share its word", relatives_of_an_errno_share_its_word},
      {"seeds differ, and the clock runs forward", seeds_differ_and_the_clock_runs_forward},
      {"the allocator gives memory aligned to 16", the_allocator_gives_aligned_memory})
