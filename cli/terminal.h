/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives the terminal back. A shell that is run in a process id namespace of its own cannot name the
 * process group that it took the terminal from, so it leaves the terminal to its dead self and the
 * next read of ours, or of the script that called us, would stop.
 */
#ifndef NICSTACK_CLI_TERMINAL_H
#define NICSTACK_CLI_TERMINAL_H

#include <stdbool.h>

/* Whether the calling process group owns its terminal now; false without a terminal. */
bool terminal_is_ours(void);

/* Takes the terminal for our process group if the group that has it is gone. Call with SIGTTOU
 * blocked. */
void terminal_take_back(void);

#endif
