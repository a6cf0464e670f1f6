/* SPDX-License-Identifier: Apache-2.0 */
/* What nst doctor found: the result of each check, and which attachments follow from them. */
#ifndef NICSTACK_CLI_DOCTOR_DOCTOR_REPORT_H
#define NICSTACK_CLI_DOCTOR_DOCTOR_REPORT_H

#include "doctor/doctor.h"
#include "tool/json.h"

enum {
    DOCTOR_ROWS_MAX = 64,
    DOCTOR_ATTACHMENTS = 3
};

struct doctor_row {
    const struct doctor_group *group;
    const struct doctor_check *check;
    struct doctor_result result;
};

/* A way of `nst run` to attach a program. */
struct doctor_attachment {
    const char *name;
    bool works;
    bool is_built;     /* this nst has it */
    char missing[160]; /* the checks that failed, with ", " between; "" for none */
};

struct doctor_report {
    struct doctor_row rows[DOCTOR_ROWS_MAX];
    size_t count;
    struct doctor_attachment attachments[DOCTOR_ATTACHMENTS]; /* best first */
    const struct doctor_attachment *chosen;                   /* without --attach; NULL: none */
    bool works;                                               /* one of them, at least */
};

/* Runs every check, which takes a moment. */
void doctor_report_make(struct doctor_report *ret_report);

/* As a table for people, coloured where asked. */
void doctor_report_print(const struct doctor_report *report, bool has_colour, FILE *out);

/* As one object. */
void doctor_report_print_json(const struct doctor_report *report, struct json *json);

/* Which attachments work, from the rows. */
void doctor_attach_decide(struct doctor_report *report);

/* The result of a check that has run, or NULL. */
const struct doctor_result *doctor_report_find(const struct doctor_report *report, const char *name,
                                               size_t len);

/* The first of the words of needs whose check did not work: its place and its length, or NULL. */
const char *doctor_report_missing(const struct doctor_report *report, const char *needs,
                                  size_t *ret_len);

#endif
