/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions about our own code, and the small macros that every file needs.
 *
 * CHECK is for invariants of the library, never for what a peer sent: hostile bytes are answered by
 * a drop reason. Both checks stop the program at once (no message: the core has no place to print).
 */
#ifndef NICSTACK_SRC_BASE_CHECK_H
#define NICSTACK_SRC_BASE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* A function that fast ones must not be burdened with: their registers stay unsaved, their code
 * stays together. It is compiled for size, so it should not move payload. */
#define SLOW_PATH __attribute__((noinline, cold))

/* Traps when `cond` is false, in every build. */
#define CHECK(cond)            \
    do {                       \
        if (unlikely(!(cond))) \
            __builtin_trap();  \
    } while (0)

/* The same, but only where NST_DEBUG is defined; otherwise `cond` is compiled and not evaluated. */
#ifdef NST_DEBUG
#define DEBUG_CHECK(cond) CHECK(cond)
#else
#define DEBUG_CHECK(cond) ((void)sizeof(!(cond)))
#endif

/* The object of `type` whose `member` is at `pointer` (not NULL). */
#define container_of(pointer, type, member) \
    ((type *)((char *)(uintptr_t)(pointer)-offsetof(type, member)))

/* Elements of an array; a pointer does not compile. */
#define ARRAY_SIZE(array)                                                    \
    (sizeof(array) / sizeof((array)[0]) +                                    \
     0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(__typeof__(array), \
                                                          __typeof__(&(array)[0]))]))

/* Smaller and larger; each argument is evaluated once, and both have to be of one type. */
#define MIN(a, b)                          \
    __extension__({                        \
        __typeof__(a) min_a_ = (a);        \
        __typeof__(b) min_b_ = (b);        \
        (void)(&min_a_ == &min_b_);        \
        min_a_ < min_b_ ? min_a_ : min_b_; \
    })
#define MAX(a, b)                          \
    __extension__({                        \
        __typeof__(a) max_a_ = (a);        \
        __typeof__(b) max_b_ = (b);        \
        (void)(&max_a_ == &max_b_);        \
        max_a_ > max_b_ ? max_a_ : max_b_; \
    })

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
