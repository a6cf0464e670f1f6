/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor, the command: see doctor.h. */
#include "doctor/doctor.h"

#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "doctor/doctor_report.h"
#include "tool/descriptors.h"
#include "tool/options.h"

struct doctor_options {
    bool json, pretty, colour, help;
};

#define MEMBER(name) offsetof(struct doctor_options, name)

static const struct option_spec specs[] = {
    {"json", 'j', OPTION_FLAG, NULL, "one JSON object", MEMBER(json)},
    {"pretty", 'p', OPTION_FLAG, NULL, "indented, with -j", MEMBER(pretty)},
    {"color", 0, OPTION_FLAG, NULL, "colour, also where there is no terminal", MEMBER(colour)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

static bool wants_colour(const struct doctor_options *options)
{
    const char *no_color = getenv("NO_COLOR");
    if (options->colour)
        return true;
    return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');
}

static int usage(FILE *out)
{
    fprintf(out, "usage: nst doctor [OPTIONS]\n");
    if (out == stdout) {
        printf("\nTries what nicstack can use of this machine and says what works, what does not\n"
               "and why, the change that would help, and how nst run attaches a program here.\n\n");
        options_print(specs);
        printf("\nThe exit status is 0 if nst run can attach a program here, else 1.\n");
    }
    return out == stdout ? 0 : 2;
}

int command_doctor(int argc, char **argv)
{
    static struct doctor_report report;
    struct doctor_options options = {0};
    int first = options_parse(specs, "nst doctor", argc, argv, &options);
    if (first < 0)
        return 2;
    if (options.help)
        return usage(stdout);
    if (first < argc)
        return usage(stderr);
    descriptors_reserve_standard();
    doctor_report_make(&report);
    struct json json = {.out = stdout, .is_pretty = options.pretty};
    if (options.json)
        doctor_report_print_json(&report, &json);
    else
        doctor_report_print(&report, wants_colour(&options), stdout);
    return report.works ? 0 : 1;
}
