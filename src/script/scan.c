/* SPDX-License-Identifier: Apache-2.0 */
#include "script/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void scan_init(struct scan *s, const char *text, size_t len, struct arena *arena,
               struct script_error *error)
{
    *s = (struct scan){.text = text, .len = len, .arena = arena, .error = error};
    s->pos = (struct script_pos){1, 1};
}

int scan_peek(const struct scan *s, size_t ahead)
{
    return ahead < s->len - s->at ? (unsigned char)s->text[s->at + ahead] : -1;
}

void scan_next(struct scan *s)
{
    if (s->at == s->len)
        return;
    if (s->text[s->at] == '\n') {
        s->pos.line++;
        s->pos.col = 1;
    } else {
        s->pos.col++;
    }
    s->at++;
}

static void skip(struct scan *s, size_t n)
{
    while (n-- > 0)
        scan_next(s);
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int hex_digit(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void skip_line(struct scan *s)
{
    while (scan_peek(s, 0) >= 0 && scan_peek(s, 0) != '\n')
        scan_next(s);
}

static void skip_comment(struct scan *s)
{
    const struct script_pos begin = s->pos;
    skip(s, 2);
    while (scan_peek(s, 0) >= 0) {
        if (scan_peek(s, 0) == '*' && scan_peek(s, 1) == '/') {
            skip(s, 2);
            return;
        }
        scan_next(s);
    }
    scan_fail_at(s, begin, "this comment has no end");
}

void scan_space(struct scan *s)
{
    for (;;) {
        const int c = scan_peek(s, 0);
        if (is_space(c))
            scan_next(s);
        else if (c == '#' || (c == '/' && scan_peek(s, 1) == '/'))
            skip_line(s);
        else if (c == '/' && scan_peek(s, 1) == '*')
            skip_comment(s);
        else
            return;
    }
}

bool scan_at_end(struct scan *s)
{
    scan_space(s);
    return s->at == s->len;
}

static void remember(struct scan *s, struct script_pos pos, const char *format, va_list args)
{
    if (!s->failed) {
        s->error->pos = pos;
        vsnprintf(s->error->text, sizeof(s->error->text), format, args);
    }
    s->failed = true;
    s->at = s->len;
}

bool scan_fail(struct scan *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    remember(s, s->pos, format, args);
    va_end(args);
    return false;
}

bool scan_fail_at(struct scan *s, struct script_pos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    remember(s, pos, format, args);
    va_end(args);
    return false;
}

static bool stands(const struct scan *s, const char *literal, size_t len)
{
    return len <= s->len - s->at && memcmp(s->text + s->at, literal, len) == 0;
}

bool scan_take(struct scan *s, const char *literal)
{
    const size_t len = strlen(literal);
    scan_space(s);
    if (!stands(s, literal, len))
        return false;
    skip(s, len);
    return true;
}

/* What stands here, for an error: one character, or the end. */
static const char *show_here(const struct scan *s, char text[8])
{
    const int c = scan_peek(s, 0);
    if (c < 0)
        return "the end";
    snprintf(text, 8, c >= ' ' && c < 127 ? "'%c'" : "0x%02x", (unsigned)c);
    return text;
}

bool scan_want(struct scan *s, const char *literal)
{
    char here[8];
    if (scan_take(s, literal))
        return true;
    return scan_fail(s, "'%s' is missing here, before %s", literal, show_here(s, here));
}

bool scan_take_word(struct scan *s, const char *word)
{
    const size_t len = strlen(word);
    scan_space(s);
    if (!stands(s, word, len))
        return false;
    const int c = scan_peek(s, len);
    if (is_letter(c) || is_digit(c))
        return false;
    skip(s, len);
    return true;
}

bool scan_is_word(struct scan *s)
{
    scan_space(s);
    return is_letter(scan_peek(s, 0));
}

const char *scan_word(struct scan *s)
{
    size_t len = 0;
    if (!scan_is_word(s))
        return NULL;
    while (is_letter(scan_peek(s, len)) || is_digit(scan_peek(s, len)))
        len++;
    const char *word = arena_text(s->arena, s->text + s->at, len);
    skip(s, len);
    return word;
}

/* Digits of `base` from here on. False: none, or too many (an error). */
static bool digits(struct scan *s, unsigned base, uint64_t *ret_value)
{
    uint64_t value = 0;
    bool any = false;
    for (;;) {
        const int d = hex_digit(scan_peek(s, 0));
        if (d < 0 || (unsigned)d >= base)
            break;
        if (value > (UINT64_MAX - (unsigned)d) / base)
            return scan_fail(s, "this number is too large");
        value = value * base + (unsigned)d;
        any = true;
        scan_next(s);
    }
    *ret_value = value;
    return any;
}

static bool unsigned_number(struct scan *s, uint64_t *ret_value)
{
    if (scan_peek(s, 0) == '0' && (scan_peek(s, 1) | 0x20) == 'x' &&
        hex_digit(scan_peek(s, 2)) >= 0) {
        skip(s, 2);
        return digits(s, 16, ret_value);
    }
    return is_digit(scan_peek(s, 0)) && digits(s, 10, ret_value);
}

bool scan_number(struct scan *s, bool sign, int64_t *ret_value)
{
    uint64_t value;
    scan_space(s);
    const bool minus = sign && scan_peek(s, 0) == '-' && is_digit(scan_peek(s, 1));
    if (minus)
        scan_next(s);
    if (!unsigned_number(s, &value))
        return false;
    *ret_value = minus ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool scan_want_number(struct scan *s, uint64_t max, uint64_t *ret_value)
{
    char here[8];
    uint64_t value;
    scan_space(s);
    const struct script_pos begin = s->pos;
    if (!unsigned_number(s, &value))
        return scan_fail(s, "a number is missing here, before %s", show_here(s, here));
    if (value > max)
        return scan_fail_at(s, begin, "%llu is more than %llu, the most there can be",
                            (unsigned long long)value, (unsigned long long)max);
    *ret_value = value;
    return true;
}

/* The digits behind a decimal point, as nanoseconds; what is finer is ignored. */
static nst_time fraction(struct scan *s)
{
    nst_time unit = NST_SEC / 10, sum = 0;
    while (is_digit(scan_peek(s, 0))) {
        sum += (scan_peek(s, 0) - '0') * unit;
        unit /= 10;
        scan_next(s);
    }
    return sum;
}

bool scan_seconds(struct scan *s, nst_time *ret_time)
{
    uint64_t whole = 0;
    scan_space(s);
    const bool begins = is_digit(scan_peek(s, 0));
    const struct script_pos pos = s->pos;
    if (begins && !digits(s, 10, &whole))
        return false;
    if (whole > 100000000)
        return scan_fail_at(s, pos, "this time is beyond all scripts");
    nst_time part = 0;
    /* "0...0.2" is a time and an end, not a number with a point. */
    if (scan_peek(s, 0) == '.' &&
        (is_digit(scan_peek(s, 1)) || (begins && scan_peek(s, 1) != '.'))) {
        scan_next(s);
        part = fraction(s);
    } else if (!begins) {
        return false;
    }
    *ret_time = (nst_time)whole * NST_SEC + part;
    return true;
}

/* The character that a backslash and `c` stand for. */
static char unescape(int c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case '0':
        return '\0';
    default:
        return (char)c;
    }
}

/* One character of a string, escaped or not. */
static char quoted_char(struct scan *s, bool escapes)
{
    int c = scan_peek(s, 0);
    scan_next(s);
    if (!escapes || c != '\\')
        return (char)c;
    c = scan_peek(s, 0);
    if (c == 'x' && hex_digit(scan_peek(s, 1)) >= 0 && hex_digit(scan_peek(s, 2)) >= 0) {
        const int value = hex_digit(scan_peek(s, 1)) * 16 + hex_digit(scan_peek(s, 2));
        skip(s, 3);
        return (char)value;
    }
    scan_next(s);
    return unescape(c);
}

/* How far the partner of the quote before is away; false: there is none. */
static bool find_partner(const struct scan *s, int quote, bool escapes, size_t *ret_len)
{
    size_t n = 0;
    for (; scan_peek(s, n) >= 0 && scan_peek(s, n) != quote; n++)
        if (escapes && scan_peek(s, n) == '\\')
            n++;
    *ret_len = n;
    return scan_peek(s, n) >= 0;
}

bool scan_quoted(struct scan *s, bool escapes, char **ret_text, size_t *ret_len)
{
    const struct script_pos begin = s->pos;
    const int quote = scan_peek(s, 0);
    size_t len = 0, room;
    scan_next(s);
    if (!find_partner(s, quote, escapes, &room))
        return scan_fail_at(s, begin, "this %c has no partner", quote);
    char *text = arena_alloc(s->arena, room + 1);
    for (const size_t end = s->at + room; s->at < end;)
        text[len++] = quoted_char(s, escapes);
    scan_next(s);
    text[len] = '\0';
    *ret_text = text;
    if (ret_len != NULL)
        *ret_len = len;
    return true;
}

bool scan_until(struct scan *s, const char *end, char **ret_text)
{
    const struct script_pos begin = s->pos;
    const size_t from = s->at, len = strlen(end);
    while (s->at < s->len && !stands(s, end, len))
        scan_next(s);
    if (s->at == s->len)
        return scan_fail_at(s, begin, "'%s' is missing, which ends what begins here", end);
    *ret_text = arena_text(s->arena, s->text + from, s->at - from);
    skip(s, len);
    return true;
}

size_t scan_hex(struct scan *s, uint8_t *ret_bytes, size_t max)
{
    size_t n = 0;
    scan_space(s);
    while (hex_digit(scan_peek(s, 0)) >= 0) {
        const int high = hex_digit(scan_peek(s, 0)), low = hex_digit(scan_peek(s, 1));
        if (low < 0 || n == max) {
            scan_fail(s, low < 0 ? "half a byte of hex" : "more hex than fits an option");
            return 0;
        }
        ret_bytes[n++] = (uint8_t)(high * 16 + low);
        skip(s, 2);
    }
    return n;
}
