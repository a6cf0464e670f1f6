/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* All but what cannot be blocked, what says that we are broken, and SIGCHLD and SIGPIPE, which are
 * ours. */
static void fill_passed_on(sigset_t *ret_set)
{
    static const int ours[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP,
                               SIGSYS,  SIGABRT, SIGCHLD, SIGPIPE, SIGPROF, SIGXCPU, SIGVTALRM};
    sigfillset(ret_set);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        sigdelset(ret_set, ours[i]);
}

int signals_start(struct signals *ret_signals)
{
    sigset_t set;
    fill_passed_on(&set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    ret_signals->fd = fd;
    sigprocmask(SIG_BLOCK, &set, &ret_signals->saved_mask);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &ret_signals->saved_pipe);
    /* An inherited SIG_IGN would reap init behind our back. */
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &standard, &ret_signals->saved_child);
    return 0;
}

void signals_restore(const struct signals *signals)
{
    sigaction(SIGPIPE, &signals->saved_pipe, NULL);
    sigaction(SIGCHLD, &signals->saved_child, NULL);
    sigprocmask(SIG_SETMASK, &signals->saved_mask, NULL);
}

void signals_stop(struct signals *signals)
{
    if (signals->fd < 0)
        return;
    /* What waits now was meant for a program that is gone. */
    while (signals_next(signals) > 0)
        continue;
    close(signals->fd);
    signals->fd = -1;
    signals_restore(signals);
}

/* How many process id namespaces, from ours inwards, a process is in; 0 when it cannot be known. */
static int namespace_depth(pid_t pid)
{
    char path[48], line[256];
    int depth = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return 0;
    while (depth == 0 && fgets(line, sizeof(line), status)) {
        if (strncmp(line, "NSpid:", 6) != 0)
            continue;
        for (const char *c = line; *c; c++)
            depth += *c == '\t';
    }
    fclose(status);
    return depth;
}

static bool is_from_inside(pid_t sender)
{
    return sender > 0 && namespace_depth(sender) > namespace_depth(getpid());
}

static bool is_to_pass_on(const struct signalfd_siginfo *info)
{
    if (info->ssi_code != SI_USER && info->ssi_code != SI_TKILL && info->ssi_code != SI_QUEUE)
        return false;
    return !is_from_inside((pid_t)info->ssi_pid);
}

int signals_next(struct signals *signals)
{
    struct signalfd_siginfo info;
    while (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (is_to_pass_on(&info))
            return (int)info.ssi_signo;
    return 0;
}

int signals_stop_like(int signal)
{
    return signal == SIGTTIN || signal == SIGTTOU ? signal : SIGTSTP;
}
