/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: system calls that newer kernels have and some places forbid. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"
#include "doctor/doctor_try.h"

/* The numbers are the same on every architecture since 5.1; older headers lack them. */
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static void explain_io_uring(int error, struct doctor_result *result)
{
    static const char path[] = "/proc/sys/kernel/io_uring_disabled";
    long long disabled = 0;
    if (error == EPERM && doctor_refusal_read_number(path, &disabled) &&
        (disabled == 2 || (disabled == 1 && geteuid() != 0)))
        doctor_fails(result, error, "as root: sysctl -w kernel.io_uring_disabled=0",
                     "sysctl kernel.io_uring_disabled is %lld", disabled);
    else if (error == ENOMEM)
        doctor_fails(result, error, "ulimit -l 65536", "no memory may be locked");
    else
        doctor_refusal_of_call("io_uring_setup", error,
                               "boot a kernel of 5.1 or newer, with CONFIG_IO_URING=y", result);
}

static void check_io_uring(struct doctor_result *result)
{
    struct io_uring_params params = {0};
    long fd = syscall(SYS_io_uring_setup, 8, &params);
    if (fd < 0)
        explain_io_uring(errno, result);
    else if (syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0) < 0)
        doctor_refusal_of_call("io_uring_enter", errno, "boot a newer kernel", result);
    else
        doctor_works(result, NULL);
}

/* The end of a child shows, and a descriptor of it can be had. */
static int try_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 || syscall(SYS_pidfd_getfd, fd, STDIN_FILENO, 0) < 0)
        /* Closed in the child, as it is here: then at least nothing forbids to ask. */
        if (fd < 0 || errno != EBADF)
            return -errno;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    kill(pid, SIGKILL);
    return poll(&poll_fd, 1, 1000) == 1 ? 0 : -ETIMEDOUT;
}

static void check_pidfd(struct doctor_result *result)
{
    pid_t pid = doctor_try_start_child();
    int error = pid < 0 ? -errno : try_pidfd(pid);
    if (pid > 0)
        doctor_try_end_child(pid);
    if (error == 0)
        doctor_works(result, NULL);
    else
        doctor_refusal_of_call("pidfd_open or pidfd_getfd", -error, "boot a kernel of 5.6 or newer",
                               result);
}

static void check_epoll(struct doctor_result *result)
{
    struct epoll_event event = {.events = EPOLLOUT};
    const struct timespec at_once = {0};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll < 0 || fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        doctor_refusal_of_call("epoll", errno, "raise sysctl fs.epoll.max_user_watches", result);
    else if (syscall(SYS_epoll_pwait2, epoll, &event, 1, &at_once, NULL, 0) == 1)
        doctor_works(result, "timers to the nanosecond");
    else
        doctor_refusal_of_call("epoll_pwait2", errno,
                               "boot a kernel of 5.11 or newer (until then: milliseconds)", result);
}

static const struct doctor_check checks[] = {
    {"epoll_pwait2", check_epoll, NULL, 0, false},
    {"pidfd", check_pidfd, NULL, 0, false},
    {"io_uring", check_io_uring, NULL, 0, true},
};

const struct doctor_group doctor_kernel = {"kernel", checks, sizeof(checks) / sizeof(checks[0])};
