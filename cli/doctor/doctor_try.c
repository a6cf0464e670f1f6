/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check in a process of its own: see doctor_try.h.
 *
 *     nst doctor --fork--> trier --clone--> inside, process 1 of its namespaces
 *          ^---------- pipe ---'---------------'
 *
 * The pipe's end of file says that both are done. PDEATHSIG ends inside with the trier, and the
 * kernel ends what inside started with it.
 */
#include "doctor/doctor_try.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/namespaces.h"
#include "doctor/doctor_refusal.h"

static void explain_death(int status, struct doctor_result *result)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        doctor_fails(result, 0, doctor_refusal_filter_help(),
                     "a seccomp filter kills whoever tries (SIGSYS)");
    else if (WIFSIGNALED(status))
        doctor_fails(result, 0, "try again; if it stays so, please report it",
                     "the process that tried was killed by signal %d", WTERMSIG(status));
    else
        doctor_fails(result, 0, "try again; if it stays so, please report it",
                     "the process that tried ended early, with status %d", WEXITSTATUS(status));
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

pid_t doctor_try_start_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    return pid;
}

void doctor_try_end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    wait_for(pid);
}

/* A result is smaller than PIPE_BUF: it comes whole or not at all. */
static void __attribute__((noreturn)) tell(int fd, const struct doctor_result *result)
{
    _exit(write(fd, result, sizeof(*result)) == (ssize_t)sizeof(*result) ? 0 : 1);
}

static void __attribute__((noreturn))
run_inside(const struct doctor_check *check, const struct namespaces_owner *owner, int fd)
{
    struct doctor_result result = {0};
    int error = owner->has_user_namespace ? namespaces_map_ids(owner) : 0;
    /* nst run goes on without ids where /proc is read-only. */
    if (error < 0 && error != -EROFS)
        doctor_refusal_of_ids(-error, &result);
    else
        check->run(&result);
    tell(fd, &result);
}

static void __attribute__((noreturn)) try_inside(const struct doctor_check *check, int fd)
{
    struct doctor_result result = {0};
    struct namespaces_owner owner;
    pid_t pid = namespaces_clone(check->namespaces, &owner);
    if (check->namespaces & CLONE_NEWUSER)
        owner.has_user_namespace = true;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_inside(check, &owner, fd);
    }
    if (pid < 0) {
        unsigned long user = owner.has_user_namespace ? CLONE_NEWUSER : 0;
        doctor_refusal_of_clone(check->namespaces | user, -pid, &result);
        tell(fd, &result);
    }
    int status = wait_for(pid);
    if (status != 0) {
        explain_death(status, &result);
        tell(fd, &result);
    }
    _exit(0);
}

static void __attribute__((noreturn)) try_outside(const struct doctor_check *check, int fd)
{
    struct doctor_result result = {0};
    check->run(&result);
    tell(fd, &result);
}

static int now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int)(time.tv_sec * 1000 + time.tv_nsec / 1000000);
}

/* Reads until end of file, which comes when nobody is left that could write. Returns false when
 * that takes too long. */
static bool await_end(int fd, bool *ret_told, struct doctor_result *ret_result)
{
    const int begun = now_ms();
    *ret_told = false;
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int left = DOCTOR_TRY_MS - (now_ms() - begun);
        if (left <= 0)
            return false;
        if (poll(&poll_fd, 1, left) <= 0)
            continue;
        ssize_t size = read(fd, ret_result, sizeof(*ret_result));
        if (size == (ssize_t)sizeof(*ret_result))
            *ret_told = true;
        else if (size == 0 || errno != EINTR)
            return true;
    }
}

static void await_trier(pid_t pid, int fd, struct doctor_result *ret_result)
{
    bool was_told;
    bool has_ended = await_end(fd, &was_told, ret_result);
    if (!has_ended)
        kill(pid, SIGKILL);
    int status = wait_for(pid);
    if (!has_ended)
        doctor_fails(ret_result, ETIMEDOUT, "find out what it waits for (strace -f nst doctor)",
                     "it hangs: nothing came within %d s", DOCTOR_TRY_MS / 1000);
    else if (!was_told)
        explain_death(status, ret_result);
}

void doctor_try(const struct doctor_check *check, struct doctor_result *ret_result)
{
    int fds[2];
    memset(ret_result, 0, sizeof(*ret_result));
    if (pipe2(fds, O_CLOEXEC) < 0) {
        doctor_fails(ret_result, errno, "raise the limit of descriptors: ulimit -n 1024",
                     "no pipe to the process that tries");
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[0]);
        if (check->namespaces != 0)
            try_inside(check, fds[1]);
        try_outside(check, fds[1]);
    }
    int error = errno;
    close(fds[1]);
    if (pid < 0)
        doctor_fails(ret_result, error, "raise the limit of processes: ulimit -u 4096",
                     "no process that could try it");
    else
        await_trier(pid, fds[0], ret_result);
    close(fds[0]);
}
