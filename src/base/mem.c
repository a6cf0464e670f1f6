/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <string.h>

#include "base/check.h"

void mem_init(struct mem *m, const struct nst_allocator *allocator, uint64_t limit)
{
    *m = (struct mem){.allocator = *allocator};
    mem_set_limit(m, limit);
}

void mem_set_limit(struct mem *m, uint64_t limit)
{
    m->limit = limit ? limit : UINT64_MAX;
}

void *mem_alloc(struct mem *m, size_t size)
{
    if (size == 0 || size > mem_room(m))
        return NULL;
    void *memory = m->allocator.alloc(m->allocator.context, size);
    if (!memory)
        return NULL;
    m->used += size;
    m->peak = max_u64(m->peak, m->used);
    return memory;
}

void *mem_zalloc(struct mem *m, size_t size)
{
    void *memory = mem_alloc(m, size);
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void mem_free(struct mem *m, void *memory, size_t size)
{
    if (!memory)
        return;
    CHECK(size <= m->used);
    m->used -= size;
    m->allocator.free(m->allocator.context, memory, size);
}
