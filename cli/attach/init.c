/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/init.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach/descendants.h"
#include "tool/descriptors.h"

/* The program's process: waits for go, becomes the program, or says on the leash why it cannot. */
static void become_program(const struct init_program *program, int leash_fd)
{
    char go;
    if (program->is_alone)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_NOFILE, &program->descriptors);
    signals_restore(program->signals);
    if (program->prepare != NULL) {
        int result = program->prepare();
        if (write(leash_fd, &result, sizeof(result)) != (ssize_t)sizeof(result) || result < 0)
            _exit(125);
    }
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
    sigset_t all;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigfillset(&all);
    sigaction(SIGCHLD, &standard, NULL);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* proc_pid_stat(5): fields 48 and 49 say where the command line lies in our memory. */
static bool find_command_line(char **ret_start, char **ret_end)
{
    char text[1024];
    unsigned long start = 0, end = 0;
    FILE *stat = fopen("/proc/self/stat", "re");
    if (!stat)
        return false;
    char *field = fgets(text, sizeof(text), stat) ? strrchr(text, ')') : NULL;
    fclose(stat);
    for (int number = 2; field && number < 48; number++)
        field = strchr(field + 1, ' ');
    if (!field)
        return false;
    start = strtoul(field, &field, 10);
    end = strtoul(field, NULL, 10);
    if (start == 0 || end <= start)
        return false;
    *ret_start = (char *)start;
    *ret_end = (char *)end;
    return true;
}

/* Another name for ps, pkill and killall than nst's. The program has its own copy of argv. */
static void rename_process(void)
{
    static const char name[] = "attach-init";
    char *start, *end;
    prctl(PR_SET_NAME, name);
    if (!find_command_line(&start, &end))
        return;
    size_t size = (size_t)(end - start);
    memset(start, 0, size);
    memcpy(start, name, size > sizeof(name) ? sizeof(name) - 1 : size - 1);
}

/* What `prepare` says in the program's process. */
static int await_prepared(const struct init_program *program, int leash_fd)
{
    int result;
    if (program->prepare == NULL)
        return 0;
    return read(leash_fd, &result, sizeof(result)) == (ssize_t)sizeof(result) ? result : -EPIPE;
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
        close(program->wake_fd);
        become_program(program, leash[1]);
    }
    close(leash[1]);
    hand_over_pending(pid);
    const int prepared = await_prepared(program, leash[0]);
    /* The program's standard descriptors are its own: init must not hold a pipe open that it
     * closed. */
    int keep[] = {control_fd, signal_fd, leash[0], program->wake_fd};
    qsort(keep, 4, sizeof(keep[0]), compare);
    descriptors_close_except(keep, 4);
    descriptors_reserve_standard();
    rename_process();
    *ret_init = (struct init){.control_fd = control_fd,
                              .signal_fd = signal_fd,
                              .leash_fd = leash[0],
                              .wake_fd = program->wake_fd,
                              .pid = pid,
                              .prepared = prepared,
                              .is_alone = program->is_alone};
    return 0;
}

static void report(const struct init *init, enum control_kind kind, int a, int b)
{
    struct control_record record = {.kind = kind, .a = a, .b = b};
    control_send(init->control_fd, &record, NULL, 0, 0);
}

/* Ends init, and everybody with it. */
static void __attribute__((noreturn)) end(const struct init *init, int status)
{
    if (init->is_alone)
        descendants_kill(0);
    _exit(status);
}

/* The program ended: by itself, or before it became the program. */
static void report_end(const struct init *init, int status)
{
    int error;
    if (init->is_alone)
        descendants_kill(0); /* nst hears of the end when it is one */
    if (recv(init->leash_fd, &error, sizeof(error), MSG_DONTWAIT) == (ssize_t)sizeof(error))
        report(init, CONTROL_EXEC_FAILED, 0, error);
    else
        report(init, CONTROL_EXITED, status, 0);
    _exit(0);
}

/* Tells what waits to be told, or leaves it for when nst, which may be stopped itself, has read. */
static void tell_news(struct init *init)
{
    if (init->news.kind == 0 ||
        control_send(init->control_fd, &init->news, NULL, 0, MSG_DONTWAIT) == -EAGAIN)
        return;
    /* Full is as good: what is in it has woken nst. */
    if (init->news.kind == CONTROL_CONTINUED)
        control_send(init->wake_fd, &init->news, NULL, 0, MSG_DONTWAIT);
    init->news.kind = 0;
}

static void note_program(struct init *init, int status)
{
    if (WIFSTOPPED(status)) {
        init->news = (struct control_record){.kind = CONTROL_STOPPED, .a = WSTOPSIG(status)};
    } else if (WIFCONTINUED(status)) {
        init->news = (struct control_record){.kind = CONTROL_CONTINUED};
    } else {
        report_end(init, status);
    }
    tell_news(init);
}

/* Reaps the program and every orphan. */
static void reap(struct init *init)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED);
        if (pid <= 0)
            return;
        if (pid == init->pid)
            note_program(init, status);
    }
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Notes what processes sent. SIGCHLD, the kernel's, is swallowed: reap() asks for itself. */
static void read_signals(struct init *init)
{
    int signal;
    while ((signal = signals_next(init->signal_fd)) > 0)
        if (signal < INIT_SIGNALS)
            init->witnessed_at[signal] = now();
}

/* Whether the signal that nst has just been sent went to the whole group, and so to the program. */
static bool has_program_got(struct init *init, int signal)
{
    /* ns: what was sent to init alone is forgotten, but not before a busy nst has spoken. */
    const int64_t lifetime = 5000000000;
    if (signal <= 0 || signal >= INIT_SIGNALS || getpgid(init->pid) != getpgrp())
        return false;
    /*
     * The kernel walks the group with its list of tasks locked for reading; a setpgid(2) of nobody
     * locks it for writing, so afterwards the walk has come by here.
     */
    setpgid(INT_MAX, 0);
    read_signals(init);
    int64_t witnessed_at = init->witnessed_at[signal];
    init->witnessed_at[signal] = 0;
    return witnessed_at != 0 && now() - witnessed_at < lifetime;
}

static void pass_on(struct init *init, int signal)
{
    if (!has_program_got(init, signal))
        kill(init->pid, signal);
}

static void obey(struct init *init)
{
    struct control_record record;
    int received = control_receive(init->control_fd, MSG_DONTWAIT, &record, NULL, NULL);
    if (received == -EAGAIN)
        return;
    if (received <= 0)
        end(init, 125);
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
        fds[0].events = init->news.kind == 0 ? POLLIN : POLLIN | POLLOUT;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            end(init, 125);
        if (fds[0].revents)
            obey(init);
        tell_news(init);
        if (fds[1].revents)
            read_signals(init);
        reap(init);
    }
}
