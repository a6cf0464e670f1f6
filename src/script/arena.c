/* SPDX-License-Identifier: Apache-2.0 */
#include "script/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)16384)
#define ALIGN ((size_t)16)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of data */
    _Alignas(16) uint8_t data[];
};

static void grow(struct arena *arena, size_t size)
{
    const size_t room = size > CHUNK ? size : CHUNK;
    struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + room);
    if (chunk == NULL) {
        fputs("packet script: out of memory\n", stderr);
        abort();
    }
    chunk->size = room;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->left = room;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + ALIGN - 1) & ~(ALIGN - 1);
    if (size == 0)
        size = ALIGN;
    if (arena->chunks == NULL || size > arena->left)
        grow(arena, size);
    uint8_t *at = arena->chunks->data + (arena->chunks->size - arena->left);
    arena->left -= size;
    return at;
}

char *arena_text(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_vformat(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc(arena, len < 0 ? 1 : (size_t)len + 1);
    if (len > 0)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vformat(arena, format, args);
    va_end(args);
    return text;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->left = 0;
}
