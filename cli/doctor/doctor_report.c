/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the checks: see doctor_report.h. */
#include "doctor/doctor_report.h"

#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "doctor/doctor_try.h"

void doctor_works(struct doctor_result *ret_result, const char *format, ...)
{
    va_list arguments;
    *ret_result = (struct doctor_result){.status = DOCTOR_WORKS};
    if (format == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(ret_result->why, sizeof(ret_result->why), format, arguments);
    va_end(arguments);
}

void doctor_fails(struct doctor_result *ret_result, int error, const char *help, const char *format,
                  ...)
{
    va_list arguments;
    *ret_result = (struct doctor_result){.status = DOCTOR_FAILS, .error = error};
    snprintf(ret_result->help, sizeof(ret_result->help), "%s", help);
    va_start(arguments, format);
    vsnprintf(ret_result->why, sizeof(ret_result->why), format, arguments);
    va_end(arguments);
}

const struct doctor_result *doctor_report_find(const struct doctor_report *report, const char *name,
                                               size_t len)
{
    for (size_t i = 0; i < report->count; i++) {
        const char *at = report->rows[i].check->name;
        if (strlen(at) == len && memcmp(at, name, len) == 0)
            return &report->rows[i].result;
    }
    return NULL;
}

const char *doctor_report_missing(const struct doctor_report *report, const char *needs,
                                  size_t *ret_len)
{
    for (const char *word = needs; word != NULL && *word != '\0'; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        const struct doctor_result *result = doctor_report_find(report, word, len);
        if (result == NULL || result->status != DOCTOR_WORKS) {
            *ret_len = len;
            return word;
        }
        word += len;
    }
    return NULL;
}

/* What the check needs and has not. Users get namespaces only within a user namespace. */
static const char *find_missing(const struct doctor_report *report,
                                const struct doctor_check *check, size_t *ret_len)
{
    bool is_user = geteuid() != 0;
    const char *missing = NULL;
    if (is_user && check->namespaces != 0 && (check->namespaces & CLONE_NEWUSER) == 0)
        missing = doctor_report_missing(report, "user_namespace", ret_len);
    return missing != NULL ? missing : doctor_report_missing(report, check->needs, ret_len);
}

static void fill_row(struct doctor_report *report, struct doctor_row *row)
{
    size_t len;
    const char *missing = find_missing(report, row->check, &len);
    if (missing == NULL) {
        doctor_try(row->check, &row->result);
        return;
    }
    row->result = (struct doctor_result){.status = DOCTOR_UNTESTED};
    snprintf(row->result.why, sizeof(row->result.why), "needs %.*s", (int)len, missing);
}

static void run_group(struct doctor_report *report, const struct doctor_group *group)
{
    for (size_t i = 0; i < group->count && report->count < DOCTOR_ROWS_MAX; i++) {
        struct doctor_row *row = &report->rows[report->count];
        row->group = group;
        row->check = &group->checks[i];
        fill_row(report, row);
        report->count++;
    }
}

void doctor_report_make(struct doctor_report *ret_report)
{
    static const struct doctor_group *const groups[] = {
        &doctor_namespaces, &doctor_tun,  &doctor_packet, &doctor_seccomp,
        &doctor_kernel,     &doctor_host, &doctor_limits, &doctor_libraries,
    };
    *ret_report = (struct doctor_report){0};
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        run_group(ret_report, groups[i]);
    doctor_attach_decide(ret_report);
}
