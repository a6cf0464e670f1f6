/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "packet/counter.h"

static void covers_the_struct(void **state)
{
    size_t n = 0;
    for (; counter_nic_at(n) != NULL; n++)
        assert_int_equal(counter_nic_at(n)->offset, n * sizeof(uint64_t));
    assert_int_equal(n * sizeof(uint64_t), sizeof(struct nic_counters));
    assert_string_equal(counter_nic_at(0)->name, "rx_packets");
    for (n = 0; counter_stack_at(n) != NULL; n++)
        assert_int_equal(counter_stack_at(n)->offset, n * sizeof(uint64_t));
    assert_int_equal(n * sizeof(uint64_t), sizeof(struct stack_counters));
}

static void adds(void **state)
{
    struct nic_counters c = {0};
    COUNT(c.tx_packets);
    COUNT_N(c.tx_packets, UINT32_MAX);
    assert_int_equal(c.tx_packets, (uint64_t)UINT32_MAX + 1);
}

TESTS({"each counter is listed once, in order", covers_the_struct}, {"counters have 64 bits", adds})
