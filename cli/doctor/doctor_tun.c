/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: TUN. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "attach/attach_tun.h"
#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"

#define ALL (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

/* Kernel 6.2. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static const char device[] = "/dev/net/tun";

/* Whether the driver is loaded: it is in the list of the minor numbers of misc devices. */
static bool is_driver_loaded(void)
{
    char line[64], name[32];
    FILE *file = fopen("/proc/misc", "re");
    bool found = false;
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), file) != NULL)
        found = sscanf(line, "%*d %31s", name) == 1 && strcmp(name, "tun") == 0;
    fclose(file);
    return found;
}

static void explain_missing(int error, struct doctor_result *result)
{
    if (doctor_refusal_in_container())
        doctor_fails(result, error, "start the container with --device /dev/net/tun",
                     "there is no %s in this container", device);
    else if (is_driver_loaded())
        doctor_fails(result, error,
                     "as root: mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200",
                     "there is no %s, though the driver is loaded", device);
    else
        doctor_fails(result, error, "as root: modprobe tun", "there is no %s and no driver",
                     device);
}

static void explain_open(int error, struct doctor_result *result)
{
    struct statvfs volume;
    if (error == ENOENT || error == ENOTDIR)
        explain_missing(error, result);
    else if (error == ENODEV || error == ENXIO)
        doctor_fails(result, error, "as root: modprobe tun", "the driver of %s is not loaded",
                     device);
    else if (error == EPERM)
        doctor_fails(result, error,
                     "container: --device /dev/net/tun; systemd: DeviceAllow=/dev/net/tun rw",
                     "the device control group, or a seccomp filter, refuses %s", device);
    else if (error == EACCES && statvfs(device, &volume) == 0 && (volume.f_flag & ST_NODEV))
        doctor_fails(result, error, "bind it with devices: bwrap --dev-bind /dev/net /dev/net",
                     "%s is on a mount without devices (nodev)", device);
    else if (error == EACCES)
        doctor_fails(result, error, "as root: chmod 0666 /dev/net/tun",
                     "%s may not be opened by this user", device);
    else
        doctor_refusal_of_call("opening /dev/net/tun", error, "as root: modprobe tun", result);
}

static void check_device(struct doctor_result *result)
{
    struct stat status;
    int fd = open(device, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        explain_open(errno, result);
        return;
    }
    if (fstat(fd, &status) == 0 && S_ISCHR(status.st_mode))
        doctor_works(result, NULL);
    else
        doctor_fails(result, 0, "as root: rm /dev/net/tun && mknod -m 666 /dev/net/tun c 10 200",
                     "%s is no device", device);
    close(fd);
}

/* Makes a link as `nst run` would. Returns false with the result filled in. */
static bool open_link(unsigned queues, bool vnet_hdr, struct doctor_result *result,
                      struct attach_link *ret_link)
{
    enum attach_step step = ATTACH_STEP_TUN_OPEN;
    int error = attach_tun_open(queues, vnet_hdr, &step, ret_link);
    if (error == 0)
        return true;
    if (step == ATTACH_STEP_TUN_OPEN)
        explain_open(-error, result);
    else if (!doctor_refusal_by_apparmor(-error, result))
        doctor_refusal_of_call("TUNSETIFF", -error,
                               "boot a kernel of 2.6.27 or newer, with CONFIG_TUN", result);
    return false;
}

static void check_interface(struct doctor_result *result)
{
    struct attach_link link;
    if (open_link(1, false, result, &link))
        doctor_works(result, NULL);
}

static void check_vnet_hdr(struct doctor_result *result)
{
    struct attach_link link;
    if (open_link(1, true, result, &link))
        doctor_works(result, "virtio-net headers of %u bytes", link.vnet_hdr_len);
}

static void check_multiqueue(struct doctor_result *result)
{
    struct attach_link link;
    if (open_link(2, true, result, &link))
        doctor_works(result, NULL);
}

static void check_offload(struct doctor_result *result)
{
    struct attach_link link;
    if (!open_link(1, true, result, &link))
        return;
    if (link.offload & TUN_F_TSO4)
        doctor_works(result, "checksums and TCP segments are left to nicstack");
    else
        doctor_fails(result, link.note_error, "boot a newer kernel",
                     "TUNSETOFFLOAD takes no TCP segmentation");
}

/* nst run asks for none: its stack does not cut UDP that it received. */
static void check_uso(struct doctor_result *result)
{
    const unsigned long offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_USO4 | TUN_F_USO6;
    struct attach_link link;
    if (!open_link(1, true, result, &link))
        return;
    if (ioctl(link.fds[0], TUNSETOFFLOAD, offload) == 0)
        doctor_works(result, NULL);
    else
        doctor_fails(result, errno, "boot a kernel of 6.2 or newer",
                     "TUNSETOFFLOAD takes no UDP segmentation");
}

static const struct doctor_check checks[] = {
    {"tun_device", check_device, NULL, 0, false},
    {"tun_interface", check_interface, "tun_device network_namespace", ALL, false},
    {"tun_vnet_hdr", check_vnet_hdr, "tun_interface", ALL, false},
    {"tun_offload", check_offload, "tun_vnet_hdr", ALL, false},
    {"tun_uso", check_uso, "tun_vnet_hdr", ALL, true},
    {"tun_multiqueue", check_multiqueue, "tun_interface", ALL, true},
};

const struct doctor_group doctor_tun = {"tun", checks, sizeof(checks) / sizeof(checks[0])};
