/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The filter is written by hand: it is short, and so there is nothing to install for it. */
#if defined(__x86_64__)
#define NATIVE         AUDIT_ARCH_X86_64
#define X32            0x40000000
#define FOREIGN_SOCKET 359 /* of i386 */
#define FOREIGN_CALLS  102 /* its socketcall(2) */
#elif defined(__aarch64__)
#define NATIVE         AUDIT_ARCH_AARCH64
#define FOREIGN_SOCKET 281 /* of 32-bit ARM */
#define FOREIGN_CALLS  281
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE         AUDIT_ARCH_RISCV64
#define FOREIGN_SOCKET SYS_socket
#define FOREIGN_CALLS  SYS_socket
#endif

#ifdef NATIVE

#define DATA(member) (uint32_t) offsetof(struct seccomp_data, member)
/* The halves of an argument: the machines above are little-endian. */
#define LOW(n)  (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n))
#define HIGH(n) (LOW(n) + 4)

#define LOAD(at)       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define ERROR(errnum)  RETURN(SECCOMP_RET_ERRNO | (errnum))
#define ALLOW          RETURN(SECCOMP_RET_ALLOW)
#define ASK            RETURN(SECCOMP_RET_USER_NOTIF)
/* If what was loaded is x, on over the next `yes` instructions, else over the next `no`. */
#define IF(x, yes, no)  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(x), yes, no)
#define ASK_IF(nr)      IF(nr, 0, 1), ASK
#define ERROR_IF(nr, e) IF(nr, 0, 1), ERROR(e)

static const struct sock_filter instructions[] = {
    LOAD(DATA(arch)),
    IF(NATIVE, 8, 0),
    LOAD(DATA(nr)),
    ERROR_IF(FOREIGN_SOCKET, EAFNOSUPPORT),
    ERROR_IF(FOREIGN_CALLS, EAFNOSUPPORT),
    ERROR_IF(SYS_io_uring_setup, ENOSYS), /* it has one number on all machines */
    ALLOW,

    LOAD(DATA(nr)),
#ifdef X32
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1),
    ERROR(ENOSYS),
#endif
    IF(SYS_socket, 0, 6),
    LOAD(LOW(0)),
    ASK_IF(AF_INET),
    ASK_IF(AF_INET6),
    ALLOW,

    ASK_IF(SYS_connect),
    ASK_IF(SYS_sendmsg),
    ASK_IF(SYS_recvmsg),
    ASK_IF(SYS_sendmmsg),
    ASK_IF(SYS_recvmmsg),
    ASK_IF(SYS_getsockopt),
    ASK_IF(SYS_setsockopt),
    ASK_IF(SYS_getsockname),
    ASK_IF(SYS_getpeername),
    ASK_IF(SYS_shutdown),
    ASK_IF(SYS_bind),
    ASK_IF(SYS_listen),
#ifdef SYS_accept
    ASK_IF(SYS_accept),
#endif
    ASK_IF(SYS_accept4),
    ERROR_IF(SYS_io_uring_setup, ENOSYS),

    /* Only with an address. */
    IF(SYS_sendto, 2, 0),
    IF(SYS_recvfrom, 1, 0),
    ALLOW,
    LOAD(LOW(4)),
    IF(0, 0, 2),
    LOAD(HIGH(4)),
    IF(0, 1, 0),
    ASK,
    ALLOW,
};

static int install(void)
{
    const struct sock_fprog program = {.len = sizeof(instructions) / sizeof(instructions[0]),
                                       .filter = (struct sock_filter *)(uintptr_t)instructions};
    /*
     * Without SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: a signal must interrupt a call that waits for
     * its answer, or no handler would run while a program is in accept(2).
     */
    long fd =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    return fd < 0 ? -errno : (int)fd;
}

size_t notify_filter_program(const struct sock_filter **ret_instructions)
{
    *ret_instructions = instructions;
    return sizeof(instructions) / sizeof(instructions[0]);
}

int notify_filter_install(void)
{
    int fd = install();
    if (fd != -EACCES)
        return fd;
    /* seccomp(2): who has no CAP_SYS_ADMIN must give up set-uid programs first. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    fd = install();
    return fd < 0 ? fd : fd | NOTIFY_FILTER_NO_NEW_PRIVS;
}

#else

size_t notify_filter_program(const struct sock_filter **ret_instructions)
{
    *ret_instructions = NULL;
    return 0;
}

int notify_filter_install(void)
{
    return -ENOSYS;
}

#endif
