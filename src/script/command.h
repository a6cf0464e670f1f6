/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands in backquotes: they are never run. A table knows the usual preludes and turns them into
 * options of the stack, or knows that they say what is so anyway.
 */
#ifndef NICSTACK_SRC_SCRIPT_COMMAND_H
#define NICSTACK_SRC_SCRIPT_COMMAND_H

#include "script/arena.h"

#include <nicstack/stack.h>

/* What commands have asked of the stack; 0: nothing. */
struct command_settings {
    nst_time rto_min;
    nst_time time_wait;
    uint32_t send_buffer_max, receive_buffer_max;
    uint32_t initial_window; /* segments */
    uint32_t tcp_off;        /* NST_TCP_OFF_* */
};

/* Takes the command in. NULL: good; otherwise why it cannot be done. `begun`: the stack runs
 * already, so that only what is so anyway will do. */
const char *command_take(struct arena *arena, const char *text, bool begun,
                         struct command_settings *settings);

#endif
