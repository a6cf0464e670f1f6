/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confines nst run and nst up once they serve: what it has read from the network by then must not
 * be able to do more than serving.
 *
 * Theory of operation. When everything is opened and before the program is let go, nst gives up
 * every capability (effective, permitted, inheritable, ambient and, if it may, bounding), sets
 * no_new_privs, and installs a seccomp filter that allows the calls of the table in
 * confine_filter.c, some with certain arguments only, and kills nst otherwise. The program is
 * another process that was forked before: nothing of this is its own. When the filter kills nst,
 * init sees the end of its control line, and everything ends; the shell sees SIGSYS.
 *
 * A feature that needs more calls while it serves names them in the table under a part of its own,
 * and asks for that part; better it opens what it needs before, and needs none.
 *
 * What root keeps without capabilities: it signals init, which has its user, and init, which keeps
 * what it needs, signals the program. Published ports are bound and the terminal is opened before.
 * Where it answers the program's calls it keeps those to look into it and to end it. nst up has
 * what it opens later opened by a process of its own (up/opener.h).
 *
 * (1) The filter is for this machine's own calls; those of any other kind (32-bit ones) kill.
 * (2) No memory becomes executable, no file is opened (but by CONFINE_NOTIFY, to read, and
 *     CONFINE_OPEN), no process is started.
 *
 * Limits: without libseccomp at build time, with sanitizers, and where seccomp is refused, there is
 * no filter; the rest is done all the same.
 */
#ifndef NICSTACK_CLI_CONFINE_CONFINE_H
#define NICSTACK_CLI_CONFINE_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

enum {
    CONFINE_TEXT_SIZE = 320
};

/* What is done while serving besides the table's first part. */
enum confine_part {
    CONFINE_SERVE = 1,   /* always on */
    CONFINE_CAPTURE = 2, /* writes captures */
    CONFINE_NOTIFY = 4,  /* answers system calls of the program */
    CONFINE_TOP = 8,     /* draws what goes on */
    CONFINE_RECORD = 16, /* keeps what goes into the stack */
    CONFINE_FLOWS = 32,  /* carries flows on by sockets of the host */
    CONFINE_OPEN = 64,   /* opens TAPs and packet sockets, for nst up */
};

struct confine_options {
    unsigned parts; /* enum confine_part */
    pid_t init_pid; /* the process that may be killed; 0: none */
};

/*
 * Confines the calling process, for good.
 * ret_text: one sentence without a newline: how far it went, and why not further. Returns 0, or the
 * negative errno that kept it from being complete; nst goes on then.
 */
int confine_self(const struct confine_options *options, char ret_text[CONFINE_TEXT_SIZE]);

#endif
