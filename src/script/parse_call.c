/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: name(args) = result [ERRNO (note)], and the values in them. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "script/parse.h"
#include "script/symbols.h"

static struct script_value *take_value(struct parse *p);

static struct script_value *new_value(struct parse *p, enum script_value_kind kind)
{
    struct script_value *v = ARENA_NEW(p->s.arena, struct script_value);
    v->kind = kind;
    v->pos = p->s.pos;
    return v;
}

/* Values separated by commas up to `end`, which is taken. */
static bool take_list(struct parse *p, const char *end, struct script_value **ret_first,
                      uint32_t *ret_count)
{
    struct scan *s = &p->s;
    struct script_value **last = ret_first;
    *ret_count = 0;
    if (scan_take(s, end))
        return true;
    do {
        struct script_value *v = take_value(p);
        if (v == NULL)
            return false;
        *last = v;
        last = &v->next;
        ++*ret_count;
    } while (scan_take(s, ","));
    return scan_want(s, end);
}

/* The level and type of IP_RECVERR's control message, whatever the script's family is. */
static bool by_version(const struct parse *p, const char *word, int64_t *ret_number)
{
    const bool v4 = p->script->config.ip_version == IP_VERSION_4;
    if (strcmp(word, "CMSG_LEVEL_IP") == 0)
        *ret_number = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    else if (strcmp(word, "CMSG_TYPE_RECVERR") == 0)
        *ret_number = v4 ? IP_RECVERR : IPV6_RECVERR;
    else
        return false;
    return true;
}

/* What a name stands for: a definition of the script, or a constant. */
static bool resolve(struct parse *p, struct script_value *v, const char *name)
{
    const struct script_define *d = parse_define(p, name);
    const char *word = name;
    if (d != NULL && d->quote == '"') {
        v->kind = VALUE_TEXT;
        v->text = d->value;
        v->len = strlen(d->value);
        return true;
    }
    if (d != NULL) {
        char *end;
        word = d->value;
        v->number = strtoll(word, &end, 0);
        if (word[0] != '\0' && *end == '\0')
            return true;
    }
    if (!by_version(p, word, &v->number) && !symbols_lookup(word, &v->number) &&
        (v->number = symbols_errno(word)) == 0)
        parse_skip(p, v->pos, "the name %s is not known here", word);
    return true;
}

/* A number, or a name. */
static bool take_term(struct parse *p, struct script_value *v)
{
    struct scan *s = &p->s;
    if (scan_number(s, true, &v->number))
        return true;
    const char *name = s->failed ? NULL : scan_word(s);
    if (name == NULL)
        return scan_fail(s, "a value is missing here");
    if (scan_take(s, "(")) {
        v->kind = VALUE_CALL;
        v->text = name;
        return take_list(p, ")", &v->first, &v->count);
    }
    return resolve(p, v, name);
}

/* a | b | c, a & b. */
static struct script_value *take_sum(struct parse *p)
{
    struct scan *s = &p->s;
    struct script_value *v = new_value(p, VALUE_NUMBER);
    if (!take_term(p, v))
        return NULL;
    while (v->kind == VALUE_NUMBER && scan_take(s, "|")) {
        struct script_value other = {.kind = VALUE_NUMBER, .pos = s->pos};
        if (!take_term(p, &other))
            return NULL;
        if (other.kind != VALUE_NUMBER) {
            scan_fail_at(s, other.pos, "only numbers can be joined by '|'");
            return NULL;
        }
        v->number |= other.number;
    }
    return v;
}

static struct script_value *take_text(struct parse *p)
{
    struct scan *s = &p->s;
    struct script_value *v = new_value(p, VALUE_TEXT);
    char *text;
    if (!scan_quoted(s, true, &text, &v->len))
        return NULL;
    v->text = text;
    if (scan_peek(s, 0) == '.' && scan_take(s, "..."))
        v->open = true;
    return v;
}

/* The count behind the name of a field of a msghdr: msg_iov(1)=. */
static bool take_paren(struct parse *p, const char *name, struct script_value **ret_paren)
{
    struct scan *s = &p->s;
    if (strncmp(name, "msg_", 4) != 0 || !scan_take(s, "("))
        return true;
    *ret_paren = take_value(p);
    return *ret_paren != NULL && scan_want(s, ")");
}

