/* SPDX-License-Identifier: Apache-2.0 */
/* The report: why, what was expected and what came, and the time line up to there. */
#include <stdlib.h>
#include <string.h>

#include "script/run.h"
#include "script/show.h"

#define LINES_MAX 40 /* of the time line of a failure: the last ones */

static size_t count_lines(const struct run_line *l)
{
    size_t n = 0;
    for (; l != NULL; l = l->next)
        n++;
    return n;
}

static const char *show_line(struct arena *arena, const struct run_line *l)
{
    char time[32];
    const char *mark = l->line == 0 ? "   -" : arena_format(arena, "%4u", l->line);
    return arena_format(arena, "  %s %12s  %s\n", mark, show_time(l->at, time), l->text);
}

/* The last lines, put together once: a line at a time would copy the beginning again and again. */
static const char *time_line(struct run *run)
{
    const size_t count = count_lines(run->log);
    size_t skip = count > LINES_MAX ? count - LINES_MAX : 0, size = 1;
    const char *lines[LINES_MAX];
    size_t n = 0;
    for (const struct run_line *l = run->log; l != NULL; l = l->next) {
        if (skip > 0) {
            skip--;
            continue;
        }
        lines[n] = show_line(&run->arena, l);
        size += strlen(lines[n++]);
    }
    char *text = arena_alloc(&run->arena, size);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(lines[i]);
        memcpy(text + at, lines[i], len);
        at += len;
    }
    return text;
}

void report_make(struct run *run, const char *name, struct script_report *ret_report)
{
    const bool whole = run->verdict == SCRIPT_FAILED || run->options->time_line;
    const char *reason = run->reason != NULL ? run->reason : "";
    const char *detail = run->detail != NULL ? run->detail : "";
    if (run->verdict != SCRIPT_PASSED)
        reason = arena_format(&run->arena, "%s:%s%s", name,
                              reason[0] >= '0' && reason[0] <= '9' ? "" : " ", reason);
    if (whole && run->log != NULL)
        detail = arena_format(&run->arena, "%s  line         time  what happened\n%s", detail,
                              time_line(run));
    ret_report->verdict = run->verdict;
    ret_report->reason = strdup(reason);
    ret_report->detail = strdup(detail);
}
