/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shrinking: one change at a time, kept where the fault stays. Flows go first, then hosts and
 * switches that nobody needs, then what links do, then how much flows want. Rounds are repeated
 * until one of them changes nothing.
 */
#include "sim/shrink.h"

#include <string.h>

#include "sim/sim.h"

struct shrinking {
    struct nst_sim_topology *t;
    bool (*fails)(void *context, const struct nst_sim_topology *t);
    void *context;
    uint32_t tries, used;
    bool has_changed;
};

/* Does it still fail? */
static bool still_fails(struct shrinking *s)
{
    if (s->used == s->tries)
        return false;
    s->used++;
    const bool fails = s->fails(s->context, s->t);
    s->has_changed = s->has_changed || fails;
    return fails;
}

static void try_without_flow(struct shrinking *s, uint32_t i)
{
    struct nst_sim_flow *flows = s->t->flows;
    const uint32_t behind = --s->t->flow_count - i;
    const struct nst_sim_flow gone = flows[i];
    memmove(&flows[i], &flows[i + 1], behind * sizeof(gone));
    if (still_fails(s))
        return;
    memmove(&flows[i + 1], &flows[i], behind * sizeof(gone));
    flows[i] = gone;
    s->t->flow_count++;
}

/* ---- Nodes ---- */

static bool is_needed(const struct nst_sim_topology *t, uint32_t node, uint32_t *ret_link)
{
    uint32_t links = 0;
    for (uint32_t i = 0; i < t->flow_count; i++)
        if (t->flows[i].from == node || t->flows[i].to == node)
            return true;
    for (uint32_t i = 0; i < t->link_count; i++) {
        if (t->links[i].from == node || t->links[i].to == node) {
            *ret_link = i;
            links++;
        }
    }
    return links != 1;
}

static uint32_t renumbered(uint32_t node, uint32_t gone)
{
    return node > gone ? node - 1 : node;
}

static void remove_leaf(struct nst_sim_topology *t, uint32_t node, uint32_t link)
{
    memmove(&t->links[link], &t->links[link + 1], (--t->link_count - link) * sizeof(*t->links));
    memmove(&t->nodes[node], &t->nodes[node + 1], (--t->node_count - node) * sizeof(*t->nodes));
    for (uint32_t i = 0; i < t->link_count; i++) {
        t->links[i].from = renumbered(t->links[i].from, node);
        t->links[i].to = renumbered(t->links[i].to, node);
    }
    for (uint32_t i = 0; i < t->flow_count; i++) {
        t->flows[i].from = renumbered(t->flows[i].from, node);
        t->flows[i].to = renumbered(t->flows[i].to, node);
    }
}

/* Puts back what a change of nodes and links did. */
struct keepsake {
    struct nst_sim_node nodes[64];
    struct nst_sim_link links[64];
    struct nst_sim_flow flows[64];
    uint32_t node_count, link_count, flow_count;
};

static bool keep(const struct nst_sim_topology *t, struct keepsake *k)
{
    if (t->node_count > 64 || t->link_count > 64 || t->flow_count > 64)
        return false;
    memcpy(k->nodes, t->nodes, t->node_count * sizeof(*t->nodes));
    memcpy(k->links, t->links, t->link_count * sizeof(*t->links));
    memcpy(k->flows, t->flows, t->flow_count * sizeof(*t->flows));
    k->node_count = t->node_count;
    k->link_count = t->link_count;
    k->flow_count = t->flow_count;
    return true;
}

static void put_back(struct nst_sim_topology *t, const struct keepsake *k)
{
    memcpy(t->nodes, k->nodes, k->node_count * sizeof(*t->nodes));
    memcpy(t->links, k->links, k->link_count * sizeof(*t->links));
    memcpy(t->flows, k->flows, k->flow_count * sizeof(*t->flows));
    t->node_count = k->node_count;
    t->link_count = k->link_count;
    t->flow_count = k->flow_count;
}

