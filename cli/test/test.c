/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst test: runs packet scripts, many at once, and tells how they went.
 *
 * Each script has a world of its own, so they share nothing. Worker processes take the next script
 * of the list, whose number they count up in shared memory, and send reports through a pipe each;
 * one that dies costs the script that it was at, and another takes its place.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "script/script.h"
#include "test/test_read.h"
#include "test/test_report.h"
#include "tool/file.h"
#include "tool/options.h"

#define WORKERS_MAX 64

struct test_options {
    bool ipv6, strict, verbose, time_line, json, help;
    uint64_t jobs;
};

#define AT(member) offsetof(struct test_options, member)

static const struct option_spec specs[] = {
    {"jobs", 'J', OPTION_SIZE, "N", "scripts at once; as many as there are processors", AT(jobs)},
    {"ipv6", '6', OPTION_FLAG, NULL, "scripts that name no --ip_version run over IPv6", AT(ipv6)},
    {"strict", 's', OPTION_FLAG, NULL, "a packet that a script does not name at its end fails it",
     AT(strict)},
    {"verbose", 'v', OPTION_FLAG, NULL, "how long each script took", AT(verbose)},
    {"time-line", 't', OPTION_FLAG, NULL, "what happened, even where a script passed",
     AT(time_line)},
    {"json", 'j', OPTION_FLAG, NULL, "one JSON object a line", AT(json)},
    {"help", 'h', OPTION_FLAG, NULL, "this", AT(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

static int usage(void)
{
    printf("usage: nst test [options] FILE...\n\nRuns packet scripts in virtual time.\n\n");
    options_print(specs);
    printf("\nExit status: 0 none failed, 1 some did, 2 the command line is wrong.\n");
    return 0;
}

/* What all workers share. */
struct shared {
    atomic_int next; /* the first script that nobody has taken */
};

struct worker {
    pid_t pid; /* 0: none */
    int fd;    /* its reports */
    int at;    /* the script that it said it takes, -1: none */
    struct test_reader reader;
};

struct testing {
    const struct test_options *options;
    char **files;
    int count;
    struct shared *shared;
    struct worker workers[WORKERS_MAX];
    struct test_result *results; /* by file */
    int told;                    /* the results before have been printed */
};

/* ---- The worker ---- */

static void run_one(const struct testing *t, int n, int fd)
{
    const struct script_options options = {t->options->strict, t->options->time_line,
                                           t->options->ipv6};
    struct script_report report = {SCRIPT_FAILED, NULL, NULL};
    struct timespec from, to;
    size_t len;
    clock_gettime(CLOCK_MONOTONIC, &from);
    char *text = file_read(t->files[n], FILE_ANY_SIZE, &len);
    if (text == NULL) {
        char why[256];
        snprintf(why, sizeof(why), "cannot be read: %s", strerror(errno));
        report.reason = strdup(why);
        report.detail = strdup("");
    } else {
        script_run(t->files[n], text, len, &options, &report);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    const struct test_head head = {
        .file = n,
        .verdict = (int)report.verdict,
        .micros = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000,
    };
    test_send(fd, &head, report.reason, report.detail);
    script_report_free(&report);
    free(text);
}

static void work(const struct testing *t, int fd)
{
    for (;;) {
        const int n = atomic_fetch_add(&t->shared->next, 1);
        if (n >= t->count)
            return;
        const struct test_head head = {.file = n, .verdict = TEST_BEGINS};
        test_send(fd, &head, "", "");
        run_one(t, n, fd);
    }
}

/* ---- The parent ---- */

static bool start(struct testing *t, struct worker *w)
{
    int fds[2];
    fflush(NULL);
    if (pipe(fds) < 0)
        return false;
    const pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        work(t, fds[1]);
        _exit(0);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return false;
    }
    w->pid = pid;
    w->fd = fds[0];
    w->at = -1;
    return true;
}

/* Prints the results that are next in order. */
static void tell(struct testing *t)
{
    while (t->told < t->count && t->results[t->told].reason != NULL) {
        struct test_result *r = &t->results[t->told];
        test_print(r, t->files[t->told], t->options->verbose, t->options->json);
        t->told++;
    }
}

static void take(struct testing *t, struct worker *w)
{
    struct test_head head;
    char *reason, *detail;
    while (test_receive(&w->reader, &head, &reason, &detail)) {
        if (head.verdict == TEST_BEGINS) {
            w->at = head.file;
            free(reason);
            free(detail);
            continue;
        }
        w->at = -1;
        t->results[head.file] =
            (struct test_result){(enum script_verdict)head.verdict, head.micros, reason, detail};
    }
    tell(t);
}

/* The worker has ended: well, or at a script that it did not survive. */
static void bury(struct testing *t, struct worker *w)
{
    int status = 0;
    char why[64];
    close(w->fd);
    waitpid(w->pid, &status, 0);
    w->pid = 0;
    test_reader_free(&w->reader);
    if (w->at < 0)
        return;
    if (WIFSIGNALED(status))
        snprintf(why, sizeof(why), "crashed: signal %d", WTERMSIG(status));
    else
        snprintf(why, sizeof(why), "ended with status %d", WEXITSTATUS(status));
    t->results[w->at] = (struct test_result){SCRIPT_FAILED, 0, strdup(why), strdup("")};
    tell(t);
    start(t, w);
}

static int wait_for_news(struct testing *t, int workers)
{
    struct pollfd fds[WORKERS_MAX];
    int alive = 0;
    for (int i = 0; i < workers; i++) {
        fds[i] =
            (struct pollfd){.fd = t->workers[i].pid != 0 ? t->workers[i].fd : -1, .events = POLLIN};
        alive += t->workers[i].pid != 0;
    }
    if (alive == 0)
        return 0;
    if (poll(fds, (nfds_t)workers, -1) < 0)
        return alive;
    for (int i = 0; i < workers; i++) {
        if (fds[i].revents == 0)
            continue;
        struct worker *w = &t->workers[i];
        const bool more = test_reader_fill(&w->reader, w->fd);
        take(t, w);
        if (!more)
            bury(t, w);
    }
    return alive;
}

static int run_all(struct testing *t)
{
    int workers = (int)t->options->jobs, started = 0;
    if (workers == 0)
        workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    workers = workers < 1 ? 1 : workers > WORKERS_MAX ? WORKERS_MAX : workers;
    if (workers > t->count)
        workers = t->count;
    for (int i = 0; i < workers; i++)
        started += start(t, &t->workers[i]);
    if (started == 0) {
        fprintf(stderr, "nst test: cannot start a process: %s\n", strerror(errno));
        return 2;
    }
    while (wait_for_news(t, workers) > 0)
        ;
    return 0;
}

static int summarize(struct testing *t)
{
    int passed = 0, failed = 0, skipped = 0;
    for (int i = 0; i < t->count; i++) {
        const struct test_result *r = &t->results[i];
        passed += r->reason != NULL && r->verdict == SCRIPT_PASSED;
        skipped += r->reason != NULL && r->verdict == SCRIPT_SKIPPED;
        failed += r->reason == NULL || r->verdict == SCRIPT_FAILED;
    }
    test_print_sum(passed, failed, skipped, t->options->json);
    return failed > 0 ? 1 : 0;
}

static void free_results(struct testing *t)
{
    for (int i = 0; i < t->count; i++) {
        free(t->results[i].reason);
        free(t->results[i].detail);
    }
    free(t->results);
}

int command_test(int argc, char **argv)
{
    struct test_options options = {0};
    const int first = options_parse(specs, "nst test", argc, argv, &options);
    if (first < 0)
        return 2;
    if (options.help)
        return usage();
    if (first >= argc) {
        fprintf(stderr, "nst test: no script is named; see nst test --help\n");
        return 2;
    }
    struct testing t = {.options = &options, .files = argv + first, .count = argc - first};
    t.results = calloc((size_t)t.count, sizeof(*t.results));
    t.shared =
        mmap(NULL, sizeof(*t.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (t.results == NULL || t.shared == MAP_FAILED) {
        fprintf(stderr, "nst test: out of memory\n");
        free(t.results);
        return 2;
    }
    int status = run_all(&t);
    if (status == 0)
        status = summarize(&t);
    free_results(&t);
    munmap(t.shared, sizeof(*t.shared));
    return status;
}
