/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/signals.h"

#include <errno.h>
#include <stdbool.h>
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
    while (signals_next(signals->fd) > 0)
        continue;
    close(signals->fd);
    signals->fd = -1;
    signals_restore(signals);
}

static bool was_sent_by_process(const struct signalfd_siginfo *info)
{
    return info->ssi_code == SI_USER || info->ssi_code == SI_TKILL || info->ssi_code == SI_QUEUE;
}

int signals_next(int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (was_sent_by_process(&info))
            return (int)info.ssi_signo;
    return 0;
}

int signals_stop_like(int signal)
{
    return signal == SIGTTIN || signal == SIGTTOU ? signal : SIGTSTP;
}
