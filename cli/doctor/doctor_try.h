/* SPDX-License-Identifier: Apache-2.0 */
/* Tries one check in a process of its own, and in namespaces of its own where the check wants them.
 */
#ifndef NICSTACK_CLI_DOCTOR_DOCTOR_TRY_H
#define NICSTACK_CLI_DOCTOR_DOCTOR_TRY_H

#include <sys/types.h>

#include "doctor/doctor.h"

enum {
    DOCTOR_TRY_MS = 5000 /* then it is killed, and what it tried hangs */
};

/*
 * Runs the check. When this returns, the process and what it started and made are gone. Whatever
 * happens to that process is a result too: it was killed, it hung, it could not be started.
 */
void doctor_try(const struct doctor_check *check, struct doctor_result *ret_result);

/* For checks: a child that waits until it is ended, at the latest with the check. -1: errno. */
pid_t doctor_try_start_child(void);
void doctor_try_end_child(pid_t pid);

#endif
