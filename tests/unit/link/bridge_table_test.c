/* SPDX-License-Identifier: Apache-2.0 */
#include "link/bridge_table.h"

#include "testing.h"

#define COUNT 64

static struct table_entry entries[COUNT];

static struct table make(void)
{
    struct table table = {
        .entries = entries, .count = COUNT, .ageing = 300, .key = {0x1234567, 0x89abcdef}};
    table_forget(&table, TABLE_NONE);
    return table;
}

static struct nst_mac station(uint32_t n)
{
    return (struct nst_mac){
        {2, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static unsigned count_alive(const struct table *table, uint32_t now)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < table->count; i++)
        count += table_is_alive(table, &table->entries[i], now);
    return count;
}

static void learns_and_moves(void **state)
{
    struct table table = make();
    assert_null(table_lookup(&table, station(1), 10));
    assert_int_equal(table_learn(&table, station(1), 3, 10), TABLE_NEW);
    assert_int_equal(table_learn(&table, station(1), 3, 20), TABLE_KNOWN);
    assert_int_equal(table_lookup(&table, station(1), 20)->port, 3);
    assert_int_equal(table_lookup(&table, station(1), 20)->heard, 20);
    assert_int_equal(table_learn(&table, station(1), 4, 21), TABLE_MOVED);
    assert_int_equal(table_lookup(&table, station(1), 21)->port, 4);
}

static void forgets_by_age_and_by_port(void **state)
{
    struct table table = make();
    table_learn(&table, station(1), 1, 10);
    table_learn(&table, station(2), 2, 10);
    assert_non_null(table_lookup(&table, station(1), 310));
    assert_null(table_lookup(&table, station(1), 311));
    assert_int_equal(table_learn(&table, station(1), 1, 311), TABLE_NEW);
    table_forget(&table, 1);
    assert_null(table_lookup(&table, station(1), 311));
    assert_int_equal(table_learn(&table, station(2), 2, 311), TABLE_NEW);
    assert_int_equal(count_alive(&table, 311), 1);
}

/* 100,000 made-up stations, as fast as they come. */
static void a_flood_pushes_out_no_station_in_use(void **state)
{
    struct table table = make();
    unsigned evicted = 0;
    for (uint32_t i = 0; i < 8; i++) {
        table_learn(&table, station(i), 1, 10);
        table_lookup(&table, station(i), 10)->used = 10;
    }
    for (uint32_t i = 0; i < 100000; i++)
        evicted += table_learn(&table, station(1000 + i), 2, 11) == TABLE_EVICTED;
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(table_lookup(&table, station(i), 11)->port, 1);
    assert_true(evicted > 99000);
    assert_true(count_alive(&table, 11) <= COUNT);
    /* What is no longer used has its turn. */
    for (uint32_t i = 0; i < 100000; i++)
        table_learn(&table, station(200000 + i), 2, 311);
    assert_null(table_lookup(&table, station(0), 311));
}

static void a_full_set_learns_nothing_more(void **state)
{
    struct table table = make();
    unsigned full = 0;
    for (uint32_t i = 0; i < 10 * COUNT; i++) {
        const enum table_learnt r = table_learn(&table, station(i), 1, 10);
        full += r == TABLE_FULL;
        struct table_entry *entry = table_lookup(&table, station(i), 10);
        if (entry != NULL)
            entry->used = 10;
    }
    assert_int_equal(full, 10 * COUNT - COUNT);
    assert_int_equal(count_alive(&table, 10), COUNT);
}

/* The key decides who shares a set: with another, other stations are left. */
static void places_depend_on_the_key(void **state)
{
    bool left[2][200];
    for (unsigned k = 0; k < 2; k++) {
        struct table table = make();
        table.key[0] += k;
        for (uint32_t i = 0; i < 200; i++)
            table_learn(&table, station(i), 1, 10);
        for (uint32_t i = 0; i < 200; i++)
            left[k][i] = table_lookup(&table, station(i), 10) != NULL;
    }
    assert_memory_not_equal(left[0], left[1], sizeof(left[0]));
}

TESTS({"stations are learnt, and move", learns_and_moves},
      {"stations are forgotten by age and with their port", forgets_by_age_and_by_port},
      {"a flood pushes out no station that is in use", a_flood_pushes_out_no_station_in_use},
      {"a set whose stations are all in use learns nothing more", a_full_set_learns_nothing_more},
      {"who shares a set depends on the key", places_depend_on_the_key})
