/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluator: it computes while it parses. Numbers are doubles, exact up to 2^53, which is more
 * than any counter of a script reaches; bit operations go by way of int64. */
#include "script/code.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define EXACT_MAX 9007199254740992.0 /* 2^53 */

struct value {
    double number;
    const char *text; /* NULL: a number */
};

struct eval {
    struct code *code;
    const char *text;
    size_t at;
    struct script_pos pos;
    unsigned depth;  /* of recursion */
    unsigned parens; /* open: a line's end is white space */
    bool unneeded;   /* behind "False and": computed, but without faults */
    enum code_result result;
};

static struct value parse_expression(struct eval *e);

static struct value number(double n)
{
    return (struct value){n, NULL};
}

static struct value end(struct eval *e, enum code_result result, const char *reason)
{
    if (e->result == CODE_GOOD) {
        e->result = result;
        e->code->pos = e->pos;
        e->code->reason = reason;
    }
    return number(0);
}

/* ---- Characters ---- */

static char peek(const struct eval *e, size_t ahead)
{
    for (size_t i = 0; i < ahead; i++)
        if (e->text[e->at + i] == '\0')
            return '\0';
    return e->text[e->at + ahead];
}

static void next(struct eval *e, size_t n)
{
    while (n-- > 0 && e->text[e->at] != '\0') {
        const bool line = e->text[e->at++] == '\n';
        e->pos.line += line;
        e->pos.col = line ? 1 : e->pos.col + 1;
    }
}

static void blank(struct eval *e)
{
    for (;;) {
        const char c = peek(e, 0);
        if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && e->parens > 0)) {
            next(e, 1);
        } else if (c == '\\' && peek(e, 1) == '\n') {
            next(e, 2);
        } else if (c == '#') {
            while (peek(e, 0) != '\0' && peek(e, 0) != '\n')
                next(e, 1);
        } else {
            return;
        }
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(struct eval *e, const char *literal)
{
    const size_t len = strlen(literal);
    blank(e);
    if (strncmp(e->text + e->at, literal, len) != 0)
        return false;
    if (is_letter(literal[0]) && (is_letter(peek(e, len)) || is_digit(peek(e, len))))
        return false;
    next(e, len);
    return true;
}

/* An operator, which must not be the beginning of a longer one. */
static bool take_operator(struct eval *e, const char *op, const char *unless)
{
    blank(e);
    const size_t len = strlen(op);
    if (strncmp(e->text + e->at, op, len) != 0)
        return false;
    const char after = peek(e, len);
    if (after != '\0' && strchr(unless, after) != NULL)
        return false;
    next(e, len);
    return true;
}

/* ---- Names ---- */

static const struct {
    const char *name;
    int value;
} constants[] = {
    {"True", 1},
    {"False", 0},
    {"TCP_ESTABLISHED", 1},
    {"TCP_SYN_SENT", 2},
    {"TCP_SYN_RECV", 3},
    {"TCP_FIN_WAIT1", 4},
    {"TCP_FIN_WAIT2", 5},
    {"TCP_TIME_WAIT", 6},
    {"TCP_CLOSE", 7},
    {"TCP_CLOSE_WAIT", 8},
    {"TCP_LAST_ACK", 9},
    {"TCP_LISTEN", 10},
    {"TCP_CLOSING", 11},
    {"TCP_CA_Open", 0},
    {"TCP_CA_Disorder", 1},
    {"TCP_CA_CWR", 2},
    {"TCP_CA_Recovery", 3},
    {"TCP_CA_Loss", 4},
    {"TCPI_OPT_TIMESTAMPS", 1},
    {"TCPI_OPT_SACK", 2},
    {"TCPI_OPT_WSCALE", 4},
    {"TCPI_OPT_ECN", 8},
    {"TCPI_OPT_ECN_SEEN", 16},
    {"TCPI_OPT_SYN_DATA", 32},
};

static struct value tcp_info(struct eval *e, const char *name)
{
    struct arena *arena = e->code->arena;
    uint64_t found = 0;
    if (e->code->info == NULL)
        return end(e, CODE_UNSUPPORTED, "there is no connection whose TCP_INFO could be asked");
    switch (tcpinfo_lookup(e->code->info, name, &found)) {
    case TCPINFO_NOT_KEPT:
        return end(e, CODE_UNSUPPORTED, arena_format(arena, "the stack does not keep %s", name));
    case TCPINFO_UNKNOWN:
        return end(e, CODE_BAD, arena_format(arena, "there is no %s", name));
    case TCPINFO_FOUND:
        break;
    }
    e->code->values =
        arena_format(arena, "%s%s%s = %llu", e->code->values,
                     e->code->values[0] != '\0' ? ", " : "", name, (unsigned long long)found);
    return number((double)found);
}

