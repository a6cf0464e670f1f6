/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fmt.h"

#include <string.h>

#include "base/check.h"

#define DIGITS_MAX 20 /* of 2^64 in decimal */

void fmt_init(struct fmt *f, char *buf, size_t size)
{
    *f = (struct fmt){.buf = buf, .size = size};
    if (size > 0)
        buf[0] = '\0';
}

void fmt_mem(struct fmt *f, const char *text, size_t length)
{
    size_t room = f->size > 0 ? f->size - 1 - f->length : 0;
    size_t n = min_size(length, room);
    f->truncated += length - n;
    if (n == 0)
        return;
    memcpy(f->buf + f->length, text, n);
    f->length += n;
    f->buf[f->length] = '\0';
}

void fmt_char(struct fmt *f, char c)
{
    fmt_mem(f, &c, 1);
}

/* The length of a text, at most `limit`, behind which it does not read. */
static size_t length_of(const char *text, size_t limit)
{
    size_t n = 0;
    while (n < limit && text[n] != '\0')
        n++;
    return n;
}

void fmt_str(struct fmt *f, const char *text)
{
    text = text ? text : "(null)";
    fmt_mem(f, text, length_of(text, SIZE_MAX));
}

/* Writes the digits of `v` right-aligned into `digits` and returns where they begin. */
static const char *digits_of(uint64_t v, unsigned base, char digits[DIGITS_MAX])
{
    char *p = digits + DIGITS_MAX;
    do {
        *--p = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    return p;
}

static void number(struct fmt *f, uint64_t v, unsigned base)
{
    char digits[DIGITS_MAX];
    const char *first = digits_of(v, base, digits);
    fmt_mem(f, first, (size_t)(digits + DIGITS_MAX - first));
}

void fmt_u64(struct fmt *f, uint64_t v)
{
    number(f, v, 10);
}

void fmt_i64(struct fmt *f, int64_t v)
{
    if (v < 0)
        fmt_char(f, '-');
    fmt_u64(f, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void fmt_hex(struct fmt *f, uint64_t v)
{
    number(f, v, 16);
}

void fmt_hex_bytes(struct fmt *f, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        fmt_hex(f, p[i] >> 4);
        fmt_hex(f, p[i] & 15);
    }
}

/* One conversion, taken apart. */
struct spec {
    bool zero, left, has_precision;
    unsigned longs; /* l's; z counts as one */
    size_t width, precision;
    char conversion;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *parse_number(const char *p, size_t *ret_n)
{
    size_t n = 0;
    for (; is_digit(*p); p++)
        n = min_size(n * 10 + (size_t)(*p - '0'), 10000);
    *ret_n = n;
    return p;
}

/* Reads what follows a '%'; returns the place of the conversion character (maybe the NUL). The
 * precision given as '*' is left to the caller, as -1 in width would be: has_precision and
 * SIZE_MAX. */
static const char *parse_spec(const char *p, struct spec *ret_spec)
{
    struct spec s = {0};
    for (; *p == '0' || *p == '-'; p++) {
        s.zero |= *p == '0';
        s.left |= *p == '-';
    }
    p = parse_number(p, &s.width);
    if (*p == '.') {
        s.has_precision = true;
        p++;
        if (*p == '*') {
            s.precision = SIZE_MAX;
            p++;
        } else {
            p = parse_number(p, &s.precision);
        }
    }
    for (; *p == 'l' || *p == 'z'; p++)
        s.longs++;
    s.conversion = *p;
    *ret_spec = s;
    return p;
}

static void repeat(struct fmt *f, char c, size_t n)
{
    for (; n > 0; n--)
        fmt_char(f, c);
}

/* Writes `sign` (a text, maybe empty) and the body, padded to the width. */
static void padded(struct fmt *f, const struct spec *s, const char *sign, const char *body,
                   size_t length)
{
    size_t sign_length = length_of(sign, 2);
    size_t written = sign_length + length;
    size_t pad = s->width > written ? s->width - written : 0;
    if (!s->left && !s->zero)
        repeat(f, ' ', pad);
    fmt_mem(f, sign, sign_length);
    if (!s->left && s->zero)
        repeat(f, '0', pad);
    fmt_mem(f, body, length);
    if (s->left)
        repeat(f, ' ', pad);
}

static void padded_number(struct fmt *f, const struct spec *s, const char *sign, uint64_t v,
                          unsigned base)
{
    char digits[DIGITS_MAX];
    const char *first = digits_of(v, base, digits);
    padded(f, s, sign, first, (size_t)(digits + DIGITS_MAX - first));
}

static void padded_signed(struct fmt *f, const struct spec *s, int64_t v)
{
    padded_number(f, s, v < 0 ? "-" : "", v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
}

static void padded_text(struct fmt *f, struct spec *s, const char *text)
{
    text = text ? text : "(null)";
    s->zero = false;
    padded(f, s, "", text, length_of(text, s->has_precision ? s->precision : SIZE_MAX));
}

/* va_list is an array type on some machines, so a pointer to it travels in a struct. */
struct args {
    va_list list;
};

static uint64_t take_unsigned(struct args *a, const struct spec *s)
{
    if (s->longs == 0)
        return va_arg(a->list, unsigned);
    return s->longs == 1 ? va_arg(a->list, unsigned long) : va_arg(a->list, unsigned long long);
}

static int64_t take_signed(struct args *a, const struct spec *s)
{
    if (s->longs == 0)
        return va_arg(a->list, int);
    return s->longs == 1 ? va_arg(a->list, long) : va_arg(a->list, long long);
}

/* Writes one conversion. False when it is none of ours: no argument was taken. */
static bool convert(struct fmt *f, struct spec *s, struct args *a)
{
    char c;
    if (s->has_precision && s->precision == SIZE_MAX) {
        int precision = va_arg(a->list, int);
        s->has_precision = precision >= 0;
        s->precision = (size_t)max_i64(precision, 0);
    }
    switch (s->conversion) {
    case 's':
        padded_text(f, s, va_arg(a->list, const char *));
        return true;
    case 'c':
        c = (char)va_arg(a->list, int);
        padded(f, s, "", &c, 1);
        return true;
    case 'd':
    case 'i':
        padded_signed(f, s, take_signed(a, s));
        return true;
    case 'u':
        padded_number(f, s, "", take_unsigned(a, s), 10);
        return true;
    case 'x':
        padded_number(f, s, "", take_unsigned(a, s), 16);
        return true;
    case 'p':
        padded_number(f, s, "0x", (uintptr_t)va_arg(a->list, void *), 16);
        return true;
    case '%':
        fmt_char(f, '%');
        return true;
    default:
        return false;
    }
}

void fmt_vf(struct fmt *f, const char *format, va_list args)
{
    struct args a;
    va_copy(a.list, args);
    for (const char *p = format; *p != '\0';) {
        size_t plain = 0;
        while (p[plain] != '\0' && p[plain] != '%')
            plain++;
        fmt_mem(f, p, plain);
        p += plain;
        if (*p == '\0')
            break;
        struct spec s;
        const char *end = parse_spec(p + 1, &s);
        if (*end != '\0')
            end++;
        if (!convert(f, &s, &a))
            fmt_mem(f, p, (size_t)(end - p));
        p = end;
    }
    va_end(a.list);
}

void fmt_f(struct fmt *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fmt_vf(f, format, args);
    va_end(args);
}
