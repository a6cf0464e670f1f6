/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst run --record: what goes into the stack is kept, for nst replay. The file is opened before
 * anything is started, and nothing is opened afterwards.
 */
#ifndef NICSTACK_CLI_RUN_RUN_RECORD_H
#define NICSTACK_CLI_RUN_RUN_RECORD_H

#include <nicstack/record.h>

#include <stdbool.h>

struct run;

struct run_record {
    bool is_open;
    int fd;
    struct nst_record_file *file;
};

/* Opens the file that the options name, if they do. False: what is wrong was said. */
bool run_record_open(struct run *run);
/* Right after the stack was made. 0, or the error, which was said. */
int run_record_start(struct run *run);
/* Before the stack is freed: says if it could not be kept to the end. */
void run_record_stop(struct run *run);
void run_record_close(struct run *run);

#endif
