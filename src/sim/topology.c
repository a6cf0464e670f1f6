/* SPDX-License-Identifier: Apache-2.0 */
/* Topologies: three arrays that grow. */
#include <string.h>

#include "sim/sim.h"

void *sim_alloc(const struct nst_allocator *a, size_t count, size_t size)
{
    if (count == 0)
        count = 1;
    void *memory = a->alloc(a->context, count * size);
    if (memory != NULL)
        memset(memory, 0, count * size);
    return memory;
}

void sim_dealloc(const struct nst_allocator *a, void *memory, size_t count, size_t size)
{
    if (memory != NULL)
        a->free(a->context, memory, (count != 0 ? count : 1) * size);
}

int nst_sim_topology_new(const struct nst_allocator *allocator,
                         struct nst_sim_topology **ret_topology)
{
    struct nst_sim_topology *t = sim_alloc(allocator, 1, sizeof(*t));
    if (t == NULL)
        return -NST_ENOMEM;
    t->allocator = *allocator;
    *ret_topology = t;
    return 0;
}

void nst_sim_topology_free(struct nst_sim_topology *topology)
{
    if (topology == NULL)
        return;
    const struct nst_allocator a = topology->allocator;
    sim_dealloc(&a, topology->nodes, topology->node_room, sizeof(*topology->nodes));
    sim_dealloc(&a, topology->links, topology->link_room, sizeof(*topology->links));
    sim_dealloc(&a, topology->flows, topology->flow_room, sizeof(*topology->flows));
    sim_dealloc(&a, topology, 1, sizeof(*topology));
}

/* An array of a topology. */
struct array {
    void **at;
    uint32_t *count, *room;
    uint32_t max;
    size_t size; /* of an element */
};

static int append(const struct nst_allocator *a, const struct array *array, const void *element)
{
    if (*array->count == array->max)
        return -NST_ENOBUFS;
    if (*array->count == *array->room) {
        const uint32_t room = *array->room != 0 ? *array->room * 2 : 16;
        void *more = sim_alloc(a, room, array->size);
        if (more == NULL)
            return -NST_ENOMEM;
        if (*array->count > 0)
            memcpy(more, *array->at, *array->count * array->size);
        if (*array->room > 0)
            sim_dealloc(a, *array->at, *array->room, array->size);
        *array->at = more;
        *array->room = room;
    }
    memcpy((char *)*array->at + *array->count * array->size, element, array->size);
    return (int)(*array->count)++;
}

int nst_sim_topology_add_node(struct nst_sim_topology *topology, const struct nst_sim_node *node)
{
    void *at = topology->nodes;
    const struct array array = {&at, &topology->node_count, &topology->node_room, NST_SIM_NODES_MAX,
                                sizeof(*node)};
    const int r = append(&topology->allocator, &array, node);
    topology->nodes = at;
    return r;
}

int nst_sim_topology_add_link(struct nst_sim_topology *topology, const struct nst_sim_link *link)
{
    void *at = topology->links;
    const struct array array = {&at, &topology->link_count, &topology->link_room, NST_SIM_LINKS_MAX,
                                sizeof(*link)};
    const int r = append(&topology->allocator, &array, link);
    topology->links = at;
    return r;
}

int nst_sim_topology_add_flow(struct nst_sim_topology *topology, const struct nst_sim_flow *flow)
{
    void *at = topology->flows;
    const struct array array = {&at, &topology->flow_count, &topology->flow_room, NST_SIM_FLOWS_MAX,
                                sizeof(*flow)};
    const int r = append(&topology->allocator, &array, flow);
    topology->flows = at;
    return r;
}

int nst_sim_topology_find(const struct nst_sim_topology *topology, const char *name)
{
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (strcmp(topology->nodes[i].name, name) == 0)
            return (int)i;
    return -NST_ENOENT;
}
