/* SPDX-License-Identifier: Apache-2.0 */
/* Who said no: see doctor_refusal.h. */
#include "doctor/doctor_refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "attach/namespaces.h"

#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461 /* kernel 6.8, on every architecture */
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000 /* kernel 5.8 */
#endif

/* The kinds of namespaces that `nst run` makes. */
static const struct kind {
    unsigned long flag;
    const char *name;   /* in user.max_NAME_namespaces */
    const char *link;   /* in /proc/self/ns */
    const char *config; /* of the kernel */
} kinds[] = {
    {CLONE_NEWUSER, "user", "user", "CONFIG_USER_NS"},
    {CLONE_NEWNET, "net", "net", "CONFIG_NET_NS"},
    {CLONE_NEWNS, "mnt", "mnt", "CONFIG_NAMESPACES"},
    {CLONE_NEWPID, "pid", "pid", "CONFIG_PID_NS"},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

bool doctor_refusal_read_line(const char *path, char *ret_text, size_t size)
{
    *ret_text = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool found = fgets(ret_text, (int)size, file) != NULL;
    fclose(file);
    ret_text[strcspn(ret_text, "\n")] = '\0';
    return found;
}

bool doctor_refusal_read_number(const char *path, long long *ret_number)
{
    char text[64], *end;
    if (!doctor_refusal_read_line(path, text, sizeof(text)))
        return false;
    *ret_number = strtoll(text, &end, 10);
    return end != text;
}

static bool sysctl_is(const char *path, long long value)
{
    long long number;
    return doctor_refusal_read_number(path, &number) && number == value;
}

bool doctor_refusal_has_filter(void)
{
    const int filter = 2; /* SECCOMP_MODE_FILTER */
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == filter;
}

bool doctor_refusal_in_container(void)
{
    return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
}

const char *doctor_refusal_filter_help(void)
{
    return doctor_refusal_in_container()
               ? "start the container with --security-opt seccomp=unconfined"
               : "start nst where no such filter is (container: --security-opt seccomp=unconfined; "
                 "systemd: no SystemCallFilter=, no RestrictNamespaces=)";
}

void doctor_refusal_of_call(const char *what, int error, const char *help,
                            struct doctor_result *ret_result)
{
    if (doctor_refusal_has_filter() && (error == EPERM || error == EACCES || error == ENOSYS))
        doctor_fails(ret_result, error, doctor_refusal_filter_help(),
                     "%s is refused, most likely by the seccomp filter that is at work here", what);
    else
        doctor_fails(ret_result, error, help, "%s is refused", what);
}

/* Limits are per user namespace and those of the outer ones count as well, unseen from here. */
static void explain_limit(unsigned long flags, int error, struct doctor_result *result)
{
    const struct kind *kind = NULL;
    long long limit = 0;
    char path[64], help[96];
    for (size_t i = 0; i < KINDS && (kind == NULL || limit != 0); i++) {
        if ((flags & kinds[i].flag) == 0)
            continue;
        kind = &kinds[i];
        snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kind->name);
        if (!doctor_refusal_read_number(path, &limit))
            limit = -1;
    }
    if (kind == NULL)
        return;
    snprintf(help, sizeof(help), "as root: sysctl -w user.max_%s_namespaces=15000", kind->name);
    if (limit == 0)
        doctor_fails(result, error, help, "sysctl user.max_%s_namespaces is 0", kind->name);
    else
        doctor_fails(result, error, help,
                     "sysctl user.max_%s_namespaces (here %lld) is used up, or that of an outer "
                     "namespace is",
                     kind->name, limit);
}

/* These two flags together are EINVAL to every kernel, before it asks who we are: any other answer
 * is a filter's. */
static bool filter_refuses_clone(int *ret_error)
{
    if (!doctor_refusal_has_filter())
        return false;
    pid_t pid = namespaces_clone_raw(CLONE_NEWUSER | CLONE_FS);
    if (pid == 0)
        _exit(0);
    *ret_error = -pid;
    return pid < 0 && pid != -EINVAL;
}

/* Whether a map such as /proc/self/uid_map has an id; true where it cannot be read. */
static bool is_mapped(const char *path, unsigned id)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return true;
    bool found = false;
    char line[128];
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        char *end;
        unsigned long first = strtoul(line, &end, 10);
        strtoul(end, &end, 10);
        unsigned long count = strtoul(end, NULL, 10);
        found = id >= first && id - first < count;
    }
    fclose(file);
    return found;
}

/* Whether a security module is there that could refuse user namespaces: SELinux, AppArmor, BPF.
 * Kernels before 6.8 do not say. */