static struct value lookup(struct eval *e, const char *name)
{
    for (const struct code_name *n = e->code->names; n != NULL; n = n->next)
        if (strcmp(n->name, name) == 0)
            return (struct value){n->number, n->text};
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
        if (strcmp(constants[i].name, name) == 0)
            return number(constants[i].value);
    if (strncmp(name, "tcpi_", 5) == 0)
        return tcp_info(e, name);
    return end(e, CODE_UNSUPPORTED,
               arena_format(e->code->arena, "code uses %s, which is not built in", name));
}

/* ---- Atoms ---- */

static struct value parse_text(struct eval *e)
{
    const char quote = peek(e, 0);
    size_t len = 1;
    while (peek(e, len) != '\0' && peek(e, len) != quote && peek(e, len) != '\n')
        len += peek(e, len) == '\\' && peek(e, len + 1) != '\0' ? 2 : 1;
    if (peek(e, len) != quote)
        return end(e, CODE_BAD, "this string has no end");
    struct value v = {0, arena_text(e->code->arena, e->text + e->at + 1, len - 1)};
    next(e, len + 1);
    return v;
}

static struct value parse_number(struct eval *e)
{
    const char *from = e->text + e->at;
    char *after;
    double n;
    if (from[0] == '0' && (from[1] == 'x' || from[1] == 'X'))
        n = (double)strtoull(from, &after, 16);
    else
        n = strtod(from, &after);
    next(e, (size_t)(after - from));
    if (is_letter(peek(e, 0)))
        return end(e, CODE_BAD, "a number is followed by letters");
    return number(n);
}

/* abs(x), min(a, b ...), max(a, b ...) behind the parenthesis; print() tells nobody. */
static struct value parse_function(struct eval *e, const char *name)
{
    const bool least = strcmp(name, "min") == 0;
    struct value best = {0, NULL};
    e->parens++;
    if (strcmp(name, "print") == 0 && take(e, ")")) {
        e->parens--;
        return best;
    }
    for (unsigned n = 0; e->result == CODE_GOOD; n++) {
        const struct value v = parse_expression(e);
        if (n == 0 || (least ? v.number < best.number : v.number > best.number))
            best = v;
        if (!take(e, ","))
            break;
    }
    e->parens--;
    if (!take(e, ")"))
        return end(e, CODE_BAD, "')' is missing here");
    if (strcmp(name, "abs") == 0 || strcmp(name, "int") == 0)
        best.number = name[0] == 'a' ? fabs(best.number) : trunc(best.number);
    return best;
}

static struct value parse_word(struct eval *e)
{
    size_t len = 0;
    while (is_letter(peek(e, len)) || is_digit(peek(e, len)))
        len++;
    const char *name = arena_text(e->code->arena, e->text + e->at, len);
    next(e, len);
    if (!take(e, "("))
        return lookup(e, name);
    static const char *const functions[] = {"abs", "min", "max", "int", "float", "print"};
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strcmp(name, functions[i]) == 0)
            return parse_function(e, name);
    return end(e, CODE_UNSUPPORTED,
               arena_format(e->code->arena, "code calls %s, which is not built in", name));
}

/* ( a ), or ( a, b ), of which scripts format only: the first counts. */
static struct value parse_parens(struct eval *e)
{
    e->parens++;
    next(e, 1);
    const struct value v = parse_expression(e);
    while (e->result == CODE_GOOD && take(e, ","))
        parse_expression(e);
    e->parens--;
    if (!take(e, ")"))
        return end(e, CODE_BAD, "')' is missing here");
    return v;
}

static struct value parse_atom(struct eval *e)
{
    blank(e);
    const char c = peek(e, 0);
    if (c == '(')
        return parse_parens(e);
    if (c == '\'' || c == '"')
        return parse_text(e);
    if (is_digit(c) || (c == '.' && is_digit(peek(e, 1))))
        return parse_number(e);
    if (is_letter(c))
        return parse_word(e);
    return end(e, CODE_BAD, "a value is missing here");
}

/* ---- Operators, tightest first ---- */

static struct value parse_unary(struct eval *e);

/* a ** b binds tighter than the sign before it, not than the one behind. */
static struct value parse_power(struct eval *e)
{
    const struct value v = parse_atom(e);
    return e->result == CODE_GOOD && take(e, "**") ? number(pow(v.number, parse_unary(e).number))
                                                   : v;
}

static struct value parse_unary(struct eval *e)
{
    if (++e->depth > DEPTH_MAX)
        return end(e, CODE_BAD, "code is nested too deep here");
    struct value v;
    if (take(e, "-")) {
        v = number(-parse_unary(e).number);
    } else if (take(e, "+")) {
        v = parse_unary(e);
    } else if (take(e, "~")) {
        v = number(-parse_unary(e).number - 1);
    } else {
        v = parse_power(e);
    }
    e->depth--;
    return v;
}

