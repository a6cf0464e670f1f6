/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that calls.def names: each passes the call on to the core, and while
 * somebody records makes a record of it first, and one of its result. */
#include "record/put.h"
#include "record/record.h"

#define CORE(result, name, ...)                                                 \
    result core_nst_##name(struct nst_stack *stack EACH(PARAM, ##__VA_ARGS__)); \
    result nst_##name(struct nst_stack *stack EACH(PARAM, ##__VA_ARGS__))

#define CALL(number, result, name, ...)                                       \
    CORE(result, name, ##__VA_ARGS__)                                         \
    {                                                                         \
        if (record_is_off(stack))                                             \
            return core_nst_##name(stack EACH(PASS, ##__VA_ARGS__));          \
        struct record_out out;                                                \
        record_begin(stack, &out, number);                                    \
        EACH(PUT, ##__VA_ARGS__)                                              \
        record_put(stack, &out);                                              \
        const result done = core_nst_##name(stack EACH(PASS, ##__VA_ARGS__)); \
        record_result(stack, number, (int64_t)done);                          \
        return done;                                                          \
    }

#define CALLQ(number, result, name, ...)                                      \
    CORE(result, name, ##__VA_ARGS__)                                         \
    {                                                                         \
        if (record_is_off(stack))                                             \
            return core_nst_##name(stack EACH(PASS, ##__VA_ARGS__));          \
        struct record_out out;                                                \
        record_begin(stack, &out, number);                                    \
        EACH(PUT, ##__VA_ARGS__)                                              \
        record_put(stack, &out);                                              \
        const result done = core_nst_##name(stack EACH(PASS, ##__VA_ARGS__)); \
        record_result(stack, number, 0);                                      \
        return done;                                                          \
    }

#define CALLV(number, name, ...)                              \
    CORE(void, name, ##__VA_ARGS__)                           \
    {                                                         \
        if (record_is_off(stack)) {                           \
            core_nst_##name(stack EACH(PASS, ##__VA_ARGS__)); \
            return;                                           \
        }                                                     \
        struct record_out out;                                \
        record_begin(stack, &out, number);                    \
        EACH(PUT, ##__VA_ARGS__)                              \
        record_put(stack, &out);                              \
        core_nst_##name(stack EACH(PASS, ##__VA_ARGS__));     \
        record_result(stack, number, 0);                      \
    }

#define ASIDE(name)
#define OWN(name)

#include "record/calls.def"
