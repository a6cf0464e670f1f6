/* SPDX-License-Identifier: Apache-2.0 */
/* Options, events and their times. Packets are in parse_packet.c, calls in parse_call.c. */
#include "script/parse.h"

#include <stdlib.h>
#include <string.h>

void parse_skip(struct parse *p, struct script_pos pos, const char *format, ...)
{
    if (p->script->skip != NULL)
        return;
    va_list args;
    va_start(args, format);
    p->script->skip = arena_vformat(&p->script->arena, format, args);
    p->script->skip_pos = pos;
    va_end(args);
}

const struct script_define *parse_define(const struct parse *p, const char *name)
{
    for (const struct script_define *d = p->script->defines; d != NULL; d = d->next)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

/* ---- Options ---- */

enum option_kind {
    KIND_NUMBER,
    KIND_FLAG,
    KIND_ADDRESS,
    KIND_OTHER,
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset; /* in struct script_config */
    uint64_t max;
};

#define AT(member) offsetof(struct script_config, member)

static const struct option options[] = {
    {"ip_version", KIND_OTHER, 0, 0},
    {"local_ip", KIND_ADDRESS, AT(local_ip), 0},
    {"remote_ip", KIND_ADDRESS, AT(remote_ip), 0},
    {"gateway_ip", KIND_ADDRESS, AT(gateway_ip), 0},
    {"netmask_ip", KIND_OTHER, 0, 0},
    {"bind_port", KIND_NUMBER, AT(bind_port), 65535},
    {"connect_port", KIND_NUMBER, AT(connect_port), 65535},
    {"mtu", KIND_NUMBER, AT(mtu), 65535},
    {"mss", KIND_NUMBER, AT(mss), 65535},
    {"speed", KIND_OTHER, 0, 0},
    {"tolerance_usecs", KIND_OTHER, 0, 0},
    {"tolerance_percent", KIND_OTHER, 0, 0},
    {"tcp_ts_tick_usecs", KIND_NUMBER, AT(ts_tick_us), 1000000},
    {"tcp_ts_ecr_scaled", KIND_FLAG, AT(ts_ecr_scaled), 0},
    {"strict_segments", KIND_FLAG, AT(strict_segments), 0},
    {"is_anyip", KIND_FLAG, AT(is_anyip), 0},
    {"send_omit_free", KIND_OTHER, 0, 0},
    {"non_fatal", KIND_OTHER, 0, 0},
    {"init_scripts", KIND_OTHER, 0, 0},
    {"define", KIND_OTHER, 0, 0},
};

static const struct option *find_option(const char *name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static bool is_blank(int c)
{
    return c < 0 || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A value: a word up to white space, "text" or `command`. */
static const char *take_value(struct scan *s, char *ret_quote)
{
    const int c = scan_peek(s, 0);
    size_t len = 0;
    char *text;
    *ret_quote = 0;
    if (c == '"' || c == '`') {
        *ret_quote = (char)c;
        return scan_quoted(s, c == '"', &text, NULL) ? text : NULL;
    }
    while (!is_blank(scan_peek(s, len)))
        len++;
    text = arena_text(s->arena, s->text + s->at, len);
    while (len-- > 0)
        scan_next(s);
    return text;
}

/* A decimal number with nothing behind it. */
static bool decimal(const char *text, uint64_t max, uint64_t *ret_value)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret_value = strtoull(text, &end, 0);
    return *end == '\0' && *ret_value <= max;
}

static bool set_number(struct script_config *config, const struct option *o, uint64_t value)
{
    void *at = (char *)config + o->offset;
    if (o->offset == AT(bind_port) || o->offset == AT(connect_port))
        *(uint16_t *)at = (uint16_t)value;
    else
        *(uint32_t *)at = (uint32_t)value;
    return true;
}

static bool set_address(struct script_config *config, const struct option *o, const char *value)
{
    char text[NST_ADDR_TEXT + 4];
    const size_t len = strcspn(value, "/");
    if (len >= sizeof(text))
        return false;
    memcpy(text, value, len);
    text[len] = '\0';
    if (nst_addr_parse(text, (struct nst_addr *)((char *)config + o->offset)) < 0)
        return false;
    config->has_local_ip = config->has_local_ip || o->offset == AT(local_ip);
    config->has_remote_ip = config->has_remote_ip || o->offset == AT(remote_ip);
    return true;
}

static bool set_version(struct script_config *config, const char *value)
{
    if (strcmp(value, "ipv4") == 0)
        config->ip_version = IP_VERSION_4;
    else if (strcmp(value, "ipv6") == 0)
        config->ip_version = IP_VERSION_6;
    else if (strcmp(value, "ipv4_mapped_ipv6") == 0)
        config->ip_version = IP_VERSION_MAPPED;
    else
        return false;
    config->names_version = true;
    return true;
}

static bool set_netmask(struct script_config *config, const char *value)
{
    struct nst_addr mask;
    uint8_t len = 0;
    if (nst_addr_parse(value, &mask) < 0 || !nst_addr_is_v4(&mask))
        return false;
    while (len < 32 && (mask.b[12 + len / 8] >> (7 - len % 8) & 1) != 0)
        len++;
    for (uint8_t i = len; i < 32; i++)
        if ((mask.b[12 + i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    config->prefix_len = len;
    return true;
}

/* 12.5 percent. */
static bool set_percent(struct script_config *config, const char *value)
{
    char *end;
    const double percent = strtod(value, &end);
    if (end == value || *end != '\0' || !(percent >= 0 && percent <= 1000))
        return false;
    config->tolerance_permille = (uint32_t)(percent * 10);
    return true;
}

static bool set_other(struct script_config *config, const char *name, const char *value)
{
    uint64_t number;
    if (strcmp(name, "ip_version") == 0)
        return set_version(config, value);
    if (strcmp(name, "netmask_ip") == 0)
        return set_netmask(config, value);
    if (strcmp(name, "tolerance_percent") == 0)
        return set_percent(config, value);
    if (strcmp(name, "tolerance_usecs") == 0) {
        if (!decimal(value, 1000000000, &number))
            return false;
        config->tolerance = (nst_time)number * NST_USEC;
        return true;
    }
    if (strcmp(name, "init_scripts") == 0)
        config->init_scripts = value;
    if (strcmp(name, "non_fatal") == 0) {
        config->packets_not_fatal = strstr(value, "packet") != NULL;
        config->calls_not_fatal = strstr(value, "syscall") != NULL;
    }
    return true; /* speed and send_omit_free say nothing about a stack in virtual time */
}

static bool set_option(struct script_config *config, const struct option *o, const char *value)
{
    uint64_t number;
    switch (o->kind) {
    case KIND_NUMBER:
        return decimal(value, o->max, &number) && set_number(config, o, number);
    case KIND_FLAG:
        *(bool *)((char *)config + o->offset) = value[0] == '\0' || strcmp(value, "0") != 0;
        return true;
    case KIND_ADDRESS:
        return set_address(config, o, value);
    case KIND_OTHER:
        break;
    }
    return set_other(config, o->name, value);
}

/* NAME=value */
static bool add_define(struct parse *p)
{
    struct scan *s = &p->s;
    const char *name = scan_word(s);
    if (name == NULL)
        return scan_fail(s, "a name to define is missing here");
    if (!scan_want(s, "="))
        return false;
    struct script_define *d = ARENA_NEW(s->arena, struct script_define);
    d->name = name;
    d->value = take_value(s, &d->quote);
    d->next = p->script->defines;
    p->script->defines = d;
    return d->value != NULL;
}

static bool take_option(struct parse *p)
{
    struct scan *s = &p->s;
    const struct script_pos pos = s->pos;
    const char *name = scan_word(s), *value = "";
    char quote;
    if (name == NULL)
        return scan_fail_at(s, pos, "the name of an option is missing here");
    const struct option *o = find_option(name);
    if (o == NULL)
        return scan_fail_at(s, pos, "there is no option --%s", name);
    if (scan_peek(s, 0) == '=' || scan_peek(s, 0) == ' ') {
        if (strcmp(name, "define") == 0) {
            scan_take(s, "=");
            return add_define(p);
        }
        if (scan_peek(s, 0) == '=') {
            scan_next(s);
            value = take_value(s, &quote);
            if (value == NULL)
                return false;
        }
    }
    if (!set_option(&p->script->config, o, value))
        return scan_fail_at(s, pos, "'%.60s' is no value of --%s", value, name);
    return true;
}

static bool take_options(struct parse *p)
{
    while (scan_take(&p->s, "--"))
        if (!take_option(p))
            return false;
    return !p->s.failed;
}

/* ---- Events ---- */

/* After a '+', or not: seconds relative to the same base. */
static bool want_seconds(struct scan *s, bool relative, nst_time *ret_time)
{
    if (relative && !scan_take(s, "+"))
        return scan_fail(s, "the other end of a relative time begins with '+'");
    return scan_seconds(s, ret_time) || scan_fail(s, "a time in seconds is missing here");
}

static bool take_end(struct parse *p, struct script_when *when)
{
    struct scan *s = &p->s;
    const bool relative = when->kind == WHEN_RELATIVE;
    const struct script_pos pos = s->pos;
    when->end = when->until = when->start;
    if (scan_take(s, "~")) {
        when->range = true;
        if (!want_seconds(s, relative, &when->end))
            return false;
    }
    if (scan_take(s, "...")) {
        when->blocks = true;
        scan_take(s, "+");
        if (!want_seconds(s, false, &when->until))
            return false;
    }
    if (when->end < when->start || when->until < when->start)
        return scan_fail_at(s, pos, "this time ends before it begins");
    return true;
}

/* False without an error: there is no time here. */
static bool take_when(struct parse *p, struct script_when *when)
{
    struct scan *s = &p->s;
    *when = (struct script_when){.kind = WHEN_ABSOLUTE};
    if (scan_take(s, "*")) {
        when->kind = WHEN_ANY;
        return true;
    }
    if (scan_take(s, "+")) {
        when->kind = WHEN_RELATIVE;
        if (!scan_seconds(s, &when->start))
            return scan_fail(s, "a time in seconds is missing here");
    } else if (!scan_seconds(s, &when->start)) {
        return false;
    }
    return take_end(p, when);
}

static bool take_named(struct parse *p, struct script_event *e)
{
    struct scan *s = &p->s;
    const char *name = scan_word(s);
    const struct script_define *d = parse_define(p, name);
    scan_space(s);
    if (scan_peek(s, 0) != '(') {
        if (d == NULL || d->quote != '`')
            return scan_fail_at(s, e->pos, "'%.60s' is neither a call nor a command", name);
        e->kind = EVENT_COMMAND;
        e->text = d->value;
        return true;
    }
    e->kind = EVENT_CALL;
    e->call = parse_call(p, name);
    return e->call != NULL;
}

static bool take_action(struct parse *p, struct script_event *e)
{
    struct scan *s = &p->s;
    char *text;
    scan_space(s);
    e->pos = s->pos;
    const int c = scan_peek(s, 0);
    if (c == '<' || c == '>') {
        scan_next(s);
        e->kind = EVENT_PACKET;
        e->packet = parse_packet(p, c == '>');
        return e->packet != NULL;
    }
    if (c == '`') {
        e->kind = EVENT_COMMAND;
        if (!scan_quoted(s, false, &text, NULL))
            return false;
        e->text = text;
        return true;
    }
    if (scan_take(s, "%{")) {
        e->kind = EVENT_CODE;
        e->text_pos = s->pos;
        if (!scan_until(s, "}%", &text))
            return false;
        e->text = text;
        return true;
    }
    if (scan_is_word(s))
        return take_named(p, e);
    return scan_fail(s, "a packet, a call, a command or code is missing here");
}

/* What makes no sense together. */
static bool check_event(struct parse *p, const struct script_event *e)
{
    const bool out = e->kind == EVENT_PACKET && e->packet->outgoing;
    if (e->when.blocks && e->kind != EVENT_CALL)
        return scan_fail_at(&p->s, e->pos, "only a call can take until another time");
    if (e->when.range && !out)
        return scan_fail_at(&p->s, e->pos, "only a packet that goes out can be awaited in a range");
    if (e->when.kind == WHEN_ANY && !out)
        return scan_fail_at(&p->s, e->pos, "only a packet that goes out can come at any time");
    return true;
}

static bool take_event(struct parse *p)
{
    struct scan *s = &p->s;
    struct script *script = p->script;
    struct script_event *e = ARENA_NEW(s->arena, struct script_event);
    if (!take_when(p, &e->when))
        return scan_fail(s, "a time is missing here");
    if (!take_action(p, e) || s->failed || !check_event(p, e))
        return false;
    e->last_line = s->pos.line;
    if (script->last == NULL)
        script->first = e;
    else
        script->last->next = e;
    script->last = e;
    return true;
}

/* The name of a command that was defined; false: none stands here. */
static bool take_defined(struct parse *p, const char **ret_text)
{
    const struct scan before = p->s;
    const char *name = scan_word(&p->s);
    const struct script_define *d = name != NULL ? parse_define(p, name) : NULL;
    if (d != NULL && d->quote == '`') {
        *ret_text = d->value;
        return true;
    }
    p->s = before;
    return false;
}

static bool take_command(struct parse *p, const char **ret_text)
{
    char *text;
    scan_space(&p->s);
    if (take_defined(p, ret_text) || scan_peek(&p->s, 0) != '`')
        return true;
    if (!scan_quoted(&p->s, false, &text, NULL))
        return false;
    *ret_text = text;
    return true;
}

static bool take_script(struct parse *p)
{
    struct scan *s = &p->s;
    if (!take_options(p) || !take_command(p, &p->script->first_command))
        return false;
    while (!scan_at_end(s) && scan_peek(s, 0) != '`' && !scan_is_word(s))
        if (!take_event(p))
            return false;
    if (!take_command(p, &p->script->last_command))
        return false;
    if (!s->failed && !scan_at_end(s))
        return scan_fail(s, p->script->last_command != NULL ? "nothing follows the last command"
                                                            : "a time is missing here");
    return !s->failed;
}

int parse_script(const char *text, size_t len, enum script_ip_version version,
                 struct script **ret_script, struct script_error *ret_error)
{
    struct script *script = calloc(1, sizeof(*script));
    if (script == NULL)
        return -NST_ENOMEM;
    script->config.ip_version = version;
    script->config.tolerance = 4 * NST_MSEC;
    script->config.tolerance_permille = 125;
    script->config.bind_port = script->config.connect_port = 8080;
    struct parse p = {.script = script};
    scan_init(&p.s, text, len, &script->arena, ret_error);
    if (!take_script(&p)) {
        parse_free(script);
        return -NST_EINVAL;
    }
    *ret_script = script;
    return 0;
}

void parse_free(struct script *script)
{
    if (script == NULL)
        return;
    arena_free(&script->arena);
    free(script);
}
