/* SPDX-License-Identifier: Apache-2.0 */
/* The classes of blocks, between pool.c and block.c. What users need is in packet.h. */
#ifndef NICSTACK_SRC_PACKET_BLOCK_H
#define NICSTACK_SRC_PACKET_BLOCK_H

#include "packet/pool.h"

/* Makes and ends the slabs of the small classes. */
void block_classes_init(struct nst_pool *pool);
void block_classes_fini(struct nst_pool *pool);
/* Gives the free blocks of one cached class back to the allocator. */
void block_cache_empty(struct nst_pool *pool, unsigned class);
/* The bytes that a block made for `size` holds. */
uint32_t block_capacity(uint32_t size);

#endif
