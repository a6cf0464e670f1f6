/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to text and back. */
#include <nicstack/types.h>

#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"

#define GROUPS 8

/* Four decimal numbers with dots, up to the NUL; no leading zeroes, which others read as octal. */
static bool parse_v4(const char *p, uint8_t bytes[4])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;
        for (; *p >= '0' && *p <= '9'; p++) {
            if (digits > 0 && value == 0)
                return false;
            value = value * 10 + (unsigned)(*p - '0');
            if (++digits > 3 || value > 255)
                return false;
        }
        if (digits == 0 || *p != (i < 3 ? '.' : '\0'))
            return false;
        p++;
        bytes[i] = (uint8_t)value;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One group of 1 to 4 hexadecimal digits. NULL when there is none. */
static const char *parse_group(const char *p, uint16_t *ret_group)
{
    unsigned value = 0, digits = 0;
    for (; digits < 4 && hex_digit(*p) >= 0; p++, digits++)
        value = value << 4 | (unsigned)hex_digit(*p);
    if (digits == 0)
        return NULL;
    *ret_group = (uint16_t)value;
    return p;
}

/* What parse_v6 has so far: `count` groups, and how many of them come before the "::". */
struct v6_text {
    uint16_t groups[GROUPS];
    unsigned count;
    int gap; /* -1: no "::" yet */
};

/* RFC 4291 2.2, form 3: the last two groups may be an IPv4 address. */
static bool parse_tail_v4(struct v6_text *t, const char *p)
{
    uint8_t bytes[4];
    if (t->count > GROUPS - 2 || !parse_v4(p, bytes))
        return false;
    t->groups[t->count++] = be16_get(bytes);
    t->groups[t->count++] = be16_get(bytes + 2);
    return true;
}

static bool parse_groups(struct v6_text *t, const char *p)
{
    if (p[0] == ':' && p[1] == ':') {
        t->gap = 0;
        p += 2;
        if (*p == '\0')
            return true;
    }
    while (t->count < GROUPS) {
        uint16_t group;
        const char *end = parse_group(p, &group);
        if (!end)
            return false;
        if (*end == '.')
            return parse_tail_v4(t, p);
        t->groups[t->count++] = group;
        if (*end == '\0')
            return true;
        if (*end != ':')
            return false;
        p = end + 1;
        if (*p == ':') {
            if (t->gap >= 0)
                return false;
            t->gap = (int)t->count;
            if (*++p == '\0')
                return true;
        }
    }
    return false;
}

static bool parse_v6(const char *text, struct nst_addr *ret_addr)
{
    struct v6_text t = {.gap = -1};
    if (!parse_groups(&t, text))
        return false;
    /* RFC 4291 2.2, form 2: "::" stands for one or more groups of zeroes. */
    if (t.gap >= 0 ? t.count == GROUPS : t.count != GROUPS)
        return false;
    struct nst_addr addr = {{{0}}};
    unsigned before = t.gap >= 0 ? (unsigned)t.gap : GROUPS;
    for (unsigned i = 0; i < t.count; i++) {
        unsigned position = i < before ? i : i + GROUPS - t.count;
        be16_put(addr.b + (size_t)2 * position, t.groups[i]);
    }
    *ret_addr = addr;
    return true;
}

int nst_addr_parse(const char *text, struct nst_addr *ret_addr)
{
    uint8_t v4[4];
    if (!text)
        return -NST_EINVAL;
    if (parse_v4(text, v4)) {
        *ret_addr = nst_addr_v4(v4[0], v4[1], v4[2], v4[3]);
        return 0;
    }
    return parse_v6(text, ret_addr) ? 0 : -NST_EINVAL;
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. Its length. */
static unsigned longest_zeroes(const uint16_t groups[GROUPS], unsigned *ret_start)
{
    unsigned best = 1, start = GROUPS, run = 0;
    for (unsigned i = 0; i < GROUPS; i++) {
        run = groups[i] ? 0 : run + 1;
        if (run > best) {
            best = run;
            start = i + 1 - run;
        }
    }
    *ret_start = start;
    return start < GROUPS ? best : 0;
}

static void format_v6(struct fmt *f, const struct nst_addr *addr)
{
    uint16_t groups[GROUPS];
    for (unsigned i = 0; i < GROUPS; i++)
        groups[i] = be16_get(addr->b + (size_t)2 * i);
    unsigned start, length = longest_zeroes(groups, &start);
    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == start) {
            fmt_str(f, "::");
            i += length - 1;
            continue;
        }
        if (i > 0 && i != start + length)
            fmt_char(f, ':');
        fmt_hex(f, groups[i]);
    }
}

char *nst_addr_format(const struct nst_addr *addr, char *text, size_t size)
{
    struct fmt f;
    fmt_init(&f, text, size);
    if (nst_addr_is_v4(addr))
        fmt_f(&f, "%u.%u.%u.%u", addr->b[12], addr->b[13], addr->b[14], addr->b[15]);
    else
        format_v6(&f, addr);
    return text;
}
