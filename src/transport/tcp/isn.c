/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/isn.h"

static uint64_t hash_key(const struct siphash_key *secret, const struct demux_key *key)
{
    const uint64_t words[5] = {key->local.q[0], key->local.q[1], key->remote.q[0], key->remote.q[1],
                               (uint64_t)key->local_port << 16 | key->remote_port};
    return siphash24_5(secret, words);
}

uint32_t isn_make(const struct nst_stack *stack, const struct demux_key *key)
{
    return (uint32_t)(stack->now / 4096) + (uint32_t)hash_key(&stack->tcp->isn_key, key);
}

uint32_t isn_ts_offset(const struct nst_stack *stack, const struct demux_key *key)
{
    return (uint32_t)hash_key(&stack->tcp->ts_key, key);
}
