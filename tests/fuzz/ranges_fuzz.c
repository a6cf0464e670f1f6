/* SPDX-License-Identifier: Apache-2.0 */
/* A set of ranges against a bit for each number, around any point of sequence space. */
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/ranges.h"

#define SPACE 256

static void compare(const struct ranges *r, uint32_t base, const bool model[SPACE])
{
    uint32_t total = 0, runs = 0;
    for (uint32_t i = 0; i < SPACE; i++) {
        total += model[i];
        runs += model[i] && (i == 0 || !model[i - 1]);
        CHECK(ranges_contains(r, base + i, base + i + 1) == model[i]);
    }
    CHECK(ranges_total(r) == total && r->count == runs && r->count <= r->cap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct range items[8];
    struct ranges r;
    bool model[SPACE] = {false};
    if (size < 5)
        return 0;
    uint32_t base = be32_get(data);
    ranges_init(&r, items, data[4] % 9);
    for (size_t i = 5; i + 3 <= size; i += 3) {
        uint32_t a = data[i + 1], b = data[i + 2];
        if (data[i] % 8 == 0) {
            ranges_remove_below(&r, base + a);
            memset(model, 0, a);
        } else if (data[i] % 8 == 1) {
            ranges_remove_from(&r, base + a);
            memset(model + a, 0, SPACE - a);
        } else if (ranges_insert(&r, base + a, base + b)) {
            for (uint32_t k = a; k < b; k++)
                model[k] = true;
        } else {
            CHECK(r.count == r.cap);
        }
        compare(&r, base, model);
    }
    return 0;
}
