/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: counter.def lists each with its scope and a sentence. A counter is written by its
 * stack's thread alone; another thread may read it.
 */
#ifndef NICSTACK_SRC_PACKET_COUNTER_H
#define NICSTACK_SRC_PACKET_COUNTER_H

#include <stddef.h>
#include <stdint.h>

#define COUNTER(scope, name, text) COUNTER_##scope(name, text)

/* Per NIC. */
struct nic_counters {
#define COUNTER_NIC(name, text) uint64_t name;
#define COUNTER_STACK(name, text)
#include "packet/counter.def"
#undef COUNTER_NIC
#undef COUNTER_STACK
};

/* Per stack: every protocol's. */
struct stack_counters {
#define COUNTER_NIC(name, text)
#define COUNTER_STACK(name, text) uint64_t name;
#include "packet/counter.def"
#undef COUNTER_NIC
#undef COUNTER_STACK
};

/* Adds n: the only way to change a counter. One writer, so no locked instruction is needed; on
 * x86-64 an aligned 64-bit add to memory is never seen half done, and told as an instruction it is
 * one (for a volatile object compilers make it three). */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
#endif
}
#define COUNT(counter)      counter_add(&(counter), 1)
#define COUNT_N(counter, n) counter_add(&(counter), (n))

struct counter_desc {
    const char *name;
    const char *text;
    size_t offset; /* in the struct of its scope */
};

/* The n-th counter of a scope; NULL at the end. */
const struct counter_desc *counter_nic_at(size_t n);
const struct counter_desc *counter_stack_at(size_t n);

#endif
