/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

void descriptors_reserve_standard(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static void close_between(unsigned first, unsigned last)
{
    if (first > last)
        return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0) == 0)
        return;
#endif
    /* Kernels before 5.9: one by one, as far as descriptors can reach. */
    long open_max = sysconf(_SC_OPEN_MAX);
    unsigned end = open_max > 0 ? (unsigned)open_max : 65536;
    for (unsigned fd = first; fd <= last && fd < end; fd++)
        close((int)fd);
}

void descriptors_close_except(const int *keep, size_t count)
{
    unsigned next = 0;
    for (size_t i = 0; i < count; i++) {
        if (keep[i] > 0)
            close_between(next, (unsigned)keep[i] - 1);
        next = (unsigned)keep[i] + 1;
    }
    close_between(next, UINT_MAX);
}

void descriptors_raise_limit(struct rlimit *ret_saved)
{
    if (getrlimit(RLIMIT_NOFILE, ret_saved) < 0) {
        *ret_saved = (struct rlimit){.rlim_cur = 1024, .rlim_max = 1024};
        return;
    }
    struct rlimit raised = {.rlim_cur = ret_saved->rlim_max, .rlim_max = ret_saved->rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
}
