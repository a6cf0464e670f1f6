/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confines itself as nst does and then makes one call: ends with 0 when it came back, or by SIGSYS.
 *
 *     confine_probe PARTS CALL
 *
 * PARTS: a number, enum confine_part. CALL: a name of the table below; "text" prints the sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "confine/confine.h"

enum {
    PAGE = 4096
};

static char byte;
static struct iovec piece = {&byte, 1};

static void call_execve(void)
{
    char *const none[] = {NULL};
    execve("/bin/true", none, none);
}

static void call_mmap(int protection)
{
    if (mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        exit(2);
}

static void call_mmap_exec(void)
{
    call_mmap(PROT_READ | PROT_EXEC);
}

static void call_mmap_data(void)
{
    call_mmap(PROT_READ | PROT_WRITE);
}

static void call_mprotect_exec(void)
{
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page, PAGE, PROT_READ | PROT_EXEC);
}

/* A call that a program of 32 bits makes, from one of 64: getpid(2). */
static void call_int80(void)
{
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
#else
    raise(SIGSYS);
#endif
}

/* The bit of x32. */
static void call_x32(void)
{
    syscall(0x40000000 | SYS_getpid);
}

static void call_socket(int family, int type, int protocol)
{
    if (socket(family, type, protocol) < 0)
        exit(2);
}

static void call_inet(void)
{
    call_socket(AF_INET, SOCK_STREAM, 0);
}

static void call_inet6(void)
{
    if (socket(AF_INET6, SOCK_DGRAM, 0) < 0 && errno != EAFNOSUPPORT)
        exit(2);
}

static void call_netlink(void)
{
    call_socket(16, SOCK_RAW, 0);
}

static void call_packet(void)
{
    call_socket(17, SOCK_RAW, 0);
}

static void call_unix(void)
{
    call_socket(AF_UNIX, SOCK_STREAM, 0);
}

/* The kernel looks at 32 bits of the family: so must the filter. */
static void call_unix_high(void)
{
    syscall(SYS_socket, 0x100000000 | AF_UNIX, SOCK_STREAM, 0);
}

/* Raw sockets are AF_INET: not the filter forbids them but the lack of rights. */
static void call_raw(void)
{
    if (socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 || errno != EPERM)
        exit(2);
}

static void call_socketpair(void)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        exit(2);
}

static void call_open(void)
{
    if (open("/dev/null", O_RDONLY) < 0)
        exit(2);
}

static void call_open_write(void)
{
    open("/dev/null", O_WRONLY);
}

static void call_create(void)
{
    open("confine_probe.made", O_RDONLY | O_CREAT, 0600);
}

static void call_fork(void)
{
    if (fork() == 0)
        _exit(0);
}

static void call_ptrace(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void call_vm_readv(void)
{
    if (process_vm_readv(getpid(), &piece, 1, &piece, 1, 0) < 0)
        exit(2);
}

static void call_tiocsti(void)
{
    ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static void call_kill_other(void)
{
    kill(1, SIGTERM);
}

static void call_kill_self(void)
{
    if (kill(getpid(), SIGCHLD) < 0)
        exit(2);
}

static void call_kill_nothing(void)
{
    kill(-1, 0);
}

/* The process that may be killed is 2 here (see main), and by SIGKILL only. */
static void call_kill_init(void)
{
    kill(2, SIGTERM);
}

static void call_prctl(void)
{
    prctl(PR_SET_DUMPABLE, 1);
}

static void call_setuid(void)
{
    syscall(SYS_setuid, getuid());
}

static void call_bind(void)
{
    syscall(SYS_bind, -1, NULL, 0);
}

static void call_io_uring(void)
{
    syscall(425, 0, NULL);
}

static void call_clone3(void)
{
    syscall(435, NULL, 0);
}

static void call_memfd(void)
{
    syscall(SYS_memfd_create, "x", 0);
}

static void call_dup_fcntl(void)
{
    fcntl(STDIN_FILENO, F_DUPFD, 10);
}

static void call_lseek(void)
{
    lseek(STDIN_FILENO, 0, SEEK_CUR);
}

static void call_stdio(void)
{
    printf("%s", "");
    free(malloc(1u << 20));
    fprintf(stderr, "%d\n", 1);
}

/* abort(3) must look like abort(3). */
static void call_abort(void)
{
    abort();
}

static const struct {
    const char *name;
    void (*make)(void);
} calls[] = {
    {"execve", call_execve},
    {"mmap_exec", call_mmap_exec},
    {"mmap_data", call_mmap_data},
    {"mprotect_exec", call_mprotect_exec},
    {"int80", call_int80},
    {"x32", call_x32},
    {"inet", call_inet},
    {"inet6", call_inet6},
    {"netlink", call_netlink},
    {"packet", call_packet},
    {"unix", call_unix},
    {"unix_high", call_unix_high},
    {"raw", call_raw},
    {"socketpair", call_socketpair},
    {"open", call_open},
    {"open_write", call_open_write},
    {"create", call_create},
    {"fork", call_fork},
    {"ptrace", call_ptrace},
    {"vm_readv", call_vm_readv},
    {"tiocsti", call_tiocsti},
    {"kill_other", call_kill_other},
    {"kill_self", call_kill_self},
    {"kill_nothing", call_kill_nothing},
    {"kill_init", call_kill_init},
    {"prctl", call_prctl},
    {"setuid", call_setuid},
    {"bind", call_bind},
    {"io_uring", call_io_uring},
    {"clone3", call_clone3},
    {"memfd", call_memfd},
    {"dup_fcntl", call_dup_fcntl},
    {"lseek", call_lseek},
    {"stdio", call_stdio},
    {"abort", call_abort},
};

static int show(const char *text)
{
    char line[256];
    printf("%s\n", text);
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNew", 5) == 0)
            fputs(line, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    char text[CONFINE_TEXT_SIZE];
    const struct confine_options options = {
        .parts = argc == 3 ? (unsigned)strtoul(argv[1], NULL, 0) : 0, .init_pid = 2};
    if (argc != 3)
        return 2;
    int error = confine_self(&options, text);
    if (strcmp(argv[2], "text") == 0)
        return show(text);
    if (error < 0) {
        fprintf(stderr, "confine_probe: %s\n", text);
        return 3;
    }
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(argv[2], calls[i].name) == 0) {
            calls[i].make();
            return 0;
        }
    return 2;
}
