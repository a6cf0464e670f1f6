/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: text to script (ast.h). It takes any bytes; the first error is told with its line
 * and column. What is well-formed but means something that there is not here yet (a symbol, an
 * encapsulation) makes the script one to skip.
 */
#ifndef NICSTACK_SRC_SCRIPT_PARSE_H
#define NICSTACK_SRC_SCRIPT_PARSE_H

#include "script/scan.h"

/* 0 and a script for parse_free; or -NST_EINVAL and what is wrong. `version` holds unless the
 * script names one. */
int parse_script(const char *text, size_t len, enum script_ip_version version,
                 struct script **ret_script, struct script_error *ret_error);
/* NULL is fine. */
void parse_free(struct script *script);

/* ---- Between the parser's files ---- */

struct parse {
    struct scan s;
    struct script *script;
};

/* The script cannot be run here; the first reason counts. */
void parse_skip(struct parse *p, struct script_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The definition of a name, or NULL. */
const struct script_define *parse_define(const struct parse *p, const char *name);
/* seq:end(len). */
bool parse_range(struct parse *p, uint32_t *ret_seq, uint32_t *ret_end, uint32_t *ret_len);
/* Behind < or >: the packet. NULL: an error. */
struct script_packet *parse_packet(struct parse *p, bool outgoing);
/* What stands in < > behind a segment. */
bool parse_tcp_options(struct parse *p, struct script_tcp *tcp);
/* Behind the word icmp. */
bool parse_icmp(struct parse *p, struct script_icmp *icmp);
/* Behind the name of the call. NULL: an error. */
struct script_call *parse_call(struct parse *p, const char *name);

#endif
