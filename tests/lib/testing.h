/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of every unit test: cmocka, included in the right order, and a list of sentences.
 *
 *     static void prunes_the_oldest(void **state) { ... }
 *     TESTS({"a 65th destination cancels the oldest", prunes_the_oldest},
 *           {"...", ...})
 */
#ifndef TESTS_LIB_TESTING_H
#define TESTS_LIB_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Defines main(): runs the given {"sentence", function} pairs, each with fresh state. */
#define TESTS(...)                                        \
    int main(void)                                        \
    {                                                     \
        const struct CMUnitTest tests[] = {__VA_ARGS__};  \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }

#endif
