/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's state, shared by its files: run.c (events in time), run_call.c and the calls,
 * expect.c (packets that go out), code.c (assertions), report.c.
 *
 * Theory of operation. Events are worked off in order. Before an event at time T the world runs up
 * to T, deadline by deadline; a packet that comes in is injected, a call is made, and the stack
 * runs at once. A packet that goes out is awaited: the oldest one that no event has named yet has
 * to be it, at its time. A call that blocks is tried again after each step of the world until it
 * gives a result. The first thing that is not as written ends the script.
 *
 * Invariants
 *  1. The world's time never passes the time of the next event, but for packets that are awaited,
 *     and by no more than their tolerance.
 *  2. At most one call is pending.
 *  3. Nothing happens that is not in the time line.
 */
#ifndef NICSTACK_SRC_SCRIPT_RUN_H
#define NICSTACK_SRC_SCRIPT_RUN_H

#include "script/codec.h"
#include "script/command.h"
#include "script/kernel.h"
#include "script/scan.h"
#include "script/script.h"

#define RUN_FDS    256
#define CALL_SLOTS 24

struct run_line {
    struct run_line *next;
    nst_time at;
    const char *text;
    uint32_t line; /* of the script; 0: it is not in it */
};

struct run;

/* A call of the script while it is made. */
struct call {
    struct run *run;
    const struct script_event *event;
    const struct script_call *script;
    struct kernel_wait wait;
    nst_time base, started;
    /* What arguments became: memory that lasts over tries, in order of use. */
    void *slot[CALL_SLOTS];
    unsigned slots;
    /* An argument that makes no sense. */
    const struct script_value *bad;
    const char *fault;
};

struct run {
    const struct script *script;
    const struct script_options *options;
    struct arena arena;
    struct stage world;
    struct kernel kernel;
    struct flows flows;
    struct codec_ends ends;
    struct command_settings settings;
    nst_time last;                             /* the script's time of the event before */
    struct codec_seen *waiting, **waiting_end; /* left and not named yet */
    struct call *pending;
    int fds[RUN_FDS];              /* the script's descriptor to ours; -1: none */
    int subject;                   /* ours: whose TCP_INFO code asks for; -1: none */
    const struct code_name *names; /* that code has assigned */
    struct run_line *log, **log_end;
    /* How it ended. */
    bool over;
    enum script_verdict verdict;
    const char *reason;
    const char *detail; /* lines, before the time line */
};

/* ---- Ends; always false ---- */
bool runner_fail(struct run *run, struct script_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool runner_skip(struct run *run, struct script_pos pos, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One more line under the reason. */
void runner_detail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What happened now. */
void runner_log(struct run *run, nst_time at, uint32_t line, const char *text);

/* ---- Time ---- */
/* Lets the world run up to `until`; a pending call goes on as it can. False: the script is over. */
bool runner_advance(struct run *run, nst_time until);
/* One step of the world, as stage_step; takes in what left. */
bool runner_step(struct run *run, nst_time until);
/* How far off `time` may be, for an event `since` after the one before. */
nst_time runner_tolerance(const struct run *run, nst_time since);
/* Takes what left the stack into `waiting`. */
void runner_collect(struct run *run);

/* ---- Packets that go out ---- */
bool expect_packet(struct run *run, const struct script_event *event);
/* The packet with the script's numbers, as far as they are known; for reports. */
const char *expect_show(struct run *run, const struct codec_seen *seen);

/* ---- Calls ---- */
bool call_event(struct run *run, const struct script_event *event);
/* Tries the pending call again. False: the script is over. */
bool call_again(struct run *run);
/* The script ends, or another call comes: the pending one has to end by then. */
bool call_finish(struct run *run);

/* ---- Code ---- */
bool code_event(struct run *run, const struct script_event *event);

/* ---- The report ---- */
void report_make(struct run *run, const char *name, struct script_report *ret_report);

#endif
