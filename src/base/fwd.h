/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nearly every header needs: the names of the objects that headers mention by pointer only, so
 * that they need not include one another, and how to declare what objects share.
 */
#ifndef NICSTACK_SRC_BASE_FWD_H
#define NICSTACK_SRC_BASE_FWD_H

/*
 * Goes in front of what another object takes the address of: tables, and functions that are stored
 * in one. Hidden visibility is the default for definitions only; of a mere declaration the compiler
 * thinks that another library may have it, and reads its address from the global offset table,
 * which the core is to do without.
 */
#define HIDDEN __attribute__((visibility("hidden")))

struct nst_stack;
struct nst_link;
struct nic;
struct pkt;

struct route;
struct neigh;
struct dst;
struct sock;
struct tcb;
struct seg;
struct mem;
struct slab;
struct timer;
struct wheel;
struct fmt;

#endif
