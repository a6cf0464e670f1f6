/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to a running instance, and answered: one line,
 *
 *     WORD KEY=VALUE KEY=VALUE ...
 *
 * in which a space, a percent sign and what is not printable is %XX. See instance.h.
 */
#ifndef NICSTACK_CLI_INSTANCE_REQUEST_H
#define NICSTACK_CLI_INSTANCE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_LINE_MAX = 128 * 1024, /* with its newline */
    REQUEST_FIELDS_MAX = 32,
};

struct request_field {
    const char *key, *value;
};

struct request {
    const char *word;
    struct request_field fields[REQUEST_FIELDS_MAX];
    unsigned count;
};

/* Splits `line`, NUL-terminated and without its newline, in place; the request points into it.
 * False: it is no request. Any bytes are fine. */
bool request_parse(char *line, struct request *ret_request);

/* The value of a hexadecimal digit; -1: it is none. */
int request_hex_digit(char c);

/* The value of a key; NULL: it is not there. */
const char *request_get(const struct request *request, const char *key);
/* The same as a number; `otherwise` where it is not there. False: it is no number. */
bool request_get_number(const struct request *request, const char *key, uint64_t otherwise,
                        uint64_t *ret_value);

/* A line under construction. What does not fit sets `full`. */
struct request_line {
    char *text;
    size_t size, len;
    bool full;
};

/* Begins a line with `word`, which is written as it stands. */
void request_begin(struct request_line *line, char *text, size_t size, const char *word);
void request_put(struct request_line *line, const char *key, const char *value);
void request_put_number(struct request_line *line, const char *key, uint64_t value);
/* Ends it with a newline and NUL. False: it did not fit. */
bool request_end(struct request_line *line);

#endif
