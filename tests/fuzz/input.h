/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzzer's input, taken byte by byte; behind its end there are zeros. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

static inline uint8_t input_take8(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

static inline uint16_t input_take16(struct input *in)
{
    const uint16_t high = input_take8(in);
    return (uint16_t)(high << 8 | input_take8(in));
}

static inline uint32_t input_take32(struct input *in)
{
    const uint32_t high = input_take16(in);
    return high << 16 | input_take16(in);
}

/* Up to n bytes; returns how many, and where. */
static inline size_t input_take(struct input *in, size_t n, const uint8_t **ret_data)
{
    n = n < in->left ? n : in->left;
    *ret_data = in->data;
    in->data += n;
    in->left -= n;
    return n;
}

static inline void check(bool ok)
{
    if (!ok)
        abort();
}

#endif
