/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of any bytes over packets of any bytes: those that are taken end, and stay inside. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "host/bpf.h"
#include "packet/pool.h"

#define INSNS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct alloc alloc;
    static struct nst_pool *pool;
    struct nst_capture_insn code[INSNS];
    if (pool == NULL) {
        alloc_init(&alloc);
        pool = pool_new(&alloc.allocator, 0);
    }
    if (size < 2)
        return 0;
    const uint32_t count = data[0] % INSNS;
    const uint32_t linear = data[1];
    data += 2;
    size -= 2;
    if (size < count * sizeof(code[0]))
        return 0;
    memcpy(code, data, count * sizeof(code[0]));
    data += count * sizeof(code[0]);
    size -= count * sizeof(code[0]);
    if (!bpf_check(code, count))
        return 0;
    const uint32_t first = linear < size ? linear : (uint32_t)size;
    struct nst_pkt *p = nst_pkt_new(pool, 0, first);
    if (p == NULL)
        return 0;
    memcpy(nst_pkt_put(p, first), data, first);
    struct nst_block *b = size > first ? block_new(pool, (uint32_t)size - first) : NULL;
    if (b != NULL) {
        memcpy(b->memory, data + first, size - first);
        pkt_add_slice(pkt_of(p), b, b->memory, (uint32_t)size - first);
        block_unref(b);
    }
    bpf_run(code, p);
    nst_pkt_free(p);
    return 0;
}