/* 'text' % values: the text with the first value behind it is all that a report needs. */
static struct value format(struct eval *e, const char *text, double n)
{
    return (struct value){0, arena_format(e->code->arena, "%s (%.15g)", text, n)};
}

static struct value divide(struct eval *e, double a, double b, char op)
{
    if (b == 0)
        return e->unneeded ? number(0) : end(e, CODE_BAD, "division by zero");
    if (op == '/')
        return number(a / b);
    const double quotient = floor(a / b); /* as Python: downwards */
    return number(op == 'd' ? quotient : a - quotient * b);
}

static struct value parse_product(struct eval *e)
{
    struct value v = parse_unary(e);
    while (e->result == CODE_GOOD) {
        if (take_operator(e, "*", "*")) {
            v = number(v.number * parse_unary(e).number);
        } else if (take(e, "//")) {
            v = divide(e, v.number, parse_unary(e).number, 'd');
        } else if (take(e, "/")) {
            v = divide(e, v.number, parse_unary(e).number, '/');
        } else if (take(e, "%")) {
            const double n = parse_unary(e).number;
            v = v.text != NULL ? format(e, v.text, n) : divide(e, v.number, n, '%');
        } else {
            break;
        }
    }
    return v;
}

static struct value parse_sum(struct eval *e)
{
    struct value v = parse_product(e);
    while (e->result == CODE_GOOD) {
        if (take(e, "+"))
            v = number(v.number + parse_product(e).number);
        else if (take(e, "-"))
            v = number(v.number - parse_product(e).number);
        else
            break;
    }
    return v;
}

static int64_t whole(struct eval *e, struct value v)
{
    if (v.text != NULL || !(fabs(v.number) <= EXACT_MAX)) {
        end(e, CODE_BAD, "bits are taken of whole numbers only");
        return 0;
    }
    return (int64_t)v.number;
}

static struct value parse_shift(struct eval *e)
{
    struct value v = parse_sum(e);
    while (e->result == CODE_GOOD) {
        const bool left = take(e, "<<");
        if (!left && !take(e, ">>"))
            break;
        const double by = parse_sum(e).number;
        if (!(by >= 0 && by <= 52))
            return end(e, CODE_BAD, "a shift by so much is not done here");
        v = number(left ? v.number * exp2(by) : floor(v.number / exp2(by)));
    }
    return v;
}

static struct value parse_and_bits(struct eval *e)
{
    struct value v = parse_shift(e);
    while (e->result == CODE_GOOD && take(e, "&"))
        v = number((double)(whole(e, v) & whole(e, parse_shift(e))));
    return v;
}

static struct value parse_or_bits(struct eval *e)
{
    struct value v = parse_and_bits(e);
    while (e->result == CODE_GOOD) {
        if (take(e, "|"))
            v = number((double)(whole(e, v) | whole(e, parse_and_bits(e))));
        else if (take(e, "^"))
            v = number((double)(whole(e, v) ^ whole(e, parse_and_bits(e))));
        else
            break;
    }
    return v;
}

static bool equal(struct value a, struct value b)
{
    if (a.text != NULL || b.text != NULL)
        return a.text != NULL && b.text != NULL && strcmp(a.text, b.text) == 0;
    return a.number == b.number;
}

/* (a, b) or [a, b] behind "in": is v one of them? */
static bool parse_members(struct eval *e, struct value v)
{
    const bool list = take(e, "[");
    bool found = false;
    if (!list && !take(e, "(")) {
        end(e, CODE_UNSUPPORTED, "code looks into what is no list of values");
        return false;
    }
    const char *close = list ? "]" : ")";
    e->parens++;
    do {
        found = equal(v, parse_expression(e)) || found;
        if (!take(e, ","))
            break;
        blank(e); /* a comma may stand behind the last, too */
    } while (e->result == CODE_GOOD && peek(e, 0) != close[0]);
    e->parens--;
    if (!take(e, close))
        end(e, CODE_BAD, list ? "']' is missing here" : "')' is missing here");
    return found;
}

/* One comparison of a chain. False: there is none. */
static bool parse_comparison(struct eval *e, struct value *left, bool *holds)
{
    if (take(e, "in")) {
        *holds = parse_members(e, *left) && *holds;
        return true;
    }
    if (take(e, "not")) {
        if (!take(e, "in"))
            end(e, CODE_BAD, "'in' is missing here");
        *holds = !parse_members(e, *left) && *holds;
        return true;
    }
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    for (unsigned i = 0; i < 6; i++) {
        if (!take(e, ops[i]))
            continue;
        const struct value right = parse_or_bits(e);
        const double a = left->number, b = right.number;
        const bool results[] = {equal(*left, right), !equal(*left, right), a <= b, a >= b,
                                a<b, a> b};
        *holds = *holds && results[i];
        *left = right;
        return true;
    }
    return false;
}

