/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text into a caller's buffer, without libc. What does not fit is counted, not written; the text is
 * NUL-terminated at every moment (unless the buffer has no byte at all).
 */
#ifndef NICSTACK_SRC_BASE_FMT_H
#define NICSTACK_SRC_BASE_FMT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fmt {
    char *buf;
    size_t size;      /* of buf */
    size_t length;    /* of the text, without NUL: less than size */
    size_t truncated; /* characters that did not fit */
};

/* Starts with an empty text. `buf` is the caller's; NULL is allowed when `size` is 0. */
void fmt_init(struct fmt *f, char *buf, size_t size);

void fmt_char(struct fmt *f, char c);
void fmt_str(struct fmt *f, const char *text);                /* NULL gives "(null)" */
void fmt_mem(struct fmt *f, const char *text, size_t length); /* exactly `length` characters */
void fmt_u64(struct fmt *f, uint64_t v);                      /* decimal */
void fmt_i64(struct fmt *f, int64_t v);
void fmt_hex(struct fmt *f, uint64_t v);                        /* lower case, no 0x, no zeroes */
void fmt_hex_bytes(struct fmt *f, const void *bytes, size_t n); /* two digits each */

/*
 * A subset of printf: %s %c %d %i %u %x %p %%, with l, ll, z, a width, the flags 0 and -, and for
 * %s a precision (.N or .*). Anything else is copied as it stands.
 */
void fmt_f(struct fmt *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fmt_vf(struct fmt *f, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* True when everything fitted. */
static inline bool fmt_is_complete(const struct fmt *f)
{
    return f->truncated == 0;
}

#endif
