/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: limits of processes, and the libraries of this build. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"
#include "doctor/doctor_try.h"

enum {
    DESCRIPTORS_GOOD = 1024, /* fewer, and a browser would fill them */
    DESCRIPTORS_OWN = 16,    /* of nst itself, about */
    PROCESSES = 3,           /* init, the program, and one that it starts */
    LOCKED = 65536
};

/* "1024", "unlimited" */
static const char *limit_text(rlim_t limit, char *text, size_t size)
{
    if (limit == RLIM_INFINITY)
        snprintf(text, size, "unlimited");
    else
        snprintf(text, size, "%llu", (unsigned long long)limit);
    return text;
}

static void check_descriptors(struct doctor_result *result)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        (limit.rlim_max != RLIM_INFINITY && dup2(STDERR_FILENO, (int)limit.rlim_max - 1) < 0 &&
         errno != EBADF))
        doctor_fails(result, errno, "ulimit -Hn 65536",
                     "the limit of %llu descriptors cannot be reached",
                     (unsigned long long)limit.rlim_max);
    else if (limit.rlim_max < 2 * DESCRIPTORS_OWN)
        doctor_fails(result, EMFILE, "ulimit -Hn 65536", "%llu, too few to start",
                     (unsigned long long)limit.rlim_max);
    else
        doctor_works(result, "%llu: as many flows at once, less %d",
                     (unsigned long long)limit.rlim_max, DESCRIPTORS_OWN);
    if (limit.rlim_max < DESCRIPTORS_GOOD && result->help[0] == '\0')
        snprintf(result->help, sizeof(result->help), "for more: ulimit -Hn 65536");
}

static void check_processes(struct doctor_result *result)
{
    struct rlimit limit;
    char text[24];
    pid_t pids[PROCESSES];
    int count = 0;
    while (count < PROCESSES && (pids[count] = doctor_try_start_child()) > 0)
        count++;
    int error = errno;
    for (int i = 0; i < count; i++)
        doctor_try_end_child(pids[i]);
    getrlimit(RLIMIT_NPROC, &limit);
    if (count == PROCESSES)
        doctor_works(result, "%s", limit_text(limit.rlim_cur, text, sizeof(text)));
    else
        doctor_fails(result, error, "ulimit -u 4096 (systemd: TasksMax=)",
                     "no more than %d processes could be started", count);
}

static void check_memlock(struct doctor_result *result)
{
    struct rlimit limit;
    char text[24];
    getrlimit(RLIMIT_MEMLOCK, &limit);
    void *memory = mmap(NULL, LOCKED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mlock(memory, LOCKED) < 0)
        doctor_fails(result, errno, "ulimit -l 65536", "not even 64 KiB can be locked");
    else
        doctor_works(result, "%s bytes", limit_text(limit.rlim_cur, text, sizeof(text)));
}

static const struct doctor_check limits[] = {
    {"descriptors", check_descriptors, NULL, 0, false},
    {"processes", check_processes, NULL, 0, false},
    {"locked_memory", check_memlock, NULL, 0, true},
};

const struct doctor_group doctor_limits = {"limits", limits, sizeof(limits) / sizeof(limits[0])};
