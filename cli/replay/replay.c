/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst replay: repeats a recording, and compares. What went into the recorded stack goes into one of
 * this program, whichever build it is, so a fault that happened once happens again here: under a
 * debugger, with sanitizers, with another line of printf.
 */
#include <nicstack/host.h>
#include <nicstack/record.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "commands.h"
#include "replay/replay_capture.h"
#include "tool/options.h"

#define LINE 1024
#define NONE UINT64_MAX

enum status {
    SAME = 0,
    DIFFERS = 1,
    WRONG = 2,
};

struct replay_options {
    const char *capture;
    uint64_t stop;
    bool verbose, quiet, json, help;
};

#define MEMBER(name) offsetof(struct replay_options, name)

static const struct option_spec specs[] = {
    {"write", 'w', OPTION_TEXT, "FILE", "the replayed packets as a pcapng file", MEMBER(capture)},
    {"stop", 0, OPTION_NUMBER, "N", "raise SIGTRAP before record N, for a debugger", MEMBER(stop)},
    {"verbose", 'v', OPTION_FLAG, NULL, "print each record, and what the stack logs",
     MEMBER(verbose)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no summary", MEMBER(quiet)},
    {"json", 0, OPTION_FLAG, NULL, "the summary as one JSON object on stdout", MEMBER(json)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

struct replaying {
    struct replay_options options;
    const char *path;
    const void *data;
    size_t len;
    struct nst_replay *replay;
    struct replay_capture *capture;
    nst_time started;
};

static int usage(FILE *out)
{
    fprintf(out, "usage: nst replay [OPTIONS] FILE\n");
    if (out == stderr)
        return WRONG;
    printf(
        "\nRepeats what nst run --record FILE kept, and compares every packet that is sent.\n\n");
    options_print(specs);
    printf(
        "\nExit status: 0 it is the same, 1 it is not, 2 the file or the command line is wrong.\n");
    return SAME;
}

static bool map_file(struct replaying *r)
{
    struct stat st;
    const int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "nst replay: cannot read %s (%s): name a file that nst run --record made\n",
                r->path, attach_text_errno(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    r->len = (size_t)st.st_size;
    void *data = r->len > 0 ? mmap(NULL, r->len, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    const int error = r->len > 0 ? errno : EINVAL;
    close(fd);
    if (data == MAP_FAILED) {
        fprintf(stderr, "nst replay: cannot map %s (%s): name a file that nst run --record made\n",
                r->path, attach_text_errno(error));
        return false;
    }
    r->data = data;
    return true;
}

static double seconds(const struct replaying *r, nst_time time)
{
    return (double)(time - r->started) / 1e9;
}

static void log_line(void *context, const char *line)
{
    (void)context;
    printf("         log %s\n", line);
}

static void see(void *context, const struct nst_replay_packet *packet)
{
    struct replaying *r = context;
    if (r->capture != NULL)
        replay_capture_see(r->capture, packet);
}

/* Every record that was passed since `from`, whose number is given. */
static void print_records(const struct replaying *r, const uint8_t *from, uint64_t number,
                          const struct nst_replay_status *now)
{
    char text[LINE];
    for (; number < now->record; number++) {
        const uint8_t *at = from;
        const size_t left = r->len - (size_t)(at - (const uint8_t *)r->data);
        printf("%8llu %.6f %s\n", (unsigned long long)number, seconds(r, now->time),
               nst_record_show(at, left, text, sizeof(text)));
        from += nst_record_len(at, left);
    }
}

static void run(struct replaying *r, struct nst_replay_status *ret_status)
{
    struct nst_replay_status before, now;
    nst_replay_get_status(r->replay, &now);
    for (bool more = now.state == NST_REPLAY_GOES_ON; more;) {
        before = now;
        if (r->options.stop != NONE && now.record >= r->options.stop) {
            r->options.stop = NONE;
            raise(SIGTRAP);
        }
        more = nst_replay_step(r->replay);
        nst_replay_get_status(r->replay, &now);
        if (r->options.verbose)
            print_records(r, (const uint8_t *)r->data + before.offset, before.record, &now);
    }
    *ret_status = now;
}

static void print_difference(const struct replaying *r, const struct nst_replay_status *s)
{
    char text[LINE];
    const uint8_t *x = s->expected, *y = s->got;
    size_t at = 0;
    while (at < s->expected_len && at < s->got_len && x[at] == y[at])
        at++;
    fprintf(stderr, "nst replay: record %llu differs, %.6f s after the beginning, at offset %llu\n",
            (unsigned long long)s->record, seconds(r, s->time), (unsigned long long)s->offset);
    fprintf(stderr, "  recorded: %s\n",
            nst_record_show(s->expected, s->expected_len, text, sizeof(text)));
    fprintf(stderr, "  replayed: %s\n", nst_record_show(s->got, s->got_len, text, sizeof(text)));
    fprintf(stderr, "  byte %zu of the record is the first that differs (%zu and %zu bytes)\n", at,
            s->expected_len, s->got_len);
}

static const char *const states[] = {
    [NST_REPLAY_GOES_ON] = "goes_on",     [NST_REPLAY_COMPLETE] = "identical",
    [NST_REPLAY_TRUNCATED] = "truncated", [NST_REPLAY_DIFFERS] = "differs",
    [NST_REPLAY_MALFORMED] = "malformed", [NST_REPLAY_NO_MEMORY] = "no_memory",
};

static void print_json(const struct replaying *r, const struct nst_replay_status *s)
{
    printf("{\"state\":\"%s\",\"record\":%llu,\"offset\":%llu,\"seconds\":%.6f,\"calls\":%llu,"
           "\"packets_in\":%llu,\"packets_out\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu}\n",
           states[s->state], (unsigned long long)s->record, (unsigned long long)s->offset,
           seconds(r, s->time), (unsigned long long)s->calls, (unsigned long long)s->packets_in,
           (unsigned long long)s->packets_out, (unsigned long long)s->bytes_in,
           (unsigned long long)s->bytes_out);
}

static void print_summary(const struct replaying *r, const struct nst_replay_status *s)
{
    fprintf(
        stderr,
        "nst replay: identical: %llu records, %llu calls, %llu packets in, %llu out, %.3f s%s\n",
        (unsigned long long)s->record - 1, (unsigned long long)s->calls,
        (unsigned long long)s->packets_in, (unsigned long long)s->packets_out, seconds(r, s->time),
        s->state == NST_REPLAY_TRUNCATED ? "; its program did not end the recording" : "");
}

static int tell(const struct replaying *r, const struct nst_replay_status *s)
{
    if (r->options.json)
        print_json(r, s);
    switch (s->state) {
    case NST_REPLAY_COMPLETE:
    case NST_REPLAY_TRUNCATED:
        if (!r->options.quiet && !r->options.json)
            print_summary(r, s);
        return SAME;
    case NST_REPLAY_DIFFERS:
        print_difference(r, s);
        return DIFFERS;
    case NST_REPLAY_NO_MEMORY:
        fprintf(stderr, "nst replay: no memory at record %llu: free some, then try again\n",
                (unsigned long long)s->record);
        return WRONG;
    default:
        fprintf(stderr,
                "nst replay: %s: no recording, or a damaged one (record %llu, offset %llu): "
                "an nst of the same version must have made it\n",
                r->path, (unsigned long long)s->record, (unsigned long long)s->offset);
        return WRONG;
    }
}

static int replay(struct replaying *r)
{
    struct nst_record_header header = {.epoch = 0};
    struct nst_replay_status status;
    memcpy(&header, r->data, r->len < sizeof(header) ? r->len : sizeof(header));
    r->started = header.started;
    const struct nst_replay_config config = {
        .size = sizeof(config),
        .allocator = *nst_host_allocator(),
        .data = r->data,
        .len = r->len,
        .see = see,
        .log = r->options.verbose ? log_line : NULL,
        .context = r,
    };
    if (r->options.capture != NULL &&
        (r->capture = replay_capture_new(r->options.capture, &header)) == NULL)
        return WRONG;
    const int error = nst_replay_new(&config, &r->replay);
    if (error < 0) {
        fprintf(stderr, "nst replay: cannot begin (%s): free some memory\n", nst_error_name(error));
        replay_capture_free(r->capture);
        return WRONG;
    }
    run(r, &status);
    int result = tell(r, &status);
    nst_replay_free(r->replay);
    if (!replay_capture_free(r->capture))
        result = WRONG;
    return result;
}

int command_replay(int argc, char **argv)
{
    struct replaying r = {.options = {.stop = NONE}};
    const int first = options_parse(specs, "nst replay", argc, argv, &r.options);
    if (first < 0)
        return WRONG;
    if (r.options.help)
        return usage(stdout);
    if (first + 1 != argc)
        return usage(stderr);
    r.path = argv[first];
    if (!map_file(&r))
        return WRONG;
    const int status = replay(&r);
    munmap((void *)(uintptr_t)r.data, r.len);
    return status;
}
