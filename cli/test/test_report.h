/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `nst test` prints: a line a script, what failed in detail, the sum.
 */
#ifndef NICSTACK_CLI_TEST_TEST_REPORT_H
#define NICSTACK_CLI_TEST_TEST_REPORT_H

#include <stdint.h>

#include "script/script.h"

struct test_result {
    enum script_verdict verdict;
    int64_t micros;
    char *reason; /* NULL: there is no result yet */
    char *detail;
};

void test_print(const struct test_result *result, const char *file, bool verbose, bool json);
void test_print_sum(int passed, int failed, int skipped, bool json);

#endif
