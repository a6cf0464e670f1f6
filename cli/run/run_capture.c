/* SPDX-License-Identifier: Apache-2.0 */
/* See run_capture.h. */
#include "run/run_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run.h"
#include "wire/dns.h"

#define SNAPLEN_MIN   64
#define FILES_DEFAULT 2
#define FILE_SIZE_MIN (64u << 10)
/* What waits for a reader when the program has ended: as long as it takes some within this. */
#define PATIENCE (10 * NST_SEC)

/* ---- Files ---- */

static bool check_options(const struct run_capture_options *o)
{
    const char *wrong = NULL;
    if (o->file == NULL &&
        (o->filter != NULL || o->snaplen != 0 || o->file_size != 0 || o->files != 0))
        wrong = "--pcap-filter, --snaplen, --pcap-size and --pcap-files need --pcap FILE";
    else if (o->snaplen != 0 && (o->snaplen < SNAPLEN_MIN || o->snaplen > NST_CAPTURE_SNAPLEN))
        wrong = "--snaplen must be 64 to 262144";
    else if (o->files != 0 && o->file_size == 0)
        wrong = "--pcap-files needs --pcap-size SIZE";
    else if (o->files == 1 || o->files > NST_CAPTURE_FILES_MAX)
        wrong = "--pcap-files must be 2 to 1000";
    else if (o->file_size != 0 && o->file_size < FILE_SIZE_MIN)
        wrong = "--pcap-size must be at least 64k";
    else if (o->file_size != 0 && strcmp(o->file, "-") == 0)
        wrong = "--pcap-size needs a file, and --pcap - is none";
    if (wrong != NULL)
        fprintf(stderr, "nst run: %s\n", wrong);
    return wrong == NULL;
}

static const char *next_step(int error)
{
    switch (error) {
    case ENOENT:
        return "make its folder first";
    case EMFILE:
        return "fewer --pcap-files, or raise ulimit -n";
    case ENOSPC:
    case EDQUOT:
        return "free some space, or keep less with --snaplen or --pcap-size";
    default:
        return "choose another place";
    }
}

/* A stream must not block us, and a FIFO waits for its reader before anything is started. */
static int open_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        fprintf(stderr, "nst run: cannot write %s (%s): %s\n", path, attach_text_errno(errno),
                next_step(errno));
    else if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK);
    return fd;
}

/* "trace.pcapng" is trace-00.pcapng and so on in a ring: a number before what follows its dot. */
static void ring_path(const char *path, uint32_t number, uint32_t count, char *text, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    int digits = 1;
    for (uint32_t n = count - 1; n >= 10; n /= 10)
        digits++;
    if (dot == NULL || dot == path || dot[-1] == '/')
        dot = path + strlen(path);
    snprintf(text, size, "%.*s-%0*u%s", (int)(dot - path), path, digits, number, dot);
}

static bool open_files(struct run_capture *c, const struct run_capture_options *o)
{
    char path[4096];
    const uint32_t count = o->file_size == 0 ? 1
                           : o->files != 0   ? (uint32_t)o->files
                                             : FILES_DEFAULT;
    c->fds = malloc(count * sizeof(int));
    for (; c->fds != NULL && c->fd_count < count; c->fd_count++) {
        snprintf(path, sizeof(path), "%s", o->file);
        if (count > 1)
            ring_path(o->file, c->fd_count, count, path, sizeof(path));
        c->fds[c->fd_count] = open_file(path);
        if (c->fds[c->fd_count] < 0)
            return false;
    }
    return c->fds != NULL;
}

/* A pipe that does not block, without changing it for others who have it: a description of our
 * own. Where /proc does not give one, it is changed, and changed back at the end. */
static int unblock_pipe(struct run_capture *c, int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (own >= 0) {
        close(fd);
        return own;
    }
    fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK);
    c->restore_fd = fd;
    return fd;
}

/* Standard output becomes the capture's, and what the program writes there goes where its errors
 * go. */
static bool open_stdout(struct run_capture *c)
{
    struct stat st;
    if (isatty(STDOUT_FILENO)) {
        fprintf(stderr, "nst run: --pcap -: standard output is a terminal: pipe it into a reader, "
                        "such as tshark -r -, or give a file\n");
        return false;
    }
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    c->fds = malloc(sizeof(int));
    if (fd < 0 || c->fds == NULL || fstat(fd, &st) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        fprintf(stderr, "nst run: cannot use standard output for the capture (%s): give a file\n",
                attach_text_errno(errno));
        return false;
    }
    c->fds[c->fd_count++] = S_ISFIFO(st.st_mode) ? unblock_pipe(c, fd) : fd;
    return true;
}

bool run_capture_open(struct run *run)
{
    char message[FILTER_MESSAGE];
    struct run_capture *c = &run->capture;
    const struct run_capture_options *o = &run->options.capture;
    c->restore_fd = -1;
    if (!check_options(o))
        return false;
    if (o->file == NULL)
        return true;
    if (!filter_compile(o->filter, &c->filter, message)) {
        fprintf(stderr, "nst run: --pcap-filter: %s\n", message);
        return false;
    }
    return strcmp(o->file, "-") == 0 ? open_stdout(c) : open_files(c, o);
}

