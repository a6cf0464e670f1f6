/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a packet script: it parses or the error has a place within the text; what parses is
 * run, in a world of its own, and gives a verdict. */
#include <string.h>

#include "input.h"
#include "script/parse.h"
#include "script/script.h"

/* Worlds are slow: texts that would run for long are parsed only. */
#define RUN_MAX 2000

static void check_place(const uint8_t *data, size_t size, const struct script_error *error)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    check(error->pos.line >= 1 && error->pos.line <= lines && error->pos.col >= 1);
    check(error->pos.col <= size + 1 && error->text[0] != '\0');
    check(memchr(error->text, '\0', sizeof(error->text)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct script_options options = {.strict = true, .time_line = true};
    struct script_report report;
    struct script_error error;
    struct script *script;
    if (parse_script((const char *)data, size, IP_VERSION_4, &script, &error) < 0) {
        check_place(data, size, &error);
        return 0;
    }
    parse_free(script);
    if (size > RUN_MAX)
        return 0;
    script_run("fuzz", (const char *)data, size, &options, &report);
    check(report.reason != NULL && report.detail != NULL);
    check(report.verdict == SCRIPT_PASSED || report.reason[0] != '\0');
    script_report_free(&report);
    return 0;
}
