/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets, calls and times as a script would write them: for reports.
 */
#ifndef NICSTACK_SRC_SCRIPT_SHOW_H
#define NICSTACK_SRC_SCRIPT_SHOW_H

#include "script/ast.h"

/* "> . 1:1001(1000) ack 1 win 257 <nop,nop,TS val 100 ecr 1>". What a packet does not say is left
 * out; v6 chooses the names of ICMP. */
const char *show_packet(struct arena *arena, const struct script_packet *packet, bool v6);
/* The flags alone, as letters. */
const char *show_flags(uint16_t flags, char text[16]);
/* One option, and all of a segment. */
const char *show_option(struct arena *arena, const struct script_option *option);
const char *show_options(struct arena *arena, const struct script_tcp *tcp);
/* "noecn". */
const char *show_ecn(enum script_ecn ecn);
/* Seconds with microseconds: "0.040000". */
const char *show_time(nst_time time, char text[32]);
/* "write(4, ..., 1000)". */
const char *show_call(struct arena *arena, const struct script_call *call);
const char *show_value(struct arena *arena, const struct script_value *value);

#endif
