/* SPDX-License-Identifier: Apache-2.0 */
/* A heap that counts: an allocator for stacks under test, which fails at its n-th call on demand.
 */
#ifndef TESTS_LIB_HEAP_H
#define TESTS_LIB_HEAP_H

#include <nicstack/types.h>

struct heap {
    struct nst_allocator allocator; /* pass this; its context is the heap */
    uint64_t live_bytes, live_blocks;
    uint64_t calls;
    uint64_t fail_at; /* the call that fails, from 1; 0: none */
};

void heap_init(struct heap *h);

#endif
