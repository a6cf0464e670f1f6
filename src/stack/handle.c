/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/handle.h"

#include <string.h>

#define CAPACITY_MIN 16

void handle_table_init(struct handle_table *t, struct mem *mem)
{
    *t = (struct handle_table){.mem = mem, .first_generation = 1};
}

static void release(struct handle_table *t)
{
    mem_free(t->mem, t->slots, t->capacity * sizeof(*t->slots));
    t->slots = NULL;
    t->capacity = 0;
    t->free = 0;
}

void handle_table_fini(struct handle_table *t)
{
    release(t);
    t->count = 0;
}

static bool grow(struct handle_table *t)
{
    const uint32_t capacity = t->capacity == 0 ? CAPACITY_MIN : t->capacity * 2;
    if (capacity < t->capacity)
        return false;
    struct handle_slot *slots = mem_alloc(t->mem, capacity * sizeof(*slots));
    if (slots == NULL)
        return false;
    if (t->capacity > 0)
        memcpy(slots, t->slots, t->capacity * sizeof(*slots));
    for (uint32_t i = t->capacity; i < capacity; i++) {
        const uint32_t next_free = i + 1 < capacity ? i + 2 : 0;
        slots[i] = (struct handle_slot){.generation = t->first_generation, .next_free = next_free};
    }
    mem_free(t->mem, t->slots, t->capacity * sizeof(*slots));
    t->slots = slots;
    t->free = t->capacity + 1; /* it grows when no slot is free */
    t->capacity = capacity;
    return true;
}

uint64_t handle_add(struct handle_table *t, void *object)
{
    if (t->free == 0 && !grow(t))
        return 0;
    const uint32_t index = t->free - 1;
    struct handle_slot *slot = &t->slots[index];
    t->free = slot->next_free;
    t->count++;
    slot->object = object;
    return (uint64_t)slot->generation << 32 | (index + 1);
}

void handle_remove(struct handle_table *t, uint64_t handle)
{
    const uint32_t index = (uint32_t)handle - 1;
    struct handle_slot *slot = &t->slots[index];

    DEBUG_CHECK(handle_lookup(t, handle) != NULL);
    slot->object = NULL;
    slot->generation++;
    slot->next_free = t->free;
    t->free = index + 1;
    if (slot->generation > t->first_generation)
        t->first_generation = slot->generation;
    if (--t->count == 0)
        release(t);
}