/* ---- In the run ---- */

int run_capture_link(struct run *run, enum nst_capture_link_type type)
{
    char description[192];
    struct run_capture *c = &run->capture;
    const struct nst_capture_config config = {.size = sizeof(config), .stack = run->stack};
    int r = nst_capture_new(&config, &c->capture);
    if (r < 0)
        return run_fail("cannot make the capture", r, "free some memory");
    snprintf(description, sizeof(description), "%.128s, attached by %s", run->program,
             run->attach.how);
    const struct nst_capture_interface interface = {
        .size = sizeof(interface),
        .name = "nst0",
        .description = description,
        .type = type,
    };
    struct nst_link *link = nst_capture_link(c->capture, run->link, &interface);
    if (link == NULL)
        return run_fail("cannot make the capture", -NST_ENOMEM, "free some memory");
    c->link_type = type;
    run->link = link;
    return 0;
}

static void say_end(struct run *run, int errnum)
{
    struct nst_capture_stats stats;
    const char *file = run->options.capture.file;
    nst_capture_get_stats(run->capture.output, &stats);
    if (errnum == EPIPE)
        fprintf(stderr,
                "nst: the reader of the capture has gone after %llu packets: the program "
                "goes on without\n",
                (unsigned long long)stats.written);
    else
        fprintf(stderr,
                "nst: cannot write %s (%s): the capture ends after %llu packets, the "
                "program goes on; %s\n",
                strcmp(file, "-") == 0 ? "the capture" : file, attach_text_errno(errnum),
                (unsigned long long)stats.written, next_step(errnum));
    run->capture.said = true;
}

static void output_ended(void *context, struct nst_capture_output *output, int errnum)
{
    (void)output;
    say_end(context, errnum);
}

int run_capture_start(struct run *run)
{
    struct run_capture *c = &run->capture;
    const struct run_capture_options *o = &run->options.capture;
    if (o->file == NULL)
        return 0;
    if (!filter_is_for(&c->filter, c->link_type)) {
        fprintf(stderr, "nst run: --pcap-filter: %s\n", c->filter.why[c->link_type]);
        return -NST_EINVAL;
    }
    struct nst_capture_output_config config = {
        .size = sizeof(config),
        .fds = c->fds,
        .fd_count = c->fd_count,
        .file_size = o->file_size,
        .loop = run->loop,
        .snaplen = (uint32_t)o->snaplen,
        .filter_text = c->filter.text,
        .ended = output_ended,
        .context = run,
    };
    memcpy(config.filter, c->filter.code, sizeof(config.filter));
    int r = nst_capture_add(c->capture, &config, &c->output);
    return r < 0 ? run_fail("cannot begin the capture", r, "free some memory") : 0;
}

void run_capture_flush(struct run *run)
{
    nst_capture_flush(run->capture.capture);
}

void run_capture_refused(struct run *run, uint32_t trace, const char *why)
{
    char text[160];
    snprintf(text, sizeof(text), "policy: %s", why);
    nst_capture_comment(run->capture.capture, trace, text);
}

void run_capture_dns(struct run *run, const uint8_t *message, size_t len)
{
    struct dns_iter iter;
    struct dns_record record;
    struct nst_addr addr;
    char name[DNS_NAME_TEXT];
    if (!dns_iter_init(message, len, &iter) || !dns_next(&iter, &record) ||
        record.section != DNS_QUESTION)
        return;
    /* The name that was asked for, whatever aliases lead to the address. */
    dns_name_to_text(&record.name, name, sizeof(name));
    while (dns_next(&iter, &record))
        if (record.section == DNS_ANSWER && dns_record_addr(message, &record, &addr))
            nst_capture_name(run->capture.capture, &addr, name);
}

void run_capture_stop(struct run *run)
{
    struct run_capture *c = &run->capture;
    struct nst_capture_stats stats;
    if (c->output == NULL)
        return;
    run_capture_flush(run);
    nst_capture_get_stats(c->output, &stats);
    nst_capture_remove(c->output, PATIENCE);
    c->output = NULL;
    if (c->said || (stats.dropped == 0 && !run->options.verbose))
        return;
    fprintf(stderr, "nst: the capture has %llu packets", (unsigned long long)stats.written);
    if (stats.dropped != 0)
        fprintf(stderr, "; %llu were dropped, for its reader was slow",
                (unsigned long long)stats.dropped);
    fputc('\n', stderr);
}

void run_capture_close(struct run *run)
{
    struct run_capture *c = &run->capture;
    nst_capture_free(c->capture);
    c->capture = NULL;
    if (c->restore_fd >= 0)
        fcntl(c->restore_fd, F_SETFL, O_WRONLY);
    while (c->fd_count > 0)
        close(c->fds[--c->fd_count]);
    free(c->fds);
    c->fds = NULL;
    filter_fini(&c->filter);
}
