/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of nst while it stands in for a program.
 *
 * Theory of operation. The program shares nst's process group, so whatever the terminal or the
 * kernel sends to the group (Ctrl-C, Ctrl-Z, a resized window, a hang-up) reaches it without us.
 * What another process sends to nst alone must be passed on; si_code tells the two apart. What a
 * process sends to the whole group (kill %1, timeout, kill 0 in the program) has reached the
 * program as well: init is of the group too, witnesses it, and drops the copy (init.c).
 *
 * (1) Every signal that could be passed on is blocked in nst and read from a signalfd.
 * (2) What nst changed (mask, SIGPIPE, SIGCHLD) is put back in the program by signals_restore().
 *
 * Not done: the value that sigqueue(3) attaches is not passed on.
 */
#ifndef NICSTACK_CLI_ATTACH_SIGNALS_H
#define NICSTACK_CLI_ATTACH_SIGNALS_H

#include <signal.h>

struct signals {
    int fd; /* signalfd; readable when a signal waits */
    sigset_t saved_mask;
    struct sigaction saved_pipe;
    struct sigaction saved_child;
};

/*
 * Blocks, opens the signalfd (close-on-exec, non-blocking), ignores SIGPIPE. Call it before
 * anything else changes a mask or a disposition: what holds now is what the program gets. Returns 0
 * or a negative errno with nothing changed.
 */
int signals_start(struct signals *ret_signals);

/* Puts mask and dispositions back; in nst when it is done, and in the program before exec. */
void signals_restore(const struct signals *signals);

/* Ends it: closes the descriptor and restores. */
void signals_stop(struct signals *signals);

/*
 * The next signal that a process sent, 0 when there is none. Swallows what the kernel sent.
 * fd: a non-blocking signalfd.
 */
int signals_next(int fd);

/* A stop signal for nst itself after the program stopped by signal: the same, or SIGTSTP for
 * SIGSTOP. */
int signals_stop_like(int signal);

#endif
