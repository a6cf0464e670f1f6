/* SPDX-License-Identifier: Apache-2.0 */
/* The clients' side of instance.h: which instances there are, and speaking to one. */
#ifndef NICSTACK_CLI_INSTANCE_INSTANCE_FIND_H
#define NICSTACK_CLI_INSTANCE_INSTANCE_FIND_H

#include <stdio.h>
#include <sys/types.h>

#include "instance/instance.h"

#define INSTANCE_LIST_MAX 256

/* One that listens. */
struct instance_entry {
    uid_t uid;
    char name[INSTANCE_NAME_MAX];
};

/* Those that we may speak to: our own, and for root everybody's. Returns how many of them are in
 * ret_list, or a negative errno: /proc/net/unix cannot be read. */
int instance_list(struct instance_entry ret_list[INSTANCE_LIST_MAX]);

/*
 * Connects to the one called `name` ("NAME", the beginning of a name that only one has, or for root
 * "UID/NAME"), or with NULL to the only one. Returns a descriptor, or -1 after it said on stderr
 * why not, with `command` in front.
 */
int instance_connect(const char *command, const char *name);

/* Sends the line and waits for the answer, which goes to `text` (REQUEST_LINE_MAX bytes) and,
 * split, to ret_answer, which points into it. False: it said why on stderr. */
bool instance_ask(const char *command, int fd, struct request_line *line, char *text,
                  struct request *ret_answer);

/* The table of those that there are, or one JSON array. 0, or the exit status of a failure, said.
 */
int instance_print_list(const char *command, bool json, FILE *out);

#endif
