/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording in memory, and its replay.
 *
 *     recording_start(&r, stack);      right behind nst_stack_new
 *     ... nst_stack_free(stack);
 *     recording_check(&r);             replays it: the same to the last byte, or the test fails
 *     recording_fini(&r);
 */
#ifndef TESTS_LIB_RECORDING_H
#define TESTS_LIB_RECORDING_H

#include <nicstack/record.h>

struct recording {
    uint8_t *data; /* from its header on */
    size_t len, room;
};

void recording_start(struct recording *r, struct nst_stack *stack);
/* Where the n-th record of a kind (record/format.h) begins, n from 0; 0: there are not so many. */
size_t recording_find(const struct recording *r, unsigned kind, unsigned n);
/* Replays the first `len` bytes as far as it goes, on an allocator that must get everything back.
 */
struct nst_replay_status recording_replay(const struct recording *r, size_t len);
void recording_check(const struct recording *r);
void recording_fini(struct recording *r);

#endif
