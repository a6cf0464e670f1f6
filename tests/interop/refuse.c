/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program in a world where something is refused, as containers do it:
 *
 *     refuse inet6|packet|netlink|namespaces|mount PROGRAM [ARGUMENTS]
 *
 * inet6, packet, netlink: sockets of that family (EAFNOSUPPORT; netlink EPERM). namespaces: clone
 * and unshare of them (EPERM). mount: EPERM.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
/* Goes on with the next line if it is, else over `n` lines. */
#define IF(value, n)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define IF_ANY(bits)  BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1)
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

static int confine(struct sock_filter *code, unsigned short count)
{
    const struct sock_fprog program = {.len = count, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int refuse_family(unsigned family, unsigned error)
{
    struct sock_filter code[] = {LOAD(nr),      IF(SYS_socket, 3), LOAD(args[0]),
                                 IF(family, 1), REFUSE(error),     ALLOW};
    return confine(code, sizeof(code) / sizeof(code[0]));
}

static int refuse_call(unsigned number)
{
    struct sock_filter code[] = {LOAD(nr), IF(number, 1), REFUSE(EPERM), ALLOW};
    return confine(code, sizeof(code) / sizeof(code[0]));
}

static int refuse_namespaces(void)
{
    struct sock_filter code[] = {LOAD(nr),           IF(SYS_clone, 3), LOAD(args[0]),
                                 IF_ANY(NAMESPACES), REFUSE(EPERM),    ALLOW};
    return refuse_call(SYS_unshare) < 0 ? -1 : confine(code, sizeof(code) / sizeof(code[0]));
}

static int refuse(const char *what)
{
    if (strcmp(what, "inet6") == 0)
        return refuse_family(AF_INET6, EAFNOSUPPORT);
    if (strcmp(what, "packet") == 0)
        return refuse_family(AF_PACKET, EAFNOSUPPORT);
    if (strcmp(what, "netlink") == 0)
        return refuse_family(AF_NETLINK, EPERM);
    if (strcmp(what, "namespaces") == 0)
        return refuse_namespaces();
    if (strcmp(what, "mount") == 0)
        return refuse_call(SYS_mount);
    errno = EINVAL;
    return -1;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    if (refuse(argv[1]) < 0) {
        perror("refuse");
        return 3;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
