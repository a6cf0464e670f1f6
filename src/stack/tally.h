/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts by a number that peers choose (a protocol, an EtherType), in bounded memory: the numbers
 * that came first have a count each, all others share one.
 */
#ifndef NICSTACK_SRC_STACK_TALLY_H
#define NICSTACK_SRC_STACK_TALLY_H

#include <nicstack/stack.h>

#define TALLY_MAX 4

struct tally {
    uint16_t number[TALLY_MAX];
    uint64_t count[TALLY_MAX]; /* 0: free */
    uint64_t others;
};

void tally_add(struct tally *t, uint16_t number);
/* The n-th count, those of no number of their own last; false: there are not so many. */
bool tally_at(const struct tally *t, size_t n, struct nst_tally *ret);

#endif
