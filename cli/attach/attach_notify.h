/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachment by seccomp user notification (notify.h): the side of the processes. Init is a child of
 * nst in the same namespaces, and a child subreaper.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_NOTIFY_H
#define NICSTACK_CLI_ATTACH_ATTACH_NOTIFY_H

#include "attach/attach_child.h"

enum {
    ATTACH_NOTIFY_METHOD = 1000 /* in CONTROL_READY; b = the listener's number, c = whose */
};

/* As attach_child_run(): starts the program, which installs the filter and waits, and is its init.
 */
void attach_notify_run(const struct attach_config *config, int control_fd)
    __attribute__((noreturn));

/*
 * nst's part when init is ready: takes the listener over.
 * Returns a descriptor or a negative errno.
 */
int attach_notify_take_listener(int pid, int fd);

#endif
