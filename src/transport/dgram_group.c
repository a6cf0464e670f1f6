/* SPDX-License-Identifier: Apache-2.0 */
/* The multicast groups of a datagram endpoint, and the options that go with them. */
#include "transport/dgram.h"
#include "wire/addr.h"

#define GROUPS_A_SOCKET 64

static struct membership *find(const struct dgram *d, const struct nst_addr *group, uint32_t nic)
{
    struct membership *m;
    LIST_FOR_EACH (m, &d->members, struct membership, by_owner) {
        if (nst_addr_equal(&m->addr, group) && (nic == 0 || m->nic == nic))
            return m;
    }
    return NULL;
}

static void release(struct dgram *d, struct membership *m)
{
    membership_leave(m);
    list_remove(&m->by_owner);
    d->member_count--;
    mem_free(&d->stack->pool->mem, m, sizeof(*m));
}

int dgram_join(struct dgram *d, const struct nst_addr *group, uint32_t nic)
{
    if (d->member_count >= GROUPS_A_SOCKET)
        return -NST_ENOBUFS;
    struct membership *m = mem_zalloc(&d->stack->pool->mem, sizeof(*m));
    if (m == NULL)
        return -NST_ENOMEM;
    list_init(&m->by_owner);
    list_init(&m->by_group);
    m->addr = *group;
    m->nic = nic;
    int r = membership_join(d->stack, m);
    if (r == 0 && find(d, group, m->nic) != NULL) {
        membership_leave(m); /* only now is it known which NIC 0 means */
        r = -NST_EADDRINUSE;
    }
    if (r < 0) {
        mem_free(&d->stack->pool->mem, m, sizeof(*m));
        return r;
    }
    list_add_tail(&d->members, &m->by_owner);
    d->member_count++;
    return 0;
}

int dgram_leave(struct dgram *d, const struct nst_addr *group, uint32_t nic)
{
    if (!addr_is_multicast(group))
        return -NST_EINVAL;
    struct membership *m = find(d, group, nic);
    if (m == NULL)
        return -NST_EADDRNOTAVAIL;
    release(d, m);
    return 0;
}

void dgram_leave_all(struct dgram *d)
{
    struct membership *m, *next;
    LIST_FOR_EACH_SAFE (m, next, &d->members, struct membership, by_owner) {
        release(d, m);
    }
}

int dgram_set_group_option(struct dgram *d, enum nst_option option, int64_t value)
{
    switch (option) {
    case NST_OPT_MULTICAST_LOOP:
        if (value != 0 && value != 1)
            return -NST_EINVAL;
        d->group_loop = value != 0;
        return 0;
    case NST_OPT_MULTICAST_TTL:
        if (value < 1 || value > UINT8_MAX)
            return -NST_EINVAL;
        d->group_ttl = (uint8_t)value;
        return 0;
    case NST_OPT_MULTICAST_NIC:
        if (value < 0 || value > UINT32_MAX ||
            (value != 0 && nic_by_id(d->stack, (uint32_t)value) == NULL))
            return -NST_EINVAL;
        d->group_nic = (uint32_t)value;
        dst_put(d->dst); /* the kept way may be another */
        d->dst = NULL;
        return 0;
    default:
        return -NST_ENOPROTOOPT;
    }
}

int dgram_get_group_option(const struct dgram *d, enum nst_option option, int64_t *ret_value)
{
    switch (option) {
    case NST_OPT_MULTICAST_LOOP:
        *ret_value = d->group_loop;
        return 0;
    case NST_OPT_MULTICAST_TTL:
        *ret_value = d->group_ttl;
        return 0;
    case NST_OPT_MULTICAST_NIC:
        *ret_value = d->group_nic;
        return 0;
    default:
        return -NST_ENOPROTOOPT;
    }
}