/* Leaves that no flow needs. */
static void shrink_nodes(struct shrinking *s)
{
    struct keepsake before;
    for (uint32_t i = s->t->node_count; i-- > 0;) {
        uint32_t link = 0;
        if (i >= s->t->node_count || is_needed(s->t, i, &link) || !keep(s->t, &before))
            continue;
        remove_leaf(s->t, i, link);
        if (!still_fails(s))
            put_back(s->t, &before);
    }
}

/* ---- Options ---- */

/* Sets `size` bytes at `field` to zero, if something else is there. */
static void try_zero(struct shrinking *s, void *field, size_t size)
{
    uint8_t before[16], zeros[16] = {0};
    memcpy(before, field, size);
    if (memcmp(before, zeros, size) == 0)
        return;
    memset(field, 0, size);
    if (!still_fails(s))
        memcpy(field, before, size);
}

static void shrink_way(struct shrinking *s, struct nst_impair_direction *w)
{
    const struct nst_impair_direction before = *w;
    *w = (struct nst_impair_direction){0};
    if (still_fails(s))
        return;
    *w = before;
    try_zero(s, &w->jitter, sizeof(w->jitter));
    try_zero(s, &w->delay, sizeof(w->delay));
    try_zero(s, &w->loss_ppm, sizeof(w->loss_ppm));
    try_zero(s, &w->burst_begin_ppm, sizeof(w->burst_begin_ppm));
    try_zero(s, &w->duplicate_ppm, sizeof(w->duplicate_ppm));
    try_zero(s, &w->corrupt_ppm, sizeof(w->corrupt_ppm));
    try_zero(s, &w->reorder_ppm, sizeof(w->reorder_ppm));
    try_zero(s, &w->mark_ppm, sizeof(w->mark_ppm));
    try_zero(s, &w->mark_from, sizeof(w->mark_from));
    try_zero(s, &w->discipline, sizeof(w->discipline));
    try_zero(s, &w->latency, sizeof(w->latency));
    try_zero(s, &w->rate_bps, sizeof(w->rate_bps));
}

static void try_half(struct shrinking *s, uint64_t *field)
{
    while (*field > 1) {
        const uint64_t before = *field;
        *field /= 2;
        if (!still_fails(s)) {
            *field = before;
            return;
        }
    }
}

/* Both times, or none. */
static void try_without_pauses(struct shrinking *s, struct nst_sim_flow *f)
{
    const nst_time on = f->on, off = f->off;
    if (on == 0)
        return;
    f->on = f->off = 0;
    if (still_fails(s))
        return;
    f->on = on;
    f->off = off;
}

static void shrink_flow(struct shrinking *s, struct nst_sim_flow *f)
{
    try_without_pauses(s, f);
    try_zero(s, &f->stop, sizeof(f->stop));
    try_zero(s, &f->start, sizeof(f->start));
    try_zero(s, &f->ipv6, sizeof(f->ipv6));
    try_zero(s, &f->reader_bps, sizeof(f->reader_bps));
    try_half(s, &f->bytes);
    try_half(s, &f->count);
}

static void shrink_once(struct shrinking *s)
{
    for (uint32_t i = s->t->flow_count; i-- > 0 && s->t->flow_count > 1;)
        try_without_flow(s, i);
    shrink_nodes(s);
    for (uint32_t i = 0; i < s->t->link_count; i++)
        for (int way = 0; way < 2; way++)
            shrink_way(s, &s->t->links[i].way[way]);
    for (uint32_t i = 0; i < s->t->flow_count; i++)
        shrink_flow(s, &s->t->flows[i]);
    for (uint32_t i = 0; i < s->t->node_count; i++) {
        try_zero(s, &s->t->nodes[i].send_buffer, sizeof(s->t->nodes[i].send_buffer));
        try_zero(s, &s->t->nodes[i].receive_buffer, sizeof(s->t->nodes[i].receive_buffer));
    }
}

uint32_t sim_shrink(struct nst_sim_topology *t,
                    bool (*fails)(void *context, const struct nst_sim_topology *t), void *context,
                    uint32_t tries)
{
    struct shrinking s = {.t = t, .fails = fails, .context = context, .tries = tries};
    do {
        s.has_changed = false;
        shrink_once(&s);
    } while (s.has_changed && s.used < s.tries);
    return s.used;
}
