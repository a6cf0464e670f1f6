/* SPDX-License-Identifier: Apache-2.0 */
/* A host's allocator for tests: its n-th allocation fails, it checks every size that is given back,
 * and it knows what is still out. */
#ifndef TESTS_LIB_ALLOC_H
#define TESTS_LIB_ALLOC_H

#include <nicstack/types.h>

struct alloc {
    uint64_t count;     /* allocations asked for so far */
    uint64_t fail_at;   /* this one (from 1) fails; 0: none */
    uint64_t fail_from; /* this one and all later ones fail; 0: none */
    uint64_t live;      /* allocations that are out */
    uint64_t live_bytes;
    uint64_t peak_bytes;
};

/* The public allocator over `a`, which starts zeroed and must stay where it is. */
struct nst_allocator alloc_public(struct alloc *a);

#endif
