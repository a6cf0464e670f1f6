/* SPDX-License-Identifier: Apache-2.0 */
/* Public configurations begin with their size, so that a program built for another version of the
 * library still means what it says. */
#ifndef NICSTACK_SRC_BASE_CONFIG_H
#define NICSTACK_SRC_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

/*
 * Copies the caller's configuration at `from`, which begins with its size_t size, to `to` of
 * `to_size` bytes. What an older caller does not know becomes zero; what a newer one knows must be
 * zero. False: size is less than `required`, or it asks for what this version does not have.
 */
static inline bool config_copy(void *to, size_t to_size, const void *from, size_t required)
{
    size_t size;
    memcpy(&size, from, sizeof(size));
    if (size < required)
        return false;
    for (size_t i = to_size; i < size; i++) {
        if (((const uint8_t *)from)[i] != 0)
            return false;
    }
    memset(to, 0, to_size);
    memcpy(to, from, min_size(size, to_size));
    memcpy(to, &to_size, sizeof(to_size));
    return true;
}

#endif