static bool may_have_module(void)
{
    const uint64_t ids[] = {101, 104, 109}; /* LSM_ID_* of linux/lsm.h */
    uint64_t there[32];
    uint32_t size = sizeof(there);
    long count = syscall(SYS_lsm_list_modules, there, &size, 0);
    if (count < 0)
        return true;
    for (long i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
            if (there[i] == ids[k])
                return true;
    return false;
}

/* The root of a chroot is rarely the root of a mount, and never the one that process 1 has, which
 * only root may look at. Where nobody else could have refused, it is a chroot as well. */
static bool is_chrooted(void)
{
    struct statx root;
    struct stat init, here;
    if (statx(AT_FDCWD, "/", 0, STATX_INO, &root) == 0 &&
        (root.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
        (root.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0)
        return true;
    if (stat("/proc/1/root/.", &init) == 0 && stat("/", &here) == 0 &&
        (init.st_dev != here.st_dev || init.st_ino != here.st_ino))
        return true;
    return !may_have_module();
}

bool doctor_refusal_by_apparmor(int error, struct doctor_result *ret_result)
{
    if ((error != EPERM && error != EACCES) || geteuid() == 0 ||
        !sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1))
        return false;
    doctor_fails(ret_result, error,
                 "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
                 "AppArmor takes the rights out of users' user namespaces "
                 "(kernel.apparmor_restrict_unprivileged_userns is 1)");
    return true;
}

/* EPERM, EACCES and whatever else a filter or a security module may say. */
static void explain_ban(int error, struct doctor_result *result)
{
    int filter_error;
    if (filter_refuses_clone(&filter_error) && filter_error == error) {
        doctor_fails(result, error, doctor_refusal_filter_help(),
                     "a seccomp filter refuses clone(CLONE_NEWUSER)");
    } else if (geteuid() != 0 && sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", 0)) {
        doctor_fails(result, error, "as root: sysctl -w kernel.unprivileged_userns_clone=1",
                     "sysctl kernel.unprivileged_userns_clone is 0");
    } else if (!is_mapped("/proc/self/uid_map", geteuid()) ||
               !is_mapped("/proc/self/gid_map", getegid())) {
        doctor_fails(result, error,
                     "run nst as a user that the user namespace here maps (/proc/self/uid_map)",
                     "user %u, group %u are not mapped in this user namespace", geteuid(),
                     getegid());
    } else if (is_chrooted()) {
        doctor_fails(result, error,
                     "instead of chroot, enter the directory by bwrap --bind DIR / --dev-bind "
                     "/dev /dev --proc /proc",
                     "this is a chroot, in which the kernel makes no user namespaces");
    } else if (!doctor_refusal_by_apparmor(error, result)) {
        doctor_fails(result, error,
                     "run nst outside of chroots, or allow user namespaces in the security "
                     "module's policy (dmesg tells what was refused)",
                     "the kernel refuses: a chroot, or a security module (SELinux, AppArmor)");
    }
}

/* EINVAL: the kernel does not know one of the kinds. */
static void explain_lack(unsigned long flags, int error, struct doctor_result *result)
{
    char path[64], help[96];
    for (size_t i = 0; i < KINDS; i++) {
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].link);
        if ((flags & kinds[i].flag) == 0 || access(path, F_OK) == 0)
            continue;
        snprintf(help, sizeof(help), "boot a kernel built with %s=y", kinds[i].config);
        doctor_fails(result, error, help, "this kernel was built without %s", kinds[i].config);
        return;
    }
    doctor_refusal_of_call("clone", error, "boot a kernel built with CONFIG_NAMESPACES=y", result);
}

void doctor_refusal_of_clone(unsigned long flags, int error, struct doctor_result *ret_result)
{
    if (error == ENOSPC || error == EUSERS)
        explain_limit(flags, error, ret_result);
    else if (error == EINVAL)
        explain_lack(flags, error, ret_result);
    else if (error == EAGAIN || error == ENOMEM)
        doctor_fails(ret_result, error, "raise the limit of processes: ulimit -u 4096",
                     "no more processes may be started here");
    else
        explain_ban(error, ret_result);
}

void doctor_refusal_of_ids(int error, struct doctor_result *ret_result)
{
    if (doctor_refusal_by_apparmor(error, ret_result))
        return;
    if (error == EROFS)
        doctor_fails(ret_result, error, "as root: mount -o remount,rw /proc (bwrap: --proc /proc)",
                     "/proc is mounted read-only: the program sees itself as nobody (65534)");
    else if (error == ENOENT)
        doctor_fails(ret_result, error, "as root: mount -t proc proc /proc",
                     "nothing is mounted on /proc, so ids cannot be mapped");
    else
        doctor_refusal_of_call("writing /proc/self/uid_map", error,
                               "allow user namespaces in the security module's policy", ret_result);
}
