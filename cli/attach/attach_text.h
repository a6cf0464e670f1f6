/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong while a program is attached, and the sentence that says so: the thing, the
 * errno word, the next step.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_TEXT_H
#define NICSTACK_CLI_ATTACH_ATTACH_TEXT_H

#include <stdbool.h>

enum {
    ATTACH_TEXT_SIZE = 640 /* bytes of a sentence, its NUL included */
};

/* A step of set-up. The first group is fatal, the second is done without. */
enum attach_step {
    ATTACH_STEP_OPTIONS,
    ATTACH_STEP_PREPARE,
    ATTACH_STEP_NAMESPACES,
    ATTACH_STEP_IDS,
    ATTACH_STEP_PRIVATE_MOUNTS,
    ATTACH_STEP_TUN_OPEN,
    ATTACH_STEP_TUN_CREATE,
    ATTACH_STEP_VETH,
    ATTACH_STEP_PACKET_SOCKET,
    ATTACH_STEP_NETLINK,
    ATTACH_STEP_LOOPBACK,
    ATTACH_STEP_LINK_UP,
    ATTACH_STEP_ADDRESS,
    ATTACH_STEP_ROUTE,
    ATTACH_STEP_FORK,
    ATTACH_STEP_EXEC,
    ATTACH_STEP_INIT_DIED,
    ATTACH_STEP_FILTER,
    ATTACH_STEP_LISTENER,

    ATTACH_STEP_ADDRESS6,
    ATTACH_STEP_OFFLOAD,
    ATTACH_STEP_SEGMENTS,
    ATTACH_STEP_UNCUT,
    ATTACH_STEP_RESOLV,
    ATTACH_STEP_HIDE,
    ATTACH_STEP_PROC,
    ATTACH_STEP_PING,
    ATTACH_STEP_ONE_ID,
    ATTACH_STEP_NO_IDS,
    ATTACH_STEP_NO_NEW_PRIVS,
    ATTACH_STEP_COUNT
};

/* The name of an errno such as "EACCES", or "errno N" in a static buffer for one that is rare here.
 */
const char *attach_text_errno(int error);

/*
 * Writes the sentence for a step that failed.
 * program: the name of the program that was to run, for ATTACH_STEP_EXEC. instead: the way to
 * attach that is tried now, or NULL.
 */
void attach_text_describe(enum attach_step step, int error, const char *program,
                          const char *instead, char ret_text[ATTACH_TEXT_SIZE]);

/* Whether a note on this step is worth a line without -v: the program will notice. */
bool attach_text_is_warning(enum attach_step step);

#endif
