/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who said no: the kernel gives one errno for many reasons, and only what else it shows tells them
 * apart.
 */
#ifndef NICSTACK_CLI_DOCTOR_DOCTOR_REFUSAL_H
#define NICSTACK_CLI_DOCTOR_DOCTOR_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>

#include "doctor/doctor.h"

/* Says who refused a clone. flags: CLONE_NEW*, all that were asked for. error: a positive errno. */
void doctor_refusal_of_clone(unsigned long flags, int error, struct doctor_result *ret_result);

/* The same for writing the maps of ids in a new user namespace. */
void doctor_refusal_of_ids(int error, struct doctor_result *ret_result);

/* Whether AppArmor takes the capabilities out of new user namespaces; then it says so. */
bool doctor_refusal_by_apparmor(int error, struct doctor_result *ret_result);

/* Whether a seccomp filter is at work here. */
bool doctor_refusal_has_filter(void);

/* What helps against one. */
const char *doctor_refusal_filter_help(void);

/*
 * A system call failed and no better reason is known: a filter's errno or the kernel's. what: the
 * call. help: against the kernel.
 */
void doctor_refusal_of_call(const char *what, int error, const char *help,
                            struct doctor_result *ret_result);

/* Whether this is a container of Docker or Podman: who can say what is allowed in there. */
bool doctor_refusal_in_container(void);

/* Reads the number at the start of a file such as those of /proc/sys. */
bool doctor_refusal_read_number(const char *path, long long *ret_number);

/* Reads the first line of a file, without its newline; ret_text is "" and false where there is
 * none.
 */
bool doctor_refusal_read_line(const char *path, char *ret_text, size_t size);

#endif
