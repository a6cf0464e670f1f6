/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a topology that fails smaller while it still fails: for whoever has to find out why.
 */
#ifndef NICSTACK_SRC_SIM_SHRINK_H
#define NICSTACK_SRC_SIM_SHRINK_H

#include <nicstack/sim.h>

/* Changes `t` for as long as fails(context, t) stays true after each change, at most `tries` calls
 * of it. Returns how many there were. */
uint32_t sim_shrink(struct nst_sim_topology *t,
                    bool (*fails)(void *context, const struct nst_sim_topology *t), void *context,
                    uint32_t tries);

#endif
