/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the objects that headers mention by pointer only, so that they need not include
 * one another.
 */
#ifndef NICSTACK_SRC_BASE_FWD_H
#define NICSTACK_SRC_BASE_FWD_H

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
