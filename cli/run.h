/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst run: a program with nicstack as its network. run.c reads the options and prints the summary,
 * run_link.c makes the links below the NIC, run_capture.c what captures want, run_instance.c
 * answers other commands, run_serve.c makes the stack and the gateway, and serves.
 */
#ifndef NICSTACK_CLI_RUN_H
#define NICSTACK_CLI_RUN_H

#include <nicstack/host.h>

#include "attach.h"
#include "instance.h"
#include "run_capture.h"
#include "summary.h"
#include "upstream.h"

struct run_options {
    const char *dns, *attach;
    uint64_t mtu, memory;
    bool no_host_loopback, verbose, quiet, json, help;
    const char *name;
    struct run_capture_options capture;
};

struct run {
    struct run_options options;
    struct attach attach;
    struct nst_watch event; /* of attach.event_fd */
    struct nst_loop *loop;
    struct nst_stack *stack;
    struct nst_link *device; /* the lowest link: attach.link_fd[0] */
    struct nst_link *link;   /* the highest, under the NIC */
    struct nst_gateway *gateway;
    struct upstream upstream;
    struct run_capture capture;
    struct instance instance;
    const char *program;
    struct summary summary;
    bool ended;
};

/* Says on stderr what failed with which error of the library, and what to do. Gives the error. */
int run_fail(const char *what, int error, const char *next);

/* Makes the links from what `attach` opened: run->device and run->link. 0, or the error, which was
 * said. */
int run_link_open(struct run *run);
/* Lets the loop serve the device. 0, or the error, which was said. */
int run_link_watch(struct run *run);
/* How many packets came faster than the device could hold them, as far as the kernel tells. */
uint64_t run_link_overrun(struct run *run);
/* Frees the links, after the stack was; what was not made is fine. */
void run_link_close(struct run *run);

/* Lets the program go on a stack of its own until it ends. Gives the exit status. */
int run_serve(struct run *run);
/* Tears down what run_serve made, from above to below. */
void run_tear_down(struct run *run);

#endif