static struct value parse_chain(struct eval *e)
{
    struct value v = parse_or_bits(e);
    bool holds = true, any = false;
    while (e->result == CODE_GOOD && parse_comparison(e, &v, &holds))
        any = true;
    return any ? number(holds) : v;
}

static bool is_true(struct value v)
{
    return v.text != NULL ? v.text[0] != '\0' : v.number != 0;
}

static struct value parse_not(struct eval *e)
{
    if (++e->depth > DEPTH_MAX)
        return end(e, CODE_BAD, "code is nested too deep here");
    const struct value v = take(e, "not") ? number(!is_true(parse_not(e))) : parse_chain(e);
    e->depth--;
    return v;
}

static struct value parse_and(struct eval *e)
{
    struct value v = parse_not(e);
    while (e->result == CODE_GOOD && take(e, "and")) {
        const bool before = e->unneeded;
        e->unneeded = before || !is_true(v);
        const struct value right = parse_not(e);
        e->unneeded = before;
        v = is_true(v) ? right : v;
    }
    return v;
}

static struct value parse_expression(struct eval *e)
{
    struct value v = parse_and(e);
    while (e->result == CODE_GOOD && take(e, "or")) {
        const bool before = e->unneeded;
        e->unneeded = before || is_true(v);
        const struct value right = parse_and(e);
        e->unneeded = before;
        v = is_true(v) ? v : right;
    }
    return v;
}

/* ---- Statements ---- */

static void run_assert(struct eval *e)
{
    blank(e);
    const size_t from = e->at;
    const struct script_pos pos = e->pos;
    const struct value v = parse_expression(e);
    const char *text = arena_text(e->code->arena, e->text + from, e->at - from);
    struct value message = {0, NULL};
    const char *values = e->code->values;
    if (e->result == CODE_GOOD && take(e, ","))
        message = parse_expression(e);
    if (e->result != CODE_GOOD || is_true(v))
        return;
    e->code->values = values;
    end(e, CODE_FALSE,
        arena_format(e->code->arena, "assert %s does not hold%s%s", text,
                     message.text != NULL ? ": " : "", message.text != NULL ? message.text : ""));
    e->code->pos = pos;
}

/* "=", or "+=" and its kin, whose first character it gives; '\0': neither. */
static char take_assign(struct eval *e)
{
    static const char *const ops[] = {"+=", "-=", "*=", "/="};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (take(e, ops[i]))
            return ops[i][0];
    return take_operator(e, "=", "=") ? '=' : '\0';
}

static double changed(struct eval *e, double before, char op, double by)
{
    return op == '+'   ? before + by
           : op == '-' ? before - by
           : op == '*' ? before * by
                       : divide(e, before, by, '/').number;
}

/* NAME = EXPR, NAME += EXPR. False: it is no assignment. */
static bool run_assignment(struct eval *e)
{
    const struct eval before = *e;
    size_t len = 0;
    while (is_letter(peek(e, len)) || (len > 0 && is_digit(peek(e, len))))
        len++;
    const char *name = arena_text(e->code->arena, e->text + e->at, len);
    next(e, len);
    const char op = len > 0 ? take_assign(e) : '\0';
    if (op == '\0') {
        *e = before;
        return false;
    }
    struct value v = parse_expression(e);
    if (op != '=')
        v = number(changed(e, lookup(e, name).number, op, v.number));
    struct code_name *n = ARENA_NEW(e->code->arena, struct code_name);
    *n = (struct code_name){e->code->names, name, v.number, v.text};
    e->code->names = n;
    return true;
}

static void run_statement(struct eval *e)
{
    static const char *const others[] = {"if", "for", "while", "def", "import", "from", "return"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (take(e, others[i])) {
            end(e, CODE_UNSUPPORTED,
                arena_format(e->code->arena, "code with '%s' is not built in", others[i]));
            return;
        }
    }
    e->code->values = "";
    if (take(e, "assert"))
        run_assert(e);
    else if (!run_assignment(e))
        parse_expression(e);
}

enum code_result code_run(struct code *code, const char *text, struct script_pos pos)
{
    struct eval e = {.code = code, .text = text, .pos = pos};
    code->values = "";
    for (;;) {
        blank(&e);
        while (peek(&e, 0) == ';' || peek(&e, 0) == '\n') {
            next(&e, 1);
            blank(&e);
        }
        if (peek(&e, 0) == '\0' || e.result != CODE_GOOD)
            return e.result;
        run_statement(&e);
        blank(&e);
        if (e.result == CODE_GOOD && peek(&e, 0) != ';' && peek(&e, 0) != '\n' &&
            peek(&e, 0) != '\0')
            end(&e, CODE_BAD, "this is not in the language of code here");
    }
}
