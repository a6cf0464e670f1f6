/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that calls.def names: each passes the call on to the core, and while
 * somebody records makes a record of it first, and one of its result. */
#include "record/put.h"
#include "record/record.h"

#define CORE(result, name, ...)                                                 \
    result core_nst_##name(struct nst_stack *stack EACH(PARAM, ##__VA_ARGS__)); \
    result nst_##name(struct nst_stack *stack EACH(PARAM, ##__VA_ARGS__))

/* `told` of the result is what a replay compares. */
#define RECORDED(number, result, name, told, ...)                             \
    CORE(result, name, ##__VA_ARGS__)                                         \
    {                                                                         \
        if (record_is_off(stack))                                             \
            return core_nst_##name(stack EACH(PASS, ##__VA_ARGS__));          \
        struct record_out out;                                                \
        record_begin(stack, &out, number);                                    \
        EACH(PUT, ##__VA_ARGS__)                                              \
        record_put(stack, &out);                                              \
        const result done = core_nst_##name(stack EACH(PASS, ##__VA_ARGS__)); \
        record_result(stack, number, told);                                   \
        return done;                                                          \
    }

#define CALL(number, result, name, ...)  RECORDED(number, result, name, (int64_t)done, ##__VA_ARGS__)
#define CALLQ(number, result, name, ...) RECORDED(number, result, name, 0, ##__VA_ARGS__)

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
