/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: namespaces, and what `nst run` sets up in them. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "attach/namespaces.h"
#include "attach/netlink.h"
#include "attach/resolv.h"
#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"

#include <net/if.h>

#define ALL (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

static void check_user(struct doctor_result *result)
{
    char map[64];
    doctor_refusal_read_line("/proc/self/uid_map", map, sizeof(map));
    if (map[0] == '\0')
        doctor_works(result, "/proc is read-only, so the program sees itself as nobody");
    else
        doctor_works(result, geteuid() == 0 ? "root does without" : NULL);
}

/* They have been mapped by now, if that can be. */
static void check_ids(struct doctor_result *result)
{
    char line[64];
    if (doctor_refusal_read_line("/proc/self/uid_map", line, sizeof(line)))
        doctor_works(result, NULL);
    else
        doctor_refusal_of_ids(EROFS, result);
}

static void check_network(struct doctor_result *result)
{
    doctor_works(result, NULL);
}

static void check_netlink(struct doctor_result *result)
{
    int fd = netlink_open();
    int error = fd < 0 ? fd : netlink_set_up(fd, if_nametoindex("lo"), 0);
    close(fd);
    if (error == 0)
        doctor_works(result, NULL);
    else if (!doctor_refusal_by_apparmor(-error, result))
        doctor_refusal_of_call("setting lo up by netlink", -error, "allow AF_NETLINK here", result);
}

static void check_mount(struct doctor_result *result)
{
    int error = namespaces_make_mounts_private();
    if (error == 0)
        doctor_works(result, NULL);
    else if (!doctor_refusal_by_apparmor(-error, result))
        doctor_refusal_of_call("mount", -error, "allow mount in the security module's policy",
                               result);
}

static void check_process(struct doctor_result *result)
{
    if (getpid() == 1)
        doctor_works(result, NULL);
    else
        doctor_fails(result, 0, "report this", "process 1 has the number %d", (int)getpid());
}

/* Where something lies over a part of /proc that the kernel may not uncover; "" if nothing does. */
static void find_cover(char *ret_point, size_t size)
{
    char line[4096], point[256];
    *ret_point = '\0';
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (file == NULL)
        return;
    while (*ret_point == '\0' && fgets(line, sizeof(line), file) != NULL)
        /* What is mounted on an empty directory that is there for it hides nothing. */
        if (sscanf(line, "%*s %*s %*s %*s %255s", point) == 1 && strncmp(point, "/proc/", 6) == 0 &&
            strcmp(point, "/proc/sys/fs/binfmt_misc") != 0)
            snprintf(ret_point, size, "%s", point);
    fclose(file);
}

static void explain_proc(int error, struct doctor_result *result)
{
    char point[256], help[256] = "in a container --security-opt systempaths=unconfined";
    find_cover(point, sizeof(point));
    if (error == EPERM && point[0] != '\0') {
        if (!doctor_refusal_in_container())
            snprintf(help, sizeof(help), "as root: umount %.200s", point);
        doctor_fails(result, error, help, "%.120s is mounted over a part of /proc", point);
    } else if (error == EPERM) {
        doctor_fails(result, error, help, "no /proc is wholly visible here");
    } else if (error == ENOENT) {
        doctor_fails(result, error, "as root: mkdir /proc", "there is no /proc");
    } else {
        doctor_refusal_of_call("mount", error, "allow mount in the security module's policy",
                               result);
    }
}

static int mount_proc(void)
{
    int error = namespaces_make_mounts_private();
    if (error == 0 && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        error = -errno;
    return error;
}

static void check_proc(struct doctor_result *result)
{
    int error = mount_proc();
    if (error < 0)
        explain_proc(-error, result);
    else
        doctor_works(result, NULL);
}

/* As `nst run`: through the new /proc, or, where there is none, through the old one. */
static void check_sysctl(struct doctor_result *result)
{
    char range[64];
    (void)mount_proc();
    snprintf(range, sizeof(range), "%u %u", getegid(), getegid());
    int error = namespaces_write_text("/proc/sys/net/ipv4/ping_group_range", range);
    if (error == 0)
        doctor_works(result, "the program may ping");
    else if (error == -EROFS)
        doctor_fails(result, EROFS, "as root: mount -o remount,rw /proc/sys",
                     "/proc/sys is read-only, so the program may not ping");
    else
        doctor_refusal_of_call("writing net.ipv4.ping_group_range", -error,
                               "mount /proc as the kernel makes it", result);
}

static void check_resolv(struct doctor_result *result)
{
    const struct resolv_servers servers = {.count = 1, .text = {"10.0.2.3"}};
    char line[64];
    int hide_error;
    int error = namespaces_make_mounts_private();
    if (error == 0)
        error = resolv_cover(&servers, &hide_error);
    doctor_refusal_read_line("/etc/resolv.conf", line, sizeof(line));
    if (error == 0 && strcmp(line, "nameserver 10.0.2.3") == 0)
        doctor_works(result, "the program asks our name server");
    else if (error == -ENOENT)
        doctor_fails(result, ENOENT, "as root: mkdir -p /etc /tmp; touch /etc/resolv.conf",
                     "no place for a resolv.conf of the program's own");
    else
        doctor_refusal_of_call("covering /etc/resolv.conf", -error,
                               "make /etc/resolv.conf a regular file", result);
}

static const struct doctor_check checks[] = {
    {"user_namespace", check_user, NULL, CLONE_NEWUSER, false},
    {"id_map", check_ids, "user_namespace", CLONE_NEWUSER, false},
    {"network_namespace", check_network, NULL, CLONE_NEWNET, false},
    {"netlink", check_netlink, "network_namespace", ALL, false},
    {"mount_namespace", check_mount, NULL, CLONE_NEWNS, false},
    {"process_namespace", check_process, NULL, CLONE_NEWPID, false},
    {"proc_mount", check_proc, "mount_namespace process_namespace", ALL, false},
    {"sysctl_write", check_sysctl, "network_namespace mount_namespace process_namespace", ALL,
     false},
    {"resolv_conf", check_resolv, "mount_namespace", ALL, false},
};

const struct doctor_group doctor_namespaces = {"namespaces", checks,
                                               sizeof(checks) / sizeof(checks[0])};
