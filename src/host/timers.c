/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pairing heap of timers.h. A node's children are a list of siblings; `link` of a node is the
 * pointer that points to it (in its parent or its left sibling), so that it can be cut out without
 * knowing which. The root's link is NULL, as is that of a node in no heap.
 */
#include "host/timers.h"

static bool is_before(const struct nst_loop_timer *x, const struct nst_loop_timer *y)
{
    return x->when != y->when ? x->when < y->when : x->order < y->order;
}

/* Makes `child` the first child of `parent`. */
static void adopt(struct nst_loop_timer *parent, struct nst_loop_timer *child)
{
    child->sibling = parent->child;
    if (child->sibling != NULL)
        child->sibling->link = &child->sibling;
    parent->child = child;
    child->link = &parent->child;
}

/* Two heaps become one; either may be NULL. The result has no siblings and no link. */
static struct nst_loop_timer *meld(struct nst_loop_timer *x, struct nst_loop_timer *y)
{
    if (x == NULL || y == NULL)
        return x != NULL ? x : y;
    if (is_before(y, x)) {
        struct nst_loop_timer *first = y;
        y = x;
        x = first;
    }
    adopt(x, y);
    return x;
}

/* A list of siblings becomes one heap: in pairs from the left, then all together from the right. */
static struct nst_loop_timer *meld_all(struct nst_loop_timer *list)
{
    struct nst_loop_timer *pairs = NULL; /* by `sibling`, the last one first */
    struct nst_loop_timer *root = NULL;
    while (list != NULL) {
        struct nst_loop_timer *x = list, *y = list->sibling;
        list = y != NULL ? y->sibling : NULL;
        x->sibling = NULL;
        if (y != NULL)
            y->sibling = NULL;
        x = meld(x, y);
        x->sibling = pairs;
        pairs = x;
    }
    while (pairs != NULL) {
        struct nst_loop_timer *x = pairs;
        pairs = x->sibling;
        x->sibling = NULL;
        root = meld(root, x);
    }
    if (root != NULL)
        root->link = NULL;
    return root;
}

void timers_add(struct timers *timers, struct nst_loop_timer *timer, nst_time when)
{
    timer->when = when;
    timer->order = timers->order++;
    timer->child = timer->sibling = NULL;
    timer->link = NULL;
    timers->root = meld(timers->root, timer);
}

void timers_remove(struct timers *timers, struct nst_loop_timer *timer)
{
    if (!timers_has(timers, timer))
        return;
    struct nst_loop_timer *rest = meld_all(timer->child);
    if (timer->link == NULL) {
        timers->root = rest;
    } else {
        *timer->link = timer->sibling;
        if (timer->sibling != NULL)
            timer->sibling->link = timer->link;
        timers->root = meld(timers->root, rest);
    }
    timer->child = timer->sibling = NULL;
    timer->link = NULL;
}
