/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP: < icmp TYPE [CODE] [mtu N] [id N] [what it quotes]. */
#include <string.h>

#include "script/icmp_names.h"
#include "script/parse.h"

static bool take_names(struct parse *p, struct script_icmp *icmp)
{
    struct scan *s = &p->s;
    const bool v6 = p->script->config.ip_version == IP_VERSION_6;
    scan_space(s);
    const struct script_pos pos = s->pos;
    const char *type = scan_word(s);
    if (type == NULL)
        return scan_fail(s, "a type of ICMP is missing here");
    if (!icmp_names_type(v6, type, &icmp->type))
        return scan_fail_at(s, pos, "there is no ICMP type '%.60s'", type);
    if (!scan_is_word(s))
        return true;
    const struct scan before = *s;
    const char *code = scan_word(s);
    if (strcmp(code, "mtu") == 0 || strcmp(code, "id") == 0) {
        *s = before;
        return true;
    }
    return icmp_names_code(v6, icmp->type, code, &icmp->code) ||
           scan_fail_at(s, before.pos, "'%.60s' is no code of '%.60s'", code, type);
}

static bool take_sized(struct parse *p, enum script_echoed what, struct script_icmp *icmp)
{
    struct scan *s = &p->s;
    uint64_t len;
    icmp->echoed = what;
    if (!scan_want(s, "(") || !scan_want_number(s, 65000, &len) || !scan_want(s, ")"))
        return false;
    icmp->len = (uint32_t)len;
    return true;
}

static bool take_echoed(struct parse *p, struct script_icmp *icmp)
{
    struct scan *s = &p->s;
    bool good;
    if (!scan_take(s, "["))
        return true;
    if (scan_take_word(s, "udp")) {
        good = take_sized(p, ECHOED_UDP, icmp);
    } else if (scan_take_word(s, "raw")) {
        good = take_sized(p, ECHOED_RAW, icmp);
    } else {
        icmp->echoed = ECHOED_TCP;
        good = parse_range(p, &icmp->seq, &icmp->end, &icmp->len);
    }
    return good && scan_want(s, "]");
}

bool parse_icmp(struct parse *p, struct script_icmp *icmp)
{
    struct scan *s = &p->s;
    uint64_t value;
    if (!take_names(p, icmp))
        return false;
    if (scan_take_word(s, "mtu")) {
        icmp->has_mtu = true;
        if (!scan_want_number(s, UINT32_MAX, &value))
            return false;
        icmp->mtu = (uint32_t)value;
    }
    if (scan_take_word(s, "id")) {
        icmp->has_id = true;
        if (!scan_want_number(s, UINT16_MAX, &value))
            return false;
        icmp->id = (uint16_t)value;
    }
    return take_echoed(p, icmp);
}
