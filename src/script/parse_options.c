/* SPDX-License-Identifier: Apache-2.0 */
/* TCP options: < mss 1460, nop, wscale 7 >. */
#include <string.h>

#include "script/parse.h"
#include "wire/tcpopt.h"

static bool take_u32(struct scan *s, uint64_t max, uint32_t *ret_value)
{
    uint64_t value;
    if (!scan_want_number(s, max, &value))
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

static bool take_sack(struct scan *s, struct script_option *o)
{
    o->kind = TCP_OPT_SACK;
    for (;;) {
        scan_space(s);
        const int c = scan_peek(s, 0);
        if (c < '0' || c > '9')
            return o->count > 0 || scan_fail(s, "a SACK block a:b is missing here");
        if (o->count == SCRIPT_SACK_MAX)
            return scan_fail(s, "more SACK blocks than fit an option");
        if (!take_u32(s, UINT32_MAX, &o->start[o->count]) || !scan_want(s, ":") ||
            !take_u32(s, UINT32_MAX, &o->end[o->count]))
            return false;
        o->count++;
    }
}

static bool take_timestamps(struct scan *s, struct script_option *o)
{
    o->kind = TCP_OPT_TS;
    if (!scan_take_word(s, "val"))
        return scan_fail(s, "'val' is missing here");
    if (!take_u32(s, UINT32_MAX, &o->value))
        return false;
    if (!scan_take_word(s, "ecr"))
        return scan_fail(s, "'ecr' is missing here");
    return take_u32(s, UINT32_MAX, &o->ecr);
}

static bool take_hex(struct scan *s, struct script_option *o, size_t max)
{
    o->count = (uint8_t)scan_hex(s, o->hex, max);
    return !s->failed;
}

/* RFC 9768 3.2.3: EE0B, ECEB, EE1B in one order or the other, the last ones perhaps left out. */
static bool take_accecn(struct scan *s, struct script_option *o)
{
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    scan_space(s);
    const bool second = scan_peek(s, 0) == 'e' && scan_peek(s, 1) == '1';
    const char *const *order = orders[second];
    o->kind = second ? TCP_OPT_ACCECN1 : TCP_OPT_ACCECN0;
    while (o->count < 3 && scan_take_word(s, order[o->count]))
        if (!take_u32(s, 0xffffff, &o->field[o->count++]))
            return false;
    return true;
}

static bool take_one(struct scan *s, struct script_option *o)
{
    if (scan_take_word(s, "mss")) {
        o->kind = TCP_OPT_MSS;
        return take_u32(s, UINT16_MAX, &o->value);
    }
    if (scan_take_word(s, "wscale")) {
        o->kind = TCP_OPT_WSCALE;
        return take_u32(s, UINT8_MAX, &o->value);
    }
    if (scan_take_word(s, "sackOK")) {
        o->kind = TCP_OPT_SACK_PERMITTED;
        return true;
    }
    if (scan_take_word(s, "nop")) {
        o->kind = TCP_OPT_NOP;
        return true;
    }
    if (scan_take_word(s, "eol")) {
        o->kind = TCP_OPT_EOL;
        return true;
    }
    if (scan_take_word(s, "sack"))
        return take_sack(s, o);
    if (scan_take_word(s, "TS"))
        return take_timestamps(s, o);
    if (scan_take_word(s, "md5")) {
        o->kind = TCP_OPT_MD5;
        return take_hex(s, o, 16);
    }
    if (scan_take_word(s, "FOEXP")) {
        o->kind = TCP_OPT_EXPERIMENT;
        o->experiment = true;
        return take_hex(s, o, TCP_FASTOPEN_COOKIE_MAX);
    }
    if (scan_take_word(s, "FO")) {
        o->kind = TCP_OPT_FASTOPEN;
        return take_hex(s, o, TCP_FASTOPEN_COOKIE_MAX);
    }
    if (scan_take_word(s, "ECN"))
        return take_accecn(s, o);
    return scan_fail(s, "this is no TCP option that scripts know");
}

bool parse_tcp_options(struct parse *p, struct script_tcp *tcp)
{
    struct scan *s = &p->s;
    struct script_option **end = &tcp->options;
    if (scan_take(s, "...")) {
        tcp->options_mode = OPTIONS_ANY;
        return scan_want(s, ">");
    }
    if (scan_take(s, ">"))
        return true;
    do {
        struct script_option *o = ARENA_NEW(s->arena, struct script_option);
        if (!take_one(s, o))
            return false;
        *end = o;
        end = &o->next;
    } while (scan_take(s, ","));
    return scan_want(s, ">");
}
