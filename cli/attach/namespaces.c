/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t namespaces_clone_raw(unsigned long flags)
{
    flags |= SIGCHLD;
    /* The child of raw clone without a stack goes on with a copy of ours. */
#if defined(__s390__) || defined(__CRIS__)
    long pid = syscall(SYS_clone, 0UL, flags, 0UL, 0UL, 0UL);
#else
    long pid = syscall(SYS_clone, flags, 0UL, 0UL, 0UL, 0UL);
#endif
    return pid < 0 ? -errno : (pid_t)pid;
}

pid_t namespaces_clone(unsigned long flags, struct namespaces_owner *ret_owner)
{
    *ret_owner = (struct namespaces_owner){.uid = geteuid(), .gid = getegid()};
    if (ret_owner->uid == 0) {
        pid_t pid = namespaces_clone_raw(flags);
        if (pid != -EPERM)
            return pid;
        ret_owner->wanted_none = true;
    }
    ret_owner->has_user_namespace = true;
    return namespaces_clone_raw(flags | CLONE_NEWUSER);
}

int namespaces_write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int namespaces_map_ids(const struct namespaces_owner *owner)
{
    char map[64];
    snprintf(map, sizeof(map), "%u %u 1", owner->uid, owner->uid);
    int error = namespaces_write_text("/proc/self/uid_map", map);
    /* An unprivileged gid_map needs setgroups denied first; kernels before 3.19 have no such file.
     */
    if (error == 0)
        error = namespaces_write_text("/proc/self/setgroups", "deny");
    if (error == 0 || error == -ENOENT) {
        snprintf(map, sizeof(map), "%u %u 1", owner->gid, owner->gid);
        error = namespaces_write_text("/proc/self/gid_map", map);
    }
    return error;
}

int namespaces_make_mounts_private(void)
{
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}
