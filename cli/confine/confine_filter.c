/* SPDX-License-Identifier: Apache-2.0 */
/* Which system calls nst may make while it serves, and why: see confine.h. */
#include "confine/confine_filter.h"

#include <stddef.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SANITIZED)
/* Sanitizers start threads, trace and read files when they look for leaks. */
#define LACK "this nst was built with sanitizers, which need more calls than it does"
#elif !defined(NST_HAVE_SECCOMP)
#define LACK \
    "this nst was built without libseccomp (apt-get install libseccomp-dev, then build again)"
#endif

#ifdef LACK

#include <errno.h>

const char *confine_filter_lack(void)
{
    return LACK;
}

int confine_filter_install(const struct confine_options *options, unsigned *ret_count)
{
    (void)options;
    (void)ret_count;
    return -ENOSYS;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* A call that libseccomp does not know by name yet has the same number on every architecture. */
#define EPOLL_PWAIT2 441

#define SERVE   CONFINE_SERVE
#define CAPTURE CONFINE_CAPTURE
#define NOTIFY  CONFINE_NOTIFY
#define TOP     CONFINE_TOP
#define RECORD  CONFINE_RECORD
#define FLOWS   CONFINE_FLOWS
#define OPEN    CONFINE_OPEN

/* One argument: is the value, of which the kernel looks at 32 bits; has none of the bits. */
#define IS(number, value)                                                 \
    {                                                                     \
        .arg = (number), .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xffffffff, \
        .datum_b = (uint32_t)(value)                                      \
    }
#define LACKS(number, bits)                                                        \
    {                                                                              \
        .arg = (number), .op = SCMP_CMP_MASKED_EQ, .datum_a = (bits), .datum_b = 0 \
    }

/* A call that is allowed, if the condition holds where there is one. */
struct rule {
    const char *name;
    unsigned part; /* whoever needs it */
    int number;    /* where the name is unknown; 0: then the machine has no such call */
    unsigned conditions;
    struct scmp_arg_cmp condition;
};

static const struct rule rules[] = {
    /* The link, the host's sockets, the control line, the signalfd, what is said on stderr. */
    {"read", SERVE},
    {"readv", SERVE},
    {"write", SERVE},
    {"writev", SERVE},
    {"recv", SERVE},
    {"recvfrom", SERVE},
    {"recvmsg", SERVE},
    {"recvmmsg", SERVE},
    {"recvmmsg_time64", SERVE},
    {"send", SERVE},
    {"sendto", SERVE},
    {"sendmsg", SERVE},
    {"sendmmsg", SERVE},
    {"close", SERVE},

    /* The loop waits. */
    {"epoll_ctl", SERVE},
    {"epoll_wait", SERVE},
    {"epoll_pwait", SERVE},
    {"epoll_pwait2", SERVE, EPOLL_PWAIT2},

    /* Flows: a socket each. Netlink, packet and unix sockets are not among them. */
    {"socket", FLOWS, 0, 1, IS(0, AF_INET)},
    {"socket", FLOWS, 0, 1, IS(0, AF_INET6)},
    {"connect", FLOWS},
    /* The control socket, published ports; they are bound and listening by now. */
    {"accept4", SERVE},
    {"shutdown", SERVE},
    {"getsockopt", SERVE},
    {"setsockopt", SERVE},
    {"getsockname", SERVE},
    {"getpeername", SERVE},

    /* Memory, never executable. The C library reads its random number when it first allocates. */
    {"brk", SERVE},
    {"mmap", SERVE, 0, 1, LACKS(2, PROT_EXEC)},
    {"mmap2", SERVE, 0, 1, LACKS(2, PROT_EXEC)},
    {"mprotect", SERVE, 0, 1, LACKS(2, PROT_EXEC)},
    {"munmap", SERVE},
    {"mremap", SERVE},
    {"madvise", SERVE},
    {"getrandom", SERVE},
    {"futex", SERVE},
    {"futex_time64", SERVE},

    /* Time, where the vDSO does not tell it. */
    {"clock_gettime", SERVE},
    {"clock_gettime64", SERVE},
    {"gettimeofday", SERVE},

    /* What stdio asks of a descriptor before it allocates a buffer. */
    {"fstat", SERVE},
    {"fstat64", SERVE},
    {"newfstatat", SERVE, 0, 1, IS(3, AT_EMPTY_PATH)},

    /* Job control: nst stops like the program, wakes up by O_ASYNC, gives the terminal back. kill
     * is below. */
    {"fcntl", SERVE, 0, 1, IS(1, F_GETFL)},
    {"fcntl", SERVE, 0, 1, IS(1, F_SETFL)},
    {"fcntl", SERVE, 0, 1, IS(1, F_SETOWN)},
    {"fcntl", SERVE, 0, 1, IS(1, F_SETSIG)},
    {"ioctl", SERVE, 0, 1, IS(1, TIOCGPGRP)},
    {"ioctl", SERVE, 0, 1, IS(1, TIOCSPGRP)},
    {"getpid", SERVE},
    {"gettid", SERVE},
    {"getpgrp", SERVE},
    {"getpgid", SERVE},
    {"rt_sigprocmask", SERVE},
    {"rt_sigpending", SERVE},
    {"rt_sigaction", SERVE},
    {"rt_sigreturn", SERVE},
    {"rt_sigtimedwait", SERVE},
    {"rt_sigtimedwait_time64", SERVE},
    {"restart_syscall", SERVE}, /* the kernel's own, after a stop */

    /* The end: init is waited for. */
    {"wait4", SERVE},
    {"waitid", SERVE},
    {"exit", SERVE},
    {"exit_group", SERVE},

    /* Files of a capture, which are open, a ring of them too; its streams are polled at the end. */
    {"lseek", CAPTURE | NOTIFY},
    {"_llseek", CAPTURE | NOTIFY},
    {"ftruncate", CAPTURE | RECORD},
    {"ftruncate64", CAPTURE | RECORD},
    {"pwrite64", CAPTURE | RECORD},
    {"pwritev", CAPTURE},
    {"poll", CAPTURE | NOTIFY | TOP}, /* has stderr room? */
    {"ppoll", CAPTURE | NOTIFY | TOP},
    {"ppoll_time64", CAPTURE | NOTIFY | TOP},
    {"fcntl", CAPTURE, 0, 1, IS(1, F_DUPFD_CLOEXEC)}, /* a client's socket, for its stream */

    /* The file of a recording grows, by windows that are mapped: mmap is above. */
    {"fallocate", RECORD},

    /* Devices: /dev/net/tun, and packet sockets on an interface whose number and MTU are asked. */
    {"open", OPEN, 0, 1, LACKS(1, O_CREAT | O_TRUNC)},
    {"openat", OPEN, 0, 1, LACKS(2, O_CREAT | O_TRUNC)},
    {"ioctl", OPEN, 0, 1, IS(1, TUNSETIFF)},
    {"ioctl", OPEN, 0, 1, IS(1, TUNSETVNETHDRSZ)},
    {"ioctl", OPEN, 0, 1, IS(1, TUNSETOFFLOAD)},
    {"socket", OPEN, 0, 1, IS(0, AF_PACKET)},
    {"socket", OPEN, 0, 1, IS(0, AF_UNIX)}, /* to ask by: the C library's choice, and ours */
    {"socket", OPEN, 0, 1, IS(0, AF_INET)},
    {"ioctl", OPEN, 0, 1, IS(1, SIOCGIFINDEX)},
    {"ioctl", OPEN, 0, 1, IS(1, SIOCGIFMTU)},
    {"bind", OPEN},

    /* A table on the terminal: how large is that? */
    {"ioctl", TOP, 0, 1, IS(1, TIOCGWINSZ)},

    /* Calls of the program come by the listener and are answered; its memory is read and written,
     * its descriptors are looked up and fetched, sockets are made and handed in. */
    {"ioctl", NOTIFY, 0, 1, IS(1, SECCOMP_IOCTL_NOTIF_RECV)},
    {"ioctl", NOTIFY, 0, 1, IS(1, SECCOMP_IOCTL_NOTIF_SEND)},
    {"ioctl", NOTIFY, 0, 1, IS(1, SECCOMP_IOCTL_NOTIF_ID_VALID)},
#ifdef SECCOMP_IOCTL_NOTIF_ADDFD
    {"ioctl", NOTIFY, 0, 1, IS(1, SECCOMP_IOCTL_NOTIF_ADDFD)},
#endif
    {"ioctl", NOTIFY, 0, 1, IS(1, FIONBIO)},
    {"ioctl", NOTIFY, 0, 1, IS(1, FIONREAD)},
    {"ioctl", NOTIFY, 0, 1, IS(1, TIOCOUTQ)}, /* is SIOCOUTQ */
    {"process_vm_readv", NOTIFY},
    {"process_vm_writev", NOTIFY},
    {"pidfd_open", NOTIFY, 434},
    {"pidfd_getfd", NOTIFY, 438},
    {"readlink", NOTIFY},
    {"readlinkat", NOTIFY},
    {"open", NOTIFY, 0, 1, LACKS(1, O_ACCMODE | O_CREAT | O_TRUNC)},
    {"openat", NOTIFY, 0, 1, LACKS(2, O_ACCMODE | O_CREAT | O_TRUNC)},
    {"socketpair", NOTIFY, 0, 1, IS(0, AF_UNIX)},
    /* At the end: what the program left behind is looked for in /proc and killed, where init did
     * not. */
    {"kill", NOTIFY, 0, 1, IS(1, SIGKILL)},
    {"kill", NOTIFY, 0, 1, IS(1, SIGSTOP)},
    {"kill", NOTIFY, 0, 1, IS(1, SIGCONT)},
    {"getdents64", NOTIFY},
    {"nanosleep", NOTIFY},
    {"clock_nanosleep", NOTIFY},
    {"clock_nanosleep_time64", NOTIFY},
};

const char *confine_filter_lack(void)
{
    return NULL;
}

/* What this machine does not have is left out; libseccomp gives it a number below zero. */
static int add_rule(scmp_filter_ctx filter, const struct rule *rule)
{
    int number = seccomp_syscall_resolve_name(rule->name);
    if (number == __NR_SCMP_ERROR && rule->number != 0)
        number = rule->number;
    if (number == __NR_SCMP_ERROR)
        return 0;
    int error =
        seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, rule->conditions, &rule->condition);
    return error < 0 && number < 0 ? 0 : error;
}

