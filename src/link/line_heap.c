/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of packets that wait for their time: ordered by (time, arrival). */
#include <string.h>

#include "link/line.h"

static bool is_before(const struct line_waiting *x, const struct line_waiting *y)
{
    return x->due != y->due ? x->due < y->due : x->order < y->order;
}

static bool reserve(struct line_heap *heap, const struct nst_allocator *a)
{
    if (heap->count < heap->capacity)
        return true;
    const uint32_t capacity = heap->capacity != 0 ? heap->capacity * 2 : 64;
    struct line_waiting *at = a->alloc(a->context, capacity * sizeof(*at));
    if (at == NULL)
        return false;
    if (heap->at != NULL) {
        memcpy(at, heap->at, heap->count * sizeof(*at));
        a->free(a->context, heap->at, heap->capacity * sizeof(*at));
    }
    heap->at = at;
    heap->capacity = capacity;
    return true;
}

bool line_heap_push(struct line_heap *heap, const struct nst_allocator *allocator,
                    struct nst_pkt *p, nst_time due)
{
    if (!reserve(heap, allocator))
        return false;
    const struct line_waiting w = {.due = due, .order = heap->order++, .p = p};
    uint32_t i = heap->count++;
    while (i > 0 && is_before(&w, &heap->at[(i - 1) / 2])) {
        heap->at[i] = heap->at[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap->at[i] = w;
    return true;
}

struct nst_pkt *line_heap_pop(struct line_heap *heap)
{
    struct nst_pkt *p = heap->at[0].p;
    const struct line_waiting last = heap->at[--heap->count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(&heap->at[child + 1], &heap->at[child]))
            child++;
        if (!is_before(&heap->at[child], &last))
            break;
        heap->at[i] = heap->at[child];
        i = child;
    }
    heap->at[i] = last;
    return p;
}
