/* SPDX-License-Identifier: Apache-2.0 */
#include "test/test_report.h"

#include <stdio.h>
#include <string.h>

static void print_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c == '\n')
            printf("\\n");
        else if (*c < ' ')
            printf("\\u%04x", *c);
        else
            putchar(*c);
    }
    putchar('"');
}

static void print_json(const struct test_result *r, const char *file)
{
    static const char *const words[] = {"passed", "failed", "skipped"};
    printf("{\"script\":");
    print_json_text(file);
    printf(",\"result\":\"%s\",\"microseconds\":%lld,\"reason\":", words[r->verdict],
           (long long)r->micros);
    print_json_text(r->reason);
    printf(",\"detail\":");
    print_json_text(r->detail);
    printf("}\n");
}

/* The reason without the file's name, which stands there already. */
static const char *bare(const char *reason, const char *file)
{
    const size_t len = strlen(file);
    if (strncmp(reason, file, len) != 0 || reason[len] != ':')
        return reason;
    reason += len + 1;
    return *reason == ' ' ? reason + 1 : reason;
}

void test_print(const struct test_result *r, const char *file, bool verbose, bool json)
{
    static const char *const words[] = {"ok", "not ok", "skip"};
    if (json) {
        print_json(r, file);
        return;
    }
    printf("%s %s", words[r->verdict], file);
    if (r->verdict != SCRIPT_PASSED)
        printf(": %s", bare(r->reason, file));
    if (verbose)
        printf(" (%lld.%03lld ms)", (long long)(r->micros / 1000), (long long)(r->micros % 1000));
    printf("\n%s", r->detail);
    fflush(stdout);
}

void test_print_sum(int passed, int failed, int skipped, bool json)
{
    if (json)
        printf("{\"passed\":%d,\"failed\":%d,\"skipped\":%d}\n", passed, failed, skipped);
    else
        printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
}
