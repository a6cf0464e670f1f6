/* SPDX-License-Identifier: Apache-2.0 */
/* See run_record.h. */
#include "run/run_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run.h"

static const char *next_step(int error)
{
    switch (error) {
    case ENOENT:
        return "make its folder first";
    case ENOSPC:
    case EDQUOT:
        return "free some space, or record where there is more";
    default:
        return "choose another place";
    }
}

/* It holds what the program sends and receives: nobody else's to read. */
bool run_record_open(struct run *run)
{
    struct run_record *r = &run->record;
    const char *path = run->options.record;
    struct stat st;
    if (path == NULL)
        return true;
    r->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    if (r->fd < 0) {
        fprintf(stderr, "nst run: cannot record into %s (%s): %s\n", path, attach_text_errno(errno),
                next_step(errno));
        return false;
    }
    r->is_open = true;
    if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode))
        return true;
    fprintf(stderr, "nst run: --record %s: is no regular file: give one\n", path);
    return false;
}

int run_record_start(struct run *run)
{
    struct run_record *r = &run->record;
    if (!r->is_open)
        return 0;
    int error = nst_record_file_new(r->fd, nst_stack_now(run->stack), &r->file);
    if (error == 0) {
        const struct nst_record_sink sink = nst_record_file_sink(r->file);
        error = nst_record_start(run->stack, &sink);
    }
    return error < 0 ? run_fail("cannot record", error, "choose another place for the recording")
                     : 0;
}

void run_record_stop(struct run *run)
{
    struct run_record *r = &run->record;
    if (r->file == NULL)
        return;
    nst_record_stop(run->stack);
    const int error = nst_record_file_error(r->file);
    const unsigned long long size = nst_record_file_size(r->file);
    nst_record_file_free(r->file);
    r->file = NULL;
    if (error != 0)
        fprintf(stderr, "nst: cannot write %s (%s): the recording ends after %llu bytes; %s\n",
                run->options.record, attach_text_errno(error), size, next_step(error));
    else if (run->options.verbose)
        fprintf(stderr, "nst: recorded %llu bytes; nst replay %s repeats them\n", size,
                run->options.record);
}

void run_record_close(struct run *run)
{
    if (run->record.is_open)
        close(run->record.fd);
    run->record.is_open = false;
}
