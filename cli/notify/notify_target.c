/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int transfer(pid_t tid, const struct iovec *pieces, size_t count, void *local, size_t size,
                    bool write)
{
    const struct iovec here = {.iov_base = local, .iov_len = size};
    ssize_t n = write ? process_vm_writev(tid, &here, 1, pieces, count, 0)
                      : process_vm_readv(tid, &here, 1, pieces, count, 0);
    if (n < 0)
        return -errno;
    return (size_t)n == size ? 0 : -EFAULT;
}

int notify_target_read(pid_t tid, uint64_t address, void *to, size_t size)
{
    const struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
    return size == 0 ? 0 : transfer(tid, &there, 1, to, size, false);
}

int notify_target_write(pid_t tid, uint64_t address, const void *from, size_t size)
{
    const struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
    return size == 0 ? 0 : transfer(tid, &there, 1, (void *)(uintptr_t)from, size, true);
}

int notify_target_gather(pid_t tid, const struct iovec *pieces, size_t count, void *to, size_t size)
{
    return size == 0 ? 0 : transfer(tid, pieces, count, to, size, false);
}

int notify_target_scatter(pid_t tid, const struct iovec *pieces, size_t count, const void *from,
                          size_t size)
{
    return size == 0 ? 0 : transfer(tid, pieces, count, (void *)(uintptr_t)from, size, true);
}

uint64_t notify_target_inode(pid_t tid, int fd)
{
    static const char prefix[] = "socket:[";
    char path[64], text[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);
    ssize_t n = readlink(path, text, sizeof(text) - 1);
    if (n < (ssize_t)sizeof(prefix) || memcmp(text, prefix, sizeof(prefix) - 1) != 0)
        return 0;
    text[n] = '\0';
    return strtoull(text + sizeof(prefix) - 1, NULL, 10);
}

/* The process of a thread, from /proc. */
static pid_t process_of(pid_t tid)
{
    static const char word[] = "Tgid:";
    char path[64], line[128];
    pid_t pid = -1;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (pid < 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, word, sizeof(word) - 1) == 0)
            pid = (pid_t)strtol(line + sizeof(word) - 1, NULL, 10);
    fclose(file);
    return pid;
}

static int open_process(pid_t tid)
{
    int fd = (int)syscall(SYS_pidfd_open, tid, 0);
    if (fd >= 0 || errno == ENOSYS || errno == EPERM || errno == EMFILE)
        return fd < 0 ? -errno : fd;
    pid_t pid = process_of(tid); /* a thread that is not the first has no pidfd */
    if (pid < 0)
        return -ESRCH;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

int notify_target_get_descriptor(pid_t tid, int fd)
{
    int process = open_process(tid);
    if (process < 0)
        return process;
    int got = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
    int r = got < 0 ? -errno : got;
    close(process);
    return r;
}

int notify_target_take(pid_t tid, int fd, uint64_t inode, int *ret_nonblocking)
{
    struct stat status;
    int got = notify_target_get_descriptor(tid, fd);
    if (got < 0)
        return got;
    if (fstat(got, &status) < 0 || !S_ISSOCK(status.st_mode) || status.st_ino != inode) {
        close(got);
        return -EBADF;
    }
    if (ret_nonblocking != NULL)
        *ret_nonblocking = (fcntl(got, F_GETFL) & O_NONBLOCK) != 0;
    return got;
}
