/* SPDX-License-Identifier: Apache-2.0 */
/* What destinations say (dst.h), as the public API has it. */
#include "stack/nic.h"

int nst_path_lookup(struct nst_stack *stack, const struct nst_addr *remote,
                    const struct nst_addr *local, uint32_t nic, struct nst_path *ret_path)
{
    struct dst *d;
    const int r = dst_get(stack, remote, local, nic, &d);
    if (r < 0)
        return r;
    *ret_path = (struct nst_path){.nic = d->nic->id,
                                  .source = d->source,
                                  .next_hop = d->next_hop,
                                  .mtu = d->mtu,
                                  .is_local = d->is_local};
    dst_put(d);
    return 0;
}
