/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator of all tests: allocations fail on demand, memory comes filled with rubbish, every
 * size that is given back is checked, and it knows what is still out. */
#ifndef TESTS_LIB_ALLOC_H
#define TESTS_LIB_ALLOC_H

#include <nicstack/types.h>

struct alloc {
    struct nst_allocator allocator; /* pass this; its context is the struct, which has to stay */
    uint64_t count;                 /* allocations asked for so far */
    uint64_t fail_at;               /* this one (from 1) fails; 0: none */
    uint64_t fail_from;             /* this one and all later ones fail; 0: none */
    uint64_t live;                  /* allocations that are out */
    uint64_t live_bytes;
    uint64_t peak_bytes;
};

void alloc_init(struct alloc *a);
/* All allocations after the next `n` fail; negative: none does. */
void alloc_fail_after(struct alloc *a, int64_t n);

#endif
