/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line as words: what a config file has in each of its lines, and what a command sends to a
 * running instance. Blanks part words; "..." keeps blanks together, and in it \" and \\ are a quote
 * and a backslash; a word that begins with # begins a comment.
 */
#ifndef NICSTACK_CLI_ORDER_WORDS_H
#define NICSTACK_CLI_ORDER_WORDS_H

#include <stddef.h>

#include "order/fault.h"

#define WORDS_MAX 64

struct word {
    char *text;
    unsigned column; /* in bytes, from 1 */
};

struct words {
    struct word word[WORDS_MAX];
    unsigned count;
};

/* Splits `line`, without its newline, in place; the words point into it. None is fine. Any bytes
 * are. False: *fault says why. */
bool words_split(char *line, struct words *ret_words, struct fault *fault);

/* The line that splits into these words. False: it does not fit, or a word cannot be written. */
bool words_join(int count, const char *const *words, char *line, size_t size);

#endif
