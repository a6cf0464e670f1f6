/* SPDX-License-Identifier: Apache-2.0 */
/* The counting heap: see heap.h. */
#include "heap.h"

#include <stdlib.h>

static void *heap_alloc(void *context, size_t size)
{
    struct heap *h = context;
    h->calls++;
    if (h->calls == h->fail_at)
        return NULL;
    void *memory = malloc(size);
    if (memory != NULL) {
        h->live_bytes += size;
        h->live_blocks++;
    }
    return memory;
}

static void heap_free(void *context, void *memory, size_t size)
{
    struct heap *h = context;
    h->live_bytes -= size;
    h->live_blocks--;
    free(memory);
}

void heap_init(struct heap *h)
{
    *h = (struct heap){.allocator = {.alloc = heap_alloc, .free = heap_free, .context = h}};
}
