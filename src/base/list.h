/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intrusive, circular, doubly linked list. A head and a node are both a `struct list`; an empty
 * head, and a node that is in no list, link to themselves. Every operation is O(1).
 */
#ifndef NICSTACK_SRC_BASE_LIST_H
#define NICSTACK_SRC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
    struct list *next, *prev;
};

/* Makes an empty head, or a node that is in no list. */
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* True while the node is in a list. */
static inline bool list_is_linked(const struct list *node)
{
    return node->next != node;
}

/* Puts `node`, which is in no list, before `position`, a node or (for the tail) the head. */
static inline void list_insert_before(struct list *position, struct list *node)
{
    node->next = position;
    node->prev = position->prev;
    position->prev->next = node;
    position->prev = node;
}

static inline void list_add_head(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

static inline void list_add_tail(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

/* Takes the node out of its list, if it is in one. */
static inline void list_remove(struct list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    list_init(node);
}

/* Moves all of `from` behind the last of `head`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list *head, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    list_init(from);
}

/* The first and the last object of a list; NULL when it is empty. */
#define LIST_FIRST(head, type, member) \
    (list_is_empty(head) ? NULL : container_of((head)->next, type, member))
#define LIST_LAST(head, type, member) \
    (list_is_empty(head) ? NULL : container_of((head)->prev, type, member))

/* The object behind or before `object`; NULL at the end. */
#define LIST_NEXT(object, head, type, member) \
    ((object)->member.next == (head) ? NULL : container_of((object)->member.next, type, member))
#define LIST_PREV(object, head, type, member) \
    ((object)->member.prev == (head) ? NULL : container_of((object)->member.prev, type, member))

/* Walks the objects of a list; the body must not remove `var`. After the last, `var` is no object.
 */
#define LIST_FOR_EACH(var, head, type, member)                                   \
    for (var = container_of((head)->next, type, member); &var->member != (head); \
         var = container_of(var->member.next, type, member))

/* The same, but the body may remove `var` (not `next`, a second variable of the same type). */
#define LIST_FOR_EACH_SAFE(var, next_var, head, type, member)    \
    for (var = container_of((head)->next, type, member),         \
        next_var = container_of(var->member.next, type, member); \
         &var->member != (head);                                 \
         var = next_var, next_var = container_of(next_var->member.next, type, member))

#endif