/* As strace writes it: inet_pton(AF_INET6, "::1", &sin6_addr) is the field sin6_addr. */
static void name_by_reference(struct script_value *v)
{
    if (v->kind != VALUE_CALL)
        return;
    for (const struct script_value *a = v->first; a != NULL; a = a->next) {
        if (a->kind == VALUE_ANY && a->text != NULL)
            v->field = a->text;
    }
}

/* &name: where a call puts what it gives. NULL: there is no name. */
static struct script_value *take_reference(struct parse *p)
{
    struct script_value *v = new_value(p, VALUE_ANY);
    scan_next(&p->s);
    v->text = scan_word(&p->s);
    if (v->text == NULL) {
        scan_fail(&p->s, "a name is missing here");
        return NULL;
    }
    return v;
}

/* One entry of { }: name=value, msg_name(n)=value, or a value. */
static struct script_value *take_field(struct parse *p)
{
    struct scan *s = &p->s;
    scan_space(s);
    const struct scan before = *s;
    const char *name = scan_word(s);
    struct script_value *paren = NULL;
    if (name != NULL && !take_paren(p, name, &paren))
        return NULL;
    if (name == NULL || !scan_take(s, "=")) {
        if (paren != NULL) {
            scan_want(s, "=");
            return NULL;
        }
        *s = before;
        struct script_value *v = take_value(p);
        if (v != NULL)
            name_by_reference(v);
        return v;
    }
    struct script_value *v = take_value(p);
    if (v == NULL)
        return NULL;
    v->field = name;
    v->paren = paren;
    return v;
}

static struct script_value *take_struct(struct parse *p)
{
    struct scan *s = &p->s;
    struct script_value *v = new_value(p, VALUE_STRUCT), **last = &v->first;
    if (scan_take(s, "}"))
        return v;
    do {
        struct script_value *field = take_field(p);
        if (field == NULL)
            return NULL;
        *last = field;
        last = &field->next;
        v->count++;
    } while (scan_take(s, ","));
    return scan_want(s, "}") ? v : NULL;
}

static struct script_value *take_value_at(struct parse *p)
{
    struct scan *s = &p->s;
    struct script_value *v;
    switch (scan_peek(s, 0)) {
    case '"':
        return take_text(p);
    case '.':
        v = new_value(p, VALUE_ANY);
        return scan_want(s, "...") ? v : NULL;
    case '&':
        return take_reference(p);
    case '[':
        v = new_value(p, VALUE_LIST);
        scan_next(s);
        return take_list(p, "]", &v->first, &v->count) ? v : NULL;
    case '{':
        scan_next(s);
        return take_struct(p);
    default:
        return take_sum(p);
    }
}

static struct script_value *take_value(struct parse *p)
{
    struct scan *s = &p->s;
    scan_space(s);
    if (s->depth == SCAN_DEPTH_MAX) {
        scan_fail(s, "values are nested too deep here");
        return NULL;
    }
    s->depth++;
    struct script_value *v = take_value_at(p);
    s->depth--;
    return v;
}

/* An error's word behind the result, and notes in parentheses. */
static bool take_rest(struct parse *p, struct script_call *call)
{
    struct scan *s = &p->s;
    char *note;
    if (scan_is_word(s)) {
        const struct script_pos pos = s->pos;
        const char *word = scan_word(s);
        call->error = symbols_errno(word);
        if (call->error == 0)
            return scan_fail_at(s, pos, "'%.60s' is no errno", word);
    }
    if (!scan_take(s, "("))
        return true;
    if (!scan_until(s, ")", &note))
        return false;
    call->note = note;
    return true;
}

struct script_call *parse_call(struct parse *p, const char *name)
{
    struct scan *s = &p->s;
    struct script_call *call = ARENA_NEW(s->arena, struct script_call);
    call->name = name;
    if (!scan_want(s, "(") || !take_list(p, ")", &call->args, &call->count) || !scan_want(s, "="))
        return NULL;
    call->result = take_value(p);
    if (call->result == NULL || !take_rest(p, call))
        return NULL;
    return call;
}
