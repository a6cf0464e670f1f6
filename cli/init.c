/* SPDX-License-Identifier: Apache-2.0 */
#include "init.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "descriptors.h"

/* The program's process: waits for go, becomes the program, or says on the leash why it cannot. */
static void become_program(const struct init_program *program, int leash_fd)
{
    char go;
    setrlimit(RLIMIT_NOFILE, &program->descriptors);
    signals_restore(program->signals);
    ssize_t size;
    do {
        size = read(leash_fd, &go, 1);
    } while (size < 0 && errno == EINTR);
    if (size != 1)
        _exit(125);
    execvp(program->argv[0], program->argv);
    int error = errno;
    (void)!write(leash_fd, &error, sizeof(error));
    _exit(127);
}

/* What the terminal sent to the group between clone and fork would be lost: the program missed it.
 */
static void hand_over_pending(pid_t pid)
{
    static const int terminal[] = {SIGHUP, SIGINT, SIGQUIT, SIGTSTP};
    sigset_t pending;
    sigpending(&pending);
    for (size_t i = 0; i < sizeof(terminal) / sizeof(terminal[0]); i++)
        if (sigismember(&pending, terminal[i]))
            kill(pid, terminal[i]);
}

static int open_signals(void)
{
    sigset_t all, child;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigfillset(&all);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigaction(SIGCHLD, &standard, NULL);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int init_fork(const struct init_program *program, int control_fd, struct init *ret_init)
{
    int leash[2];
    int signal_fd = open_signals();
    if (signal_fd < 0)
        return signal_fd;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, leash) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        close(leash[0]);
        close(control_fd);
        become_program(program, leash[1]);
    }
    hand_over_pending(pid);
    /* The program's standard descriptors are its own: init must not hold a pipe open that it
     * closed. */
    int keep[] = {control_fd, signal_fd, leash[0]};
    qsort(keep, 3, sizeof(keep[0]), compare);
    descriptors_close_except(keep, 3);
    descriptors_reserve_standard();
    prctl(PR_SET_NAME, "nst-init");
    *ret_init = (struct init){
        .control_fd = control_fd, .signal_fd = signal_fd, .leash_fd = leash[0], .pid = pid};
    return 0;
}

static void report(const struct init *init, enum control_kind kind, int a, int b, int flags)
{
    struct control_record record = {.kind = kind, .a = a, .b = b};
    control_send(init->control_fd, &record, NULL, 0, flags);
}

/* The program ended: by itself, or before it became the program. */
static void report_end(const struct init *init, int status)
{
    int error;
    if (recv(init->leash_fd, &error, sizeof(error), MSG_DONTWAIT) == (ssize_t)sizeof(error))
        report(init, CONTROL_EXEC_FAILED, 0, error, 0);
    else
        report(init, CONTROL_EXITED, status, 0, 0);
    _exit(0);
}

/*
 * A stop or a continuation is news, not a debt: it is not worth blocking for when nst itself is
 * stopped and does not read.
 */
static void note_program(struct init *init, int status)
{
    if (WIFSTOPPED(status)) {
        init->is_stopped = true;
        report(init, CONTROL_STOPPED, WSTOPSIG(status), 0, MSG_DONTWAIT);
    } else if (WIFCONTINUED(status)) {
        init->is_stopped = false;
        report(init, CONTROL_CONTINUED, 0, 0, MSG_DONTWAIT);
    } else {
        report_end(init, status);
    }
}

/* Reaps the program and every orphan. */
static void reap(struct init *init)
{
    struct signalfd_siginfo info;
    while (read(init->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        continue;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED);
        if (pid <= 0)
            return;
        if (pid == init->pid)
            note_program(init, status);
    }
}

static void pass_on(struct init *init, int signal)
{
    /* A group that was continued continued the program too; it need not hear of it twice. */
    if (signal == SIGCONT)
        reap(init);
    if (signal != SIGCONT || init->is_stopped)
        kill(init->pid, signal);
}

static void obey(struct init *init)
{
    struct control_record record;
    int received = control_receive(init->control_fd, MSG_DONTWAIT, &record, NULL, NULL);
    if (received == -EAGAIN)
        return;
    if (received <= 0)
        _exit(125);
    if (record.kind == CONTROL_GO)
        (void)!send(init->leash_fd, "", 1, MSG_NOSIGNAL);
    else if (record.kind == CONTROL_SIGNAL)
        pass_on(init, record.a);
}

void init_serve(struct init *init)
{
    struct pollfd fds[] = {{.fd = init->control_fd, .events = POLLIN},
                           {.fd = init->signal_fd, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            _exit(125);
        if (fds[0].revents)
            obey(init);
        if (fds[1].revents)
            reap(init);
    }
}
