/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet scripts: running one and telling how it went. What `nst test` stands on.
 */
#ifndef NICSTACK_SRC_SCRIPT_SCRIPT_H
#define NICSTACK_SRC_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum script_verdict {
    SCRIPT_PASSED,
    SCRIPT_FAILED,
    SCRIPT_SKIPPED, /* it asks for what is not built in */
};

struct script_report {
    enum script_verdict verdict;
    char *reason; /* one line, "" for what passed: "3:12: ..." names line and column */
    char *detail; /* lines: what was expected and what came, and the time line; "" for none */
};

struct script_options {
    bool strict;    /* a packet that the script does not name before its end is a failure */
    bool time_line; /* in detail, even of what passed */
    bool ipv6;      /* over IPv6 if the script names no version, with segments as large as IPv4's */
};

/* Runs the script of `len` bytes in a world of its own. `name` stands in front of lines in the
 * report, which is given back by script_report_free. Touches nothing outside. */
void script_run(const char *name, const char *text, size_t len,
                const struct script_options *options, struct script_report *ret_report);
void script_report_free(struct script_report *report);

#endif
