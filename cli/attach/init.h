/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The init of the program's process id namespace, or of its processes where there is none.
 *
 * Theory of operation. Init is process 1 there, so its end is the end of every process of the
 * namespace, however far they detached: that is how nothing is left behind. Where there is no
 * namespace it is a child subreaper, and ends them one by one first. It ends when nst does
 * (end of file on the control line, whose only other end nst holds) and when the program does. The
 * program is forked before the namespaces are set up, with nst's original mask, limits and
 * dispositions, and waits on the leash: from then on a Ctrl-C reaches it as any program, and exec
 * happens only when nst says go.
 *
 * (1) Init blocks every signal and is not stopped by the terminal.
 * (2) After init_fork() init holds the lines to nst, its signalfd and the leash, nothing else.
 * (3) Init ends as soon as it has reaped the program, so it never signals a stale process id.
 * (4) A signal that nst was sent is passed on, unless init was sent it too and the program is of
 *     their process group: then it went to the whole group. So that no pkill that means nst finds
 *     init as well, init has another name and command line.
 * (5) nst hears last of the program's last stop or continuation; of those before it perhaps not,
 *     when they come faster than it reads.
 */
#ifndef NICSTACK_CLI_ATTACH_INIT_H
#define NICSTACK_CLI_ATTACH_INIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "attach/control.h"
#include "attach/signals.h"

enum {
    INIT_SIGNALS = 65
};

/* How the program is to be run. */
struct init_program {
    char *const *argv;             /* NULL-terminated; argv[0] is looked up in PATH */
    struct rlimit descriptors;     /* its RLIMIT_NOFILE */
    const struct signals *signals; /* its mask and dispositions */
    int (*prepare)(void); /* called in the program's process; negative: a failure. NULL: nothing */
    bool is_alone;        /* there is no namespace: init's end does not end the others */
    int wake_fd;          /* a line to nst, now init's, that says after a continuation that one was
                             told: attach.c */
};

struct init {
    int control_fd;
    int signal_fd;
    int leash_fd;
    int wake_fd;
    pid_t pid;     /* of the program */
    int prepared;  /* what `prepare` returned; -EPIPE: it did not come back */
    bool is_alone; /* see init_program */
    /* The last stop or continuation while the control line has no room for it; else of kind 0. */
    struct control_record news;
    /* When a process last sent init a signal, by number: CLOCK_MONOTONIC nanoseconds, or 0. */
    int64_t witnessed_at[INIT_SIGNALS];
};

/*
 * Forks the program, held back, and closes what init does not need.
 * control_fd: of control.h, now init's. Returns 0 or a negative errno.
 */
int init_fork(const struct init_program *program, int control_fd, struct init *ret_init);

/* Serves until the program or nst ends, then ends the process, and the namespace with it. */
void init_serve(struct init *init) __attribute__((noreturn));

#endif
