/* SPDX-License-Identifier: Apache-2.0 */
/* What a running nst run can be asked: the rows of the table of instance.h. */
#ifndef NICSTACK_CLI_RUN_RUN_INSTANCE_H
#define NICSTACK_CLI_RUN_RUN_INSTANCE_H

#include <stdbool.h>

struct run;

/* Listens, before anything is started. False: the name that was asked for cannot be had; said. */
bool run_instance_open(struct run *run);
/* Serves when there is a loop. 0, or the error, said. */
int run_instance_start(struct run *run);
/* Ends every client; those that capture get the rest first. While the stack is there. */
void run_instance_close(struct run *run);

#endif
