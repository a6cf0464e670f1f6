/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: what was found, for people and as JSON. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <nicstack/types.h>

#include "attach/attach_text.h"
#include "doctor/doctor_report.h"

enum colour {
    RED = 31,
    GREEN = 32,
    YELLOW = 33,
    BOLD = 1
};

/* The name of a row, its verdict in colour, and what is said of it. */
static void print_row(const char *name, const char *verdict, enum colour colour, bool has_colour,
                      FILE *out)
{
    char on[16] = "";
    if (has_colour)
        snprintf(on, sizeof(on), "\033[%dm", (int)colour);
    fprintf(out, "  %-18s  %s%-5s%s", name, on, verdict, has_colour ? "\033[0m" : "");
}

static void print_title(const char *title, bool has_colour, FILE *out)
{
    fprintf(out, "\n%s%s%s\n", has_colour ? "\033[1m" : "", title, has_colour ? "\033[0m" : "");
}

static void print_check(const struct doctor_row *row, bool has_colour, FILE *out)
{
    static const char *const verdicts[] = {"works", "no", "-"};
    static const enum colour colours[] = {GREEN, RED, YELLOW};
    const struct doctor_result *result = &row->result;
    bool is_red = result->status == DOCTOR_FAILS && !row->check->is_unused;
    print_row(row->check->name, verdicts[result->status],
              is_red || result->status != DOCTOR_FAILS ? colours[result->status] : YELLOW,
              has_colour, out);
    if (result->why[0] != '\0')
        fprintf(out, "  %s", result->why);
    if (result->error != 0)
        fprintf(out, " (%s)", attach_text_errno(result->error));
    if (row->check->is_unused)
        fprintf(out, "%snot used yet", result->why[0] != '\0' ? "; " : "  ");
    fputc('\n', out);
    if (result->help[0] != '\0')
        fprintf(out, "  %-18s  %-5s  try: %s\n", "", "", result->help);
}

static void print_attachments(const struct doctor_report *report, bool has_colour, FILE *out)
{
    print_title("attachments of nst run", has_colour, out);
    for (size_t i = 0; i < DOCTOR_ATTACHMENTS; i++) {
        const struct doctor_attachment *a = &report->attachments[i];
        print_row(a->name, a->works ? "works" : "no", a->works ? GREEN : YELLOW, has_colour, out);
        if (!a->is_built)
            fprintf(out, "  this nst cannot do it yet");
        else if (a == report->chosen)
            fprintf(out, "  chosen");
        else if (!a->works)
            fprintf(out, "  needs %s", a->missing);
        else if (report->chosen == NULL)
            fprintf(out, "  with --attach %s", a->name);
        fputc('\n', out);
    }
    if (report->chosen != NULL)
        fprintf(out, "\nnst run works here: a program is attached by %s.\n", report->chosen->name);
    else if (report->works)
        fprintf(out, "\nnst run works here with --attach only.\n");
    else
        fprintf(out, "\nnst run does not work here: each change above (try:) brings it nearer.\n");
}

void doctor_report_print(const struct doctor_report *report, bool has_colour, FILE *out)
{
    struct utsname name = {0};
    const struct doctor_group *group = NULL;
    uname(&name);
    fprintf(out, "nst %s, Linux %s %s, user %u\n", NST_VERSION_STRING, name.release, name.machine,
            geteuid());
    for (size_t i = 0; i < report->count; i++) {
        const struct doctor_row *row = &report->rows[i];
        if (row->group != group)
            print_title(row->group->name, has_colour, out);
        group = row->group;
        print_check(row, has_colour, out);
    }
    print_attachments(report, has_colour, out);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void print_json_check(const struct doctor_row *row, struct json *json)
{
    static const char *const statuses[] = {"works", "fails", "untested"};
    const struct doctor_result *result = &row->result;
    json_begin(json, NULL, '{');
    json_text(json, "name", row->check->name);
    json_text(json, "group", row->group->name);
    json_text(json, "status", statuses[result->status]);
    json_bool(json, "used", !row->check->is_unused);
    json_text(json, "errno", result->error != 0 ? attach_text_errno(result->error) : NULL);
    json_text(json, "why", or_null(result->why));
    json_text(json, "help", or_null(result->help));
    json_end(json, '}');
}

static void print_json_attachment(const struct doctor_attachment *a, bool is_chosen,
                                  struct json *json)
{
    json_begin(json, NULL, '{');
    json_text(json, "name", a->name);
    json_text(json, "status", a->works ? "works" : "fails");
    json_bool(json, "built", a->is_built);
    json_bool(json, "chosen", is_chosen);
    json_text(json, "missing", or_null(a->missing));
    json_end(json, '}');
}

void doctor_report_print_json(const struct doctor_report *report, struct json *json)
{
    struct utsname name = {0};
    uname(&name);
    json_begin(json, NULL, '{');
    json_text(json, "nst", NST_VERSION_STRING);
    json_text(json, "kernel", name.release);
    json_text(json, "machine", name.machine);
    json_number(json, "uid", geteuid());
    json_begin(json, "checks", '[');
    for (size_t i = 0; i < report->count; i++)
        print_json_check(&report->rows[i], json);
    json_end(json, ']');
    json_begin(json, "attachments", '[');
    for (size_t i = 0; i < DOCTOR_ATTACHMENTS; i++)
        print_json_attachment(&report->attachments[i], report->chosen == &report->attachments[i],
                              json);
    json_end(json, ']');
    json_text(json, "attachment", report->chosen != NULL ? report->chosen->name : NULL);
    json_end(json, '}');
}
