/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst run: a program with nicstack as its network. run.c reads the options and prints the summary,
 * run_link.c makes the links below the NIC, run_impair.c the line that they play, run_capture.c
 * what captures want, run_record.c recordings, run_instance.c answers other commands, run_serve.c
 * makes the stack and the gateway, and serves.
 */
#ifndef NICSTACK_CLI_RUN_RUN_H
#define NICSTACK_CLI_RUN_RUN_H

#include <nicstack/host.h>

#include "attach/attach.h"
#include "instance/instance.h"
#include "notify/notify.h"
#include "run/publish.h"
#include "run/run_capture.h"
#include "run/run_record.h"
#include "run/summary.h"
#include "run/top.h"
#include "run/upstream.h"
#include "tool/options.h"

struct run_options {
    const char *dns, *attach;
    struct option_texts publish;
    uint64_t mtu, memory;
    nst_time delay[2]; /* and jitter */
    uint64_t rate, seed;
    uint32_t loss, duplicate, corrupt, reorder;
    bool no_host_loopback, top, verbose, quiet, json, help;
    const char *name, *record;
    struct run_capture_options capture;
};

struct run {
    struct run_options options;
    struct attach attach;
    struct nst_watch event; /* of attach.event_fd */
    struct nst_loop *loop;
    struct nst_stack *stack;
    struct nst_link *device;   /* the lowest link: attach.link_fd[0], or an end of the pipe */
    struct nst_link *impaired; /* over it; NULL: not asked for */
    struct nst_link *link;     /* the highest, under the NIC */
    struct nst_gateway *gateway;
    struct listeners listeners;
    struct nst_link *pipe[2]; /* to the guest's stack: attached by notify */
    struct notify *notify;
    struct upstream upstream;
    struct run_capture capture;
    struct run_record record;
    struct instance instance;
    const char *program;
    struct summary summary;
    struct names names;
    struct top top;
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

/* Shall packets be delayed, lost or the like? */
bool run_is_impaired(const struct run_options *options);
/* Puts that over run->link, if they shall. 0, or the error, which was said. */
int run_impair_open(struct run *run);
/* What became of packets on their way to the program and from it, together. False: nothing was
 * asked for. */
bool run_impair_get_stats(const struct run *run, struct nst_impair_stats *ret_stats);

/* Lets the program go on a stack of its own until it ends. Gives the exit status. */
int run_serve(struct run *run);
/* Tears down what run_serve made, from above to below. */
void run_tear_down(struct run *run);

#endif
