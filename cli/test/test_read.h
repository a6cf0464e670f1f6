/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports between the workers of `nst test` and their parent: a head, two texts, through a pipe.
 */
#ifndef NICSTACK_CLI_TEST_TEST_READ_H
#define NICSTACK_CLI_TEST_TEST_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEST_BEGINS (-1) /* as verdict: the worker takes this file now */

struct test_head {
    int file;
    int verdict; /* enum script_verdict, or TEST_BEGINS */
    int64_t micros;
    size_t reason_len, detail_len; /* filled in by test_send */
};

/* Zero-initialise it. */
struct test_reader {
    char *bytes;
    size_t len, size;
};

/* Writes a report whole; a parent that is gone ends the process. */
void test_send(int fd, const struct test_head *head, const char *reason, const char *detail);
/* Reads what there is. False: the end. */
bool test_reader_fill(struct test_reader *r, int fd);
/* The next whole report: both texts are the caller's to free(). False: not there yet. */
bool test_receive(struct test_reader *r, struct test_head *ret_head, char **ret_reason,
                  char **ret_detail);
void test_reader_free(struct test_reader *r);

#endif
