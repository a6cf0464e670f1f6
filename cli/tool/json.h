/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON, compact or indented as `ip -j -p` does. A name is given inside of objects and is
 * NULL inside of arrays; commas are added here.
 */
#ifndef NICSTACK_CLI_TOOL_JSON_H
#define NICSTACK_CLI_TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool is_pretty;

    /* private */
    unsigned depth;
    bool has_value; /* in the innermost object or array */
};

/* Begins an object ('{') or an array ('['), and ends it. The outermost one ends with a newline. */
void json_begin(struct json *json, const char *name, char bracket);
void json_end(struct json *json, char bracket);

/* text: any bytes; what is not ASCII is written as if it were Latin-1. NULL: null. */
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_bool(struct json *json, const char *name, bool value);

/* A text with its quotes, alone. */
void json_print_text(const char *text, FILE *out);

#endif
