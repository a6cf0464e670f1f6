/* SPDX-License-Identifier: Apache-2.0 */
/* Why packets are discarded: drop.def gives the enum, the counters, the texts. */
#ifndef NICSTACK_SRC_PACKET_DROP_H
#define NICSTACK_SRC_PACKET_DROP_H

#include <stdint.h>

enum drop_severity {
    DROP_SEVERITY_NORMAL, /* part of the protocols' life */
    DROP_SEVERITY_LOSS,   /* somebody's data was lost: limits, memory */
    DROP_SEVERITY_BAD,    /* malformed or hostile */
};

enum drop_reason {
#define DROP(name, severity, text) DROP_##name,
#include "packet/drop.def"
#undef DROP
    DROP_REASON_MAX
};

/* The word ("no_route"), the counter's name ("drop_no_route"), the sentence, the severity. */
const char *drop_name(enum drop_reason reason);
const char *drop_counter_name(enum drop_reason reason);
const char *drop_text(enum drop_reason reason);
enum drop_severity drop_severity(enum drop_reason reason);

#endif
