/* SPDX-License-Identifier: Apache-2.0 */
/* Doing what an order says: act.c what changes the stack, show.c what shows it. */
#ifndef NICSTACK_CLI_ORDER_ACT_H
#define NICSTACK_CLI_ORDER_ACT_H

#include <stdio.h>

#include "order/order.h"
#include "tool/json.h"

/* How, and where to, something is shown. */
struct show {
    FILE *out;
    bool is_json, is_pretty;
    int family; /* 4 or 6; 0: both */
};

/* What an instance knows of a NIC besides the stack. */
struct nic_details {
    const char *type;   /* "tap", "bridge"...; NULL: it does not know */
    const char *ifname; /* the kernel's interface, or NULL */
    const char *link;   /* of a VLAN: over what, or NULL */
    uint32_t vlan;      /* its id */
};

/* What orders act on. */
struct scene {
    struct nst_stack *stack;
    const char *fixed; /* why nothing may be changed, or NULL */
    /* What is about more than the stack: devices, bridges, VLANs, services. NULL: there is no more.
     * False: *fault says why not. */
    bool (*act)(void *context, const struct order *order, const struct show *show,
                struct fault *fault);
    /* May be NULL. */
    void (*describe)(void *context, uint32_t nic, struct nic_details *ret_details);
    void *context;
};

/* Does it, and shows what it asks to see. False: nothing was changed, but for an order of several
 * things those that came before; *fault says why. */
bool order_act(const struct scene *scene, const struct order *order, const struct show *show,
               struct fault *fault);

/* ---- For those who act ---- */

/* The NIC of this name. 0: there is none; said. */
uint32_t scene_find_nic(const struct scene *scene, const char *name, unsigned column,
                        struct fault *fault);
/* What nic set says of the NIC itself. */
bool scene_set_nic(const struct scene *scene, const struct order *order, uint32_t nic,
                   struct fault *fault);
/* Turns an error of the library into a fault, and is false. */
bool scene_fail(struct fault *fault, unsigned column, const char *what, int error);
/* All routes; all addresses of a NIC. malloc's; NULL: no memory. */
struct nst_route *scene_list_routes(const struct scene *scene, size_t *ret_count);
struct nst_nic_addr *scene_list_addrs(const struct scene *scene, uint32_t nic, size_t *ret_count);

/* Begins what is shown, a list of objects: what they are to be written to, in the caller's *json;
 * NULL: as text. */
struct json *show_begin(const struct show *show, struct json *json);
/* Ends it. NULL is fine. */
void show_end(struct json *to);
/* A line, or with json a member, of its name and value. */
void show_counter(const struct show *show, const struct nst_counter *counter, struct json *json);

/* ---- For act.c: ORDER_SHOW and ORDER_GET. `nic` is 0 for all. ---- */

bool show_nics(const struct scene *scene, const struct show *show, uint32_t nic, bool addrs);
bool show_routes(const struct scene *scene, const struct show *show, uint32_t nic);
void show_one_route(const struct scene *scene, const struct show *show,
                    const struct nst_route *route);
bool show_neighs(const struct scene *scene, const struct show *show, uint32_t nic);
void show_stats(const struct scene *scene, const struct show *show, uint32_t nic);

/* "02:00:00:00:00:01" */
#define SHOW_MAC_TEXT 18
char *show_mac(struct nst_mac mac, char text[SHOW_MAC_TEXT]);
/* Is an address of the family that is to be shown? */
bool show_has_family(const struct show *show, const struct nst_addr *addr);

#endif
