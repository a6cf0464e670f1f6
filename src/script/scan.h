/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexer: characters to words, numbers, times and strings, with the line and column of each.
 * The language has no token that could be told without its place (".5" is a time, or flags and an
 * ACE field), so the parser asks for what it expects.
 *
 * Everything that returns bool is false when something else stands there. scan_fail remembers the
 * first error; afterwards the text is at its end for everybody.
 */
#ifndef NICSTACK_SRC_SCRIPT_SCAN_H
#define NICSTACK_SRC_SCRIPT_SCAN_H

#include "script/ast.h"

struct script_error {
    struct script_pos pos;
    char text[200];
};

#define SCAN_DEPTH_MAX 32 /* of nested values */

struct scan {
    const char *text;
    size_t len, at;
    struct script_pos pos; /* of text[at] */
    struct arena *arena;
    struct script_error *error;
    bool failed;
    uint32_t depth;
};

/* Begins at the `len` bytes of `text`, which may hold anything. */
void scan_init(struct scan *s, const char *text, size_t len, struct arena *arena,
               struct script_error *error);

/* The character `ahead` of the present one, or -1 behind the end. */
int scan_peek(const struct scan *s, size_t ahead);
/* One character further. */
void scan_next(struct scan *s);
/* Over white space and comments: //, slash star, and # to the end of the line. */
void scan_space(struct scan *s);
/* After space: are we at the end? */
bool scan_at_end(struct scan *s);

/* Remembers the error, at the present place or at `pos`. Always false. */
bool scan_fail(struct scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool scan_fail_at(struct scan *s, struct script_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* After space: takes `literal` if it stands there. */
bool scan_take(struct scan *s, const char *literal);
/* The same, and it is an error if it does not. */
bool scan_want(struct scan *s, const char *literal);
/* After space: takes the word `word` if it stands there whole. */
bool scan_take_word(struct scan *s, const char *word);
/* After space: letters, digits and underscores that do not begin with a digit; NULL: none. */
const char *scan_word(struct scan *s);
/* A word does not have to be taken to be seen. */
bool scan_is_word(struct scan *s);
/* After space: a decimal or 0x number, with a sign where `sign`. */
bool scan_number(struct scan *s, bool sign, int64_t *ret_value);
/* After space: a number from 0 to `max`; an error otherwise. */
bool scan_want_number(struct scan *s, uint64_t max, uint64_t *ret_value);
/* After space: seconds such as 1, .5, 2.000001; not a sign. */
bool scan_seconds(struct scan *s, nst_time *ret_time);
/* What is between the present quote and the next one like it, which may be behind a backslash
 * where `escapes`. *ret_pos is its first character's place. An error without an end. */
bool scan_quoted(struct scan *s, bool escapes, char **ret_text, size_t *ret_len);
/* Everything up to `end`, which is passed. An error without it. */
bool scan_until(struct scan *s, const char *end, char **ret_text);
/* Hex digits, in pairs, to at most `max` bytes. Returns how many; an error for an odd one. */
size_t scan_hex(struct scan *s, uint8_t *ret_bytes, size_t max);

#endif
