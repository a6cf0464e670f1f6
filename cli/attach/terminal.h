/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives the terminal back. A shell that is run in a process id namespace of its own cannot name the
 * process group that it took the terminal from, so it leaves the terminal to its dead self and the
 * next read of ours, or of the script that called us, would stop.
 */
#ifndef NICSTACK_CLI_ATTACH_TERMINAL_H
#define NICSTACK_CLI_ATTACH_TERMINAL_H

/* A close-on-exec descriptor of the terminal if the calling process group owns it now; else, and
 * without a terminal, -1. Whoever opened it closes it. */
int terminal_open_ours(void);

/* Takes the terminal for our process group if the group that has it is gone. Call with SIGTTOU
 * blocked. fd: from terminal_open_ours(). */
void terminal_take_back(int fd);

#endif
