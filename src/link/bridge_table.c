/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a bridge: see bridge_table.h. */
#include "link/bridge_table.h"

#include "wire/addr.h"

/* Two rounds of multiply and shift, with a secret in each: an outsider cannot tell which addresses
 * share a set. */
static uint64_t mix(const struct table *table, struct nst_mac addr)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < sizeof(addr.b); i++)
        x = x << 8 | addr.b[i];
    x = (x ^ table->key[0]) * 0x9e3779b97f4a7c15;
    x = (x ^ x >> 32) + table->key[1];
    x *= 0xbf58476d1ce4e5b9;
    return x ^ x >> 29;
}

static struct table_entry *set_of(const struct table *table, struct nst_mac addr)
{
    return table->entries + (mix(table, addr) & (table->count / TABLE_WAYS - 1)) * TABLE_WAYS;
}

bool table_is_alive(const struct table *table, const struct table_entry *entry, uint32_t now)
{
    return entry->port != TABLE_NONE && now - entry->heard <= table->ageing;
}

bool table_is_used(const struct table *table, const struct table_entry *entry, uint32_t now)
{
    return entry->used != 0 && now - entry->used <= table->ageing;
}

struct table_entry *table_lookup(const struct table *table, struct nst_mac addr, uint32_t now)
{
    struct table_entry *set = set_of(table, addr);
    for (unsigned i = 0; i < TABLE_WAYS; i++)
        if (mac_equal(&set[i].addr, &addr) && table_is_alive(table, &set[i], now))
            return &set[i];
    return NULL;
}

/* The place for a new one: empty or too old, else that of the longest silent one that is not used.
 * NULL: all are used. */
static struct table_entry *choose_place(const struct table *table, struct table_entry *set,
                                        uint32_t now)
{
    struct table_entry *oldest = NULL;
    for (unsigned i = 0; i < TABLE_WAYS; i++) {
        if (!table_is_alive(table, &set[i], now))
            return &set[i];
        if (!table_is_used(table, &set[i], now) &&
            (oldest == NULL || now - set[i].heard > now - oldest->heard))
            oldest = &set[i];
    }
    return oldest;
}

enum table_learnt table_learn(struct table *table, struct nst_mac addr, uint16_t port, uint32_t now)
{
    struct table_entry *entry = table_lookup(table, addr, now);
    if (entry != NULL) {
        const bool moved = entry->port != port;
        entry->port = port;
        entry->heard = now;
        return moved ? TABLE_MOVED : TABLE_KNOWN;
    }
    entry = choose_place(table, set_of(table, addr), now);
    if (entry == NULL)
        return TABLE_FULL;
    const bool evicts = table_is_alive(table, entry, now);
    *entry = (struct table_entry){.addr = addr, .port = port, .heard = now};
    return evicts ? TABLE_EVICTED : TABLE_NEW;
}

void table_forget(struct table *table, uint16_t port)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (port == TABLE_NONE || table->entries[i].port == port)
            table->entries[i] = (struct table_entry){.port = TABLE_NONE};
}
