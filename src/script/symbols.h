/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that scripts use for numbers: constants of calls and errnos, as Linux has them.
 */
#ifndef NICSTACK_SRC_SCRIPT_SYMBOLS_H
#define NICSTACK_SRC_SCRIPT_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

/* "SOL_SOCKET" to its number. False: not known here. */
bool symbols_lookup(const char *name, int64_t *ret_value);
/* "EAGAIN" to its number; 0: no such errno. */
int symbols_errno(const char *name);
/* The name that begins with `prefix` and stands for `value`; NULL: there is none. */
const char *symbols_name(const char *prefix, int64_t value);
/* The word of an errno, of either sign; "errno N" in the caller's 24 bytes where it has none. */
const char *symbols_errno_name(int error, char text[24]);
/* The flags of poll and epoll as words joined by '|', for reports. */
const char *symbols_poll_events(uint32_t events, char text[80]);

#endif
