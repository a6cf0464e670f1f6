/* SPDX-License-Identifier: Apache-2.0 */
/* What a topology leaves open: the one place where it is said (in words in nicstack/sim.h). The
 * memory of a stack and the buffers of its connections are the stack's to choose. */
#include "sim/sim.h"

#define DURATION (10 * NST_SEC)
#define MTU      1500
#define QUEUE    1000 /* packets, as a line has it */
#define REQUEST  100
#define RESPONSE 10000
#define RATE_BPS 1000000
#define SIZE     1000

static void set_default(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

void sim_take_defaults(struct nst_sim_topology *t)
{
    if (t->duration == 0)
        t->duration = DURATION;
    for (uint32_t i = 0; i < t->link_count; i++) {
        struct nst_sim_link *l = &t->links[i];
        set_default(&l->mtu, MTU);
        set_default(&l->way[0].queue, QUEUE);
        set_default(&l->way[1].queue, QUEUE);
    }
    for (uint32_t i = 0; i < t->flow_count; i++) {
        struct nst_sim_flow *f = &t->flows[i];
        set_default(&f->request, REQUEST);
        set_default(&f->response, RESPONSE);
        set_default(&f->size, SIZE);
        if (f->rate_bps == 0)
            f->rate_bps = RATE_BPS;
    }
}
