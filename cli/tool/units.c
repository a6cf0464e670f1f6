/* SPDX-License-Identifier: Apache-2.0 */
/* See units.h. */
#include "tool/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* strtoull without what it passes over: spaces, a sign, what follows. */
static bool parse_whole(const char *text, int base, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, base);
    if (*end != '\0' || errno != 0)
        return false;
    *ret_number = n;
    return true;
}

bool units_parse_decimal(const char *text, uint64_t *ret_number)
{
    return isdigit((unsigned char)text[0]) && parse_whole(text, 10, ret_number);
}

bool units_parse_number(const char *text, uint64_t *ret_number)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        return isxdigit((unsigned char)text[2]) && parse_whole(text, 16, ret_number);
    return units_parse_decimal(text, ret_number);
}

/* Three digits, or four before a unit of 1,024. */
static char *format(double n, double step, const char *const *units, char text[UNITS_TEXT])
{
    while (n >= step && units[1] != NULL) {
        n /= step;
        units++;
    }
    snprintf(text, UNITS_TEXT, n < 9.995 && n != (double)(int)n ? "%.2f%s" : "%.0f%s", n, *units);
    if (n >= 9.995 && n < 99.95 && n != (double)(int)n)
        snprintf(text, UNITS_TEXT, "%.1f%s", n, *units);
    return text;
}

char *units_format_bytes(uint64_t bytes, char text[UNITS_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", NULL};
    return format((double)bytes, 1024, units, text);
}

char *units_format_rate(uint64_t bits, char text[UNITS_TEXT])
{
    static const char *const units[] = {"bit", "Kbit", "Mbit", "Gbit", "Tbit", NULL};
    return format((double)bits, 1000, units, text);
}

char *units_format_time(nst_time time, char text[UNITS_TEXT])
{
    static const char *const units[] = {"us", "ms", "s", NULL};
    return format((double)time / NST_USEC, 1000, units, text);
}

char *units_format_age(nst_time time, char text[UNITS_TEXT])
{
    const unsigned s = (unsigned)(time / NST_SEC);
    if (s < 60)
        snprintf(text, UNITS_TEXT, "%us", s);
    else if (s < 3600)
        snprintf(text, UNITS_TEXT, "%um%02us", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, UNITS_TEXT, "%uh%02um", s / 3600, s / 60 % 60);
    else
        snprintf(text, UNITS_TEXT, "%ud%02uh", s / 86400, s / 3600 % 24);
    return text;
}
