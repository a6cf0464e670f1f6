/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The captures of nst run: --pcap, and those that `nst capture` asks for. Beside run_link.c and
 * run_serve.c, which call these in the order in which they stand here.
 */
#ifndef NICSTACK_CLI_RUN_RUN_CAPTURE_H
#define NICSTACK_CLI_RUN_RUN_CAPTURE_H

#include <nicstack/capture.h>

#include "capture/filter.h"

struct run;

/* Of struct run_options. */
struct run_capture_options {
    const char *file; /* NULL: none; "-": standard output */
    const char *filter;
    uint64_t snaplen, file_size, files; /* 0: not given */
};

struct run_capture {
    struct nst_capture *capture;
    struct nst_capture_output *output; /* of --pcap; NULL: none, or it has ended */
    struct filter filter;
    int *fds;
    uint32_t fd_count;
    int restore_fd; /* a descriptor that was made non-blocking, though not ours alone; or -1 */
    enum nst_capture_link_type link_type;
    bool said; /* how the output ended */
};

/* Opens the files and compiles the filter, before anything is started. False: it said why not. */
bool run_capture_open(struct run *run);
/* Puts the capture above run->link, which carries frames of this type. 0, or the error, said. */
int run_capture_link(struct run *run, enum nst_capture_link_type type);
/* Begins to write, when there is a loop. 0, or the error, said. */
int run_capture_start(struct run *run);
/* After each turn. */
void run_capture_flush(struct run *run);
/* A request is refused because the options say so. */
void run_capture_refused(struct run *run, uint32_t trace, const char *why);
/* An answer of the name server. */
void run_capture_dns(struct run *run, const uint8_t *message, size_t len);
/* The last frames and the statistics, while the stack is still there. */
void run_capture_stop(struct run *run);
/* When stack and links are gone. */
void run_capture_close(struct run *run);

#endif
