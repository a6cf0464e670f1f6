/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/counter.h"

#include "base/check.h"

static const struct counter_desc nic_counters[] = {
#define COUNTER_NIC(name, text) {#name, text, offsetof(struct nic_counters, name)},
#define COUNTER_STACK(name, text)
#include "packet/counter.def"
#undef COUNTER_NIC
#undef COUNTER_STACK
};

static const struct counter_desc stack_counters[] = {
#define COUNTER_NIC(name, text)
#define COUNTER_STACK(name, text) {#name, text, offsetof(struct stack_counters, name)},
#include "packet/counter.def"
#undef COUNTER_NIC
#undef COUNTER_STACK
};

const struct counter_desc *counter_nic_at(size_t n)
{
    return n < ARRAY_SIZE(nic_counters) ? &nic_counters[n] : NULL;
}

const struct counter_desc *counter_stack_at(size_t n)
{
    return n < ARRAY_SIZE(stack_counters) ? &stack_counters[n] : NULL;
}
