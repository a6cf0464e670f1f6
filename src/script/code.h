/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code in %{ }%: assertions and assignments over TCP_INFO, in the part of Python that scripts use.
 *
 *   statements   assert E [, message]; NAME = E; NAME += E; E; joined by ';' or lines
 *   expressions  or, and, not, chained comparisons, in (a, b), | ^ & << >> + - * / // % ** and
 * unary
 *                - + ~, abs, min, max, int, float, print, numbers, 'text', 'text %d' % (values),
 *                parentheses
 *   names        tcpi_* of TCP_INFO, TCP_* states, TCP_CA_*, TCPI_OPT_*, True, False, and what was
 *                assigned before
 */
#ifndef NICSTACK_SRC_SCRIPT_CODE_H
#define NICSTACK_SRC_SCRIPT_CODE_H

#include "script/scan.h"
#include "script/tcpinfo.h"

struct code_name {
    const struct code_name *next;
    const char *name;
    double number;
    const char *text; /* NULL: a number */
};

enum code_result {
    CODE_GOOD,
    CODE_FALSE,       /* an assertion does not hold */
    CODE_BAD,         /* it is not in the language */
    CODE_UNSUPPORTED, /* a name or a statement that is not there */
};

struct code {
    struct arena *arena;
    const struct tcpinfo *info; /* NULL: there is no connection to ask */
    const struct code_name *names;
    /* How it ended. */
    struct script_pos pos;
    const char *reason;
    const char *values; /* "tcpi_snd_cwnd = 10, ..." of the last statement */
};

/* Runs the code, whose first character stands at `pos` of the script. */
enum code_result code_run(struct code *code, const char *text, struct script_pos pos);

#endif