/* Signals to nst itself (a stop; abort), the end of init, and whether somebody is there. */
static int add_signals(scmp_filter_ctx filter, pid_t init_pid)
{
    const struct scmp_arg_cmp self = IS(0, getpid());
    const struct scmp_arg_cmp nothing = IS(1, 0);
    const struct scmp_arg_cmp end[] = {IS(0, init_pid), IS(1, SIGKILL)};
    int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, self);
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, self);
    if (error == 0)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, nothing);
    if (error == 0 && init_pid > 0)
        error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2, end);
    return error;
}

/* The filter decides in a few steps however many calls it names, and costs no protection against
 * speculation, which is for code of strangers. Old libraries do without. */
static void set_attributes(scmp_filter_ctx filter, uint32_t kill)
{
    seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, kill);
#if SCMP_VER_MAJOR > 2 || (SCMP_VER_MAJOR == 2 && SCMP_VER_MINOR >= 5)
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
#endif
}

int confine_filter_install(const struct confine_options *options, unsigned *ret_count)
{
    const unsigned kills_process = 3; /* the API level from which on a filter can: Linux 4.14 */
    uint32_t kill = seccomp_api_get() >= kills_process ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_KILL;
    unsigned parts = options->parts | CONFINE_SERVE, count = 4;
    scmp_filter_ctx filter = seccomp_init(kill);
    if (filter == NULL)
        return -ENOMEM;
    set_attributes(filter, kill);
    int error = add_signals(filter, options->init_pid);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && error == 0; i++) {
        if ((rules[i].part & parts) == 0)
            continue;
        error = add_rule(filter, &rules[i]);
        count++;
    }
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    *ret_count = count;
    /* An error of the kernel is told so by libraries that do not say which. */
    return error == -ECANCELED ? -EPERM : error;
}

#endif
