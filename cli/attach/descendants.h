/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends every process that comes from this one, where no process id namespace does it. The caller is
 * a child subreaper (prctl(2)), so that whoever lost its parent is a child of its own.
 */
#ifndef NICSTACK_CLI_ATTACH_DESCENDANTS_H
#define NICSTACK_CLI_ATTACH_DESCENDANTS_H

#include <stdint.h>
#include <sys/types.h>

/* When a process was born, in the kernel's ticks since boot; 0 if /proc does not tell. */
uint64_t descendants_birth(pid_t pid);

/*
 * Kills and reaps the descendants of the calling process that were born at `since` or later (ticks;
 * 0: all), again and again until there is none. Needs /proc.
 */
void descendants_kill(uint64_t since);

#endif
