/* SPDX-License-Identifier: Apache-2.0 */
/* See units.h. Without floating point and locale: what is written is what is meant. */
#include "sim/units.h"

#include <string.h>
#include <strings.h>

#define MILLION 1000000u
#define HOUR    (3600 * NST_SEC)

struct unit {
    const char *name;
    uint64_t factor;
};

/* A decimal number: whole + millionths / 10^6. */
struct decimal {
    uint64_t whole;
    uint32_t millionths;
};

/* Reads digits; false if there is none or the number is too large. */
static bool parse_whole(const char **text, uint64_t *ret)
{
    uint64_t n = 0;
    const char *c = *text;
    if (*c < '0' || *c > '9')
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        const uint64_t digit = (uint64_t)(*c - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *text = c;
    *ret = n;
    return true;
}

/* Reads "12" or "12.5"; *text is what follows. */
static bool parse_decimal(const char **text, struct decimal *ret)
{
    ret->millionths = 0;
    if (!parse_whole(text, &ret->whole))
        return false;
    if (**text != '.')
        return true;
    const char *c = *text + 1;
    if (*c < '0' || *c > '9')
        return false;
    for (uint32_t worth = MILLION / 10; *c >= '0' && *c <= '9'; c++, worth /= 10)
        ret->millionths += worth * (uint32_t)(*c - '0');
    *text = c;
    return true;
}

/* The number times the factor, rounded down; false if that is over `max`. The factor is at most
 * 10^13. */
static bool scale(const struct decimal *d, uint64_t factor, uint64_t max, uint64_t *ret)
{
    const uint64_t rest = d->millionths * factor / MILLION;
    if (d->whole > max / factor || d->whole * factor > max - (rest < max ? rest : max))
        return false;
    *ret = d->whole * factor + rest;
    return true;
}

/* The factor of a unit in a table that ends with a NULL; 0: there is no such unit. */
static uint64_t factor_of(const struct unit *units, const char *name)
{
    for (; units->name != NULL; units++)
        if (strcasecmp(units->name, name) == 0)
            return units->factor;
    return 0;
}

static bool parse(const char *text, const struct unit *units, uint64_t max, uint64_t *ret)
{
    struct decimal d;
    if (!parse_decimal(&text, &d))
        return false;
    const uint64_t factor = factor_of(units, text);
    return factor != 0 && scale(&d, factor, max, ret);
}

bool units_parse_size(const char *text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"k", 1u << 10}, {"m", 1u << 20}, {"g", 1u << 30}, {NULL, 0}};
    const char *end = text;
    uint64_t n;
    if (!parse_whole(&end, &n))
        return false;
    const uint64_t factor = factor_of(units, end);
    if (factor == 0 || n > UINT64_MAX / factor)
        return false;
    *ret_bytes = n * factor;
    return true;
}

bool units_parse_time(const char *text, nst_time *ret_time)
{
    static const struct unit units[] = {{"s", NST_SEC},   {"sec", NST_SEC},   {"secs", NST_SEC},
                                        {"ms", NST_MSEC}, {"msec", NST_MSEC}, {"msecs", NST_MSEC},
                                        {"us", NST_USEC}, {"usec", NST_USEC}, {"usecs", NST_USEC},
                                        {"ns", NST_NSEC}, {"nsec", NST_NSEC}, {"nsecs", NST_NSEC},
                                        {NULL, 0}};
    uint64_t n = 0;
    if (strcmp(text, "0") != 0 && !parse(text, units, HOUR, &n))
        return false;
    *ret_time = (nst_time)n;
    return true;
}

bool units_parse_rate(const char *text, uint64_t *ret_bits)
{
    const uint64_t k = 1000, m = k * k, g = m * k, t = g * k;
    const uint64_t ki = 1024, mi = ki * ki, gi = mi * ki, ti = gi * ki;
    const struct unit units[] = {
        {"", 1},           {"bit", 1},        {"kbit", k},       {"mbit", m},       {"gbit", g},
        {"tbit", t},       {"kibit", ki},     {"mibit", mi},     {"gibit", gi},     {"tibit", ti},
        {"bps", 8},        {"kbps", 8 * k},   {"mbps", 8 * m},   {"gbps", 8 * g},   {"tbps", 8 * t},
        {"kibps", 8 * ki}, {"mibps", 8 * mi}, {"gibps", 8 * gi}, {"tibps", 8 * ti}, {NULL, 0}};
    uint64_t n;
    if (!parse(text, units, INT64_MAX, &n) || n == 0)
        return false;
    *ret_bits = n;
    return true;
}

bool units_parse_percent(const char *text, uint32_t *ret_ppm)
{
    static const struct unit units[] = {{"%", 10000}, {"", 10000}, {NULL, 0}};
    uint64_t n;
    if (!parse(text, units, MILLION, &n))
        return false;
    *ret_ppm = (uint32_t)n;
    return true;
}
