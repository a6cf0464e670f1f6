/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: seccomp filters, system calls answered by another process, and that process's view.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"

enum {
    ANSWER = 4711 /* what getppid(2) never says */
};

static const char newer_kernel[] = "boot a kernel of 5.9 or newer, with CONFIG_SECCOMP_FILTER=y";

/* Installs a filter that does action on getppid(2) and allows everything else. What seccomp(2)
 * returned, or a negative errno. */
static int install(unsigned flags, unsigned action)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    return r < 0 ? -errno : (int)r;
}

static void check_filter(struct doctor_result *result)
{
    int error = install(0, SECCOMP_RET_ERRNO | EDOM);
    if (error < 0)
        doctor_refusal_of_call("a seccomp filter", -error,
                               "boot a kernel built with CONFIG_SECCOMP_FILTER=y", result);
    else if (syscall(SYS_getppid) != -1 || errno != EDOM)
        doctor_fails(result, 0, "report this", "the filter was taken and does not filter");
    else
        doctor_works(result, NULL);
}

/* In the process whose getppid(2) is answered: whether with what was agreed on, a number or a new
 * descriptor. */
static bool is_answer_right(bool wants_descriptor)
{
    long answer = syscall(SYS_getppid);
    return wants_descriptor ? answer >= 0 && fcntl((int)answer, F_GETFD) >= 0 : answer == ANSWER;
}

/* Makes that process: it ends with 0 if the answer is right. Returns 0 or a negative errno. */
static int start_caller(bool wants_descriptor, int *ret_listener, pid_t *ret_pid)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return -errno;
    int listener = install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_USER_NOTIF);
    if (listener < 0)
        return listener;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(is_answer_right(wants_descriptor) ? 0 : 1);
    }
    *ret_listener = listener;
    *ret_pid = pid;
    return 0;
}

/* Whether the caller got its answer. */
static bool was_answered(pid_t pid)
{
    int status = 1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void explain_notify(int error, struct doctor_result *result)
{
    if (error == EBUSY)
        doctor_fails(result, EBUSY, "start the container without its own listener",
                     "somebody answers system calls of this place already, and there can be one "
                     "only");
    else
        doctor_refusal_of_call("a listener for system calls", error, newer_kernel, result);
}

static int answer_call(int listener)
{
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
        return -errno;
    struct seccomp_notif_resp answer = {.id = call.id, .val = ANSWER};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -errno : 0;
}

static void check_notify(struct doctor_result *result)
{
    int listener;
    pid_t pid;
    int error = start_caller(false, &listener, &pid);
    if (error == 0)
        error = answer_call(listener);
    if (error == 0 && !was_answered(pid))
        error = -EPROTO;
    if (error < 0)
        explain_notify(-error, result);
    else
        doctor_works(result, "another process answered a system call");
}

/* Answers with a copy of a descriptor of ours. */
static int hand_over(int listener)
{
#ifdef SECCOMP_ADDFD_FLAG_SEND
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
        return -errno;
    struct seccomp_notif_addfd add = {
        .id = call.id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (unsigned)listener};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -errno : 0;
#else
    (void)listener;
    return -ENOTTY; /* built with the headers of a kernel before 5.14 */
#endif
}

static void check_addfd(struct doctor_result *result)
{
    int listener;
    pid_t pid;
    int error = start_caller(true, &listener, &pid);
    if (error == 0)
        error = hand_over(listener);
    if (error == 0 && !was_answered(pid))
        error = -EPROTO;
    if (error == 0)
        doctor_works(result, "descriptors are handed over with the answer");
    else if (error == -EINVAL || error == -ENOTTY)
        doctor_fails(result, -error, "boot a kernel of 5.14 or newer",
                     "SECCOMP_IOCTL_NOTIF_ADDFD cannot answer at once");
    else
        explain_notify(-error, result);
}

static void explain_memory(int error, struct doctor_result *result)
{
    long long scope = 0;
    if (error == EPERM &&
        doctor_refusal_read_number("/proc/sys/kernel/yama/ptrace_scope", &scope) && scope > 1)
        doctor_fails(result, error, "as root: sysctl -w kernel.yama.ptrace_scope=1",
                     "sysctl kernel.yama.ptrace_scope is %lld", scope);
    else
        doctor_refusal_of_call("process_vm_readv of a child", error,
                               "boot a kernel built with CONFIG_CROSS_MEMORY_ATTACH=y", result);
}

static void check_memory(struct doctor_result *result)
{
    volatile int there = 0;
    int here = 0;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    /* The child's copy of the variable lies where ours does. */
    struct iovec to = {&here, sizeof(here)}, from = {(void *)(uintptr_t)&there, sizeof(there)};
    ssize_t size = process_vm_readv(pid, &to, 1, &from, 1, 0);
    int error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (size == (ssize_t)sizeof(here))
        doctor_works(result, NULL);
    else
        explain_memory(error, result);
}

static const struct doctor_check checks[] = {
    {"seccomp_filter", check_filter, NULL, 0, false},
    {"seccomp_notify", check_notify, "seccomp_filter", 0, false},
    {"seccomp_addfd", check_addfd, "seccomp_notify", 0, false},
    {"child_memory", check_memory, NULL, 0, false},
};

const struct doctor_group doctor_seccomp = {"seccomp", checks, sizeof(checks) / sizeof(checks[0])};
