/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/attach_notify.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "attach/control.h"
#include "notify/notify_filter.h"
#include "notify/notify_target.h"

static void tell(int control_fd, enum control_kind kind, enum attach_step step, int error)
{
    struct control_record record = {.kind = kind, .a = (int)step, .b = error};
    control_send(control_fd, &record, NULL, 0, 0);
}

static void __attribute__((noreturn)) fail(int control_fd, enum attach_step step, int error)
{
    tell(control_fd, CONTROL_FAILED, step, error);
    _exit(ATTACH_CHILD_EXIT);
}

void attach_notify_run(const struct attach_config *config, int control_fd)
{
    struct init init;
    struct init_program program = config->program;
    program.prepare = notify_filter_install;
    program.is_alone = true;
    /* Every process that the program leaves behind comes to init, which ends it. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        fail(control_fd, ATTACH_STEP_FORK, errno);
    int r = init_fork(&program, control_fd, &init);
    if (r < 0)
        fail(control_fd, ATTACH_STEP_FORK, -r);
    if (init.prepared < 0)
        fail(control_fd, ATTACH_STEP_FILTER, -init.prepared);
    if ((init.prepared & NOTIFY_FILTER_NO_NEW_PRIVS) != 0)
        tell(control_fd, CONTROL_NOTE, ATTACH_STEP_NO_NEW_PRIVS, EPERM);
    const struct control_record record = {.kind = CONTROL_READY,
                                          .a = ATTACH_NOTIFY_METHOD,
                                          .b = init.prepared & ~NOTIFY_FILTER_NO_NEW_PRIVS,
                                          .c = init.pid};
    if (control_send(control_fd, &record, NULL, 0, 0) < 0)
        _exit(ATTACH_CHILD_EXIT);
    prctl(PR_SET_DUMPABLE, 0);
    init_serve(&init);
}

int attach_notify_take_listener(int pid, int fd)
{
    return notify_target_get_descriptor(pid, fd);
}
