/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as a script: taken piece by piece, given back at once. Where the
 * system has none left the program ends, as there is nothing that a test could do about it.
 */
#ifndef NICSTACK_SRC_SCRIPT_ARENA_H
#define NICSTACK_SRC_SCRIPT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;

/* Zero-initialise it. */
struct arena {
    struct arena_chunk *chunks;
    size_t left; /* bytes free at the end of the newest chunk */
};

/* `size` bytes of zeros, aligned to 16. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc(arena, sizeof(type)))

/* A copy of `len` bytes with a NUL behind it. */
char *arena_text(struct arena *arena, const char *text, size_t len);
/* Formatted text of any length. */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Gives everything back. */
void arena_free(struct arena *arena);

#endif
