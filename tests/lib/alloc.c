/* SPDX-License-Identifier: Apache-2.0 */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#define RUBBISH 0xa5

/* In front of each allocation, to check what is given back. */
struct tag {
    _Alignas(max_align_t) size_t size;
    struct alloc *owner;
};

static void *allocate(void *context, size_t size)
{
    struct alloc *a = context;
    a->count++;
    if (a->count == a->fail_at || (a->fail_from != 0 && a->count >= a->fail_from))
        return NULL;
    struct tag *tag = malloc(sizeof(*tag) + size);
    if (tag == NULL)
        abort();
    *tag = (struct tag){size, a};
    memset(tag + 1, RUBBISH, size);
    a->live++;
    a->live_bytes += size;
    if (a->live_bytes > a->peak_bytes)
        a->peak_bytes = a->live_bytes;
    return tag + 1;
}

static void release(void *context, void *memory, size_t size)
{
    struct alloc *a = context;
    struct tag *tag = (struct tag *)memory - 1;
    if (tag->size != size || tag->owner != a)
        abort();
    a->live--;
    a->live_bytes -= size;
    free(tag);
}

void alloc_init(struct alloc *a)
{
    *a = (struct alloc){.allocator = {allocate, release, a}};
}

void alloc_fail_after(struct alloc *a, int64_t n)
{
    a->fail_from = n < 0 ? 0 : a->count + (uint64_t)n + 1;
}
