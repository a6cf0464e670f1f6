/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/tally.h"

#include "packet/counter.h"

void tally_add(struct tally *t, uint16_t number)
{
    for (size_t i = 0; i < TALLY_MAX; i++) {
        if (t->count[i] != 0 && t->number[i] != number)
            continue;
        t->number[i] = number;
        COUNT(t->count[i]);
        return;
    }
    COUNT(t->others);
}

bool tally_at(const struct tally *t, size_t n, struct nst_tally *ret)
{
    if (n < TALLY_MAX && t->count[n] != 0) {
        *ret = (struct nst_tally){.number = t->number[n], .count = t->count[n]};
        return true;
    }
    if (n != TALLY_MAX || t->others == 0)
        return false;
    *ret = (struct nst_tally){.others = true, .count = t->others};
    return true;
}
