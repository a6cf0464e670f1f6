/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes, and durations, rates and probabilities as tc(8) spells them, in any letter case. A number
 * may have a fraction, of which six digits count. False: it is no such thing, or too large, and
 * *ret is unchanged.
 */
#ifndef NICSTACK_SRC_SIM_UNITS_H
#define NICSTACK_SRC_SIM_UNITS_H

#include <nicstack/types.h>

/* Bytes: "4096", "8m" (k, m, g: powers of 1,024); no fraction. */
bool units_parse_size(const char *text, uint64_t *ret_bytes);

/* "80ms", "1.5s", "250us", "10ns", and the longer sec(s), msec(s), usec(s), nsec(s). Only 0 goes
 * without a unit: tc's own would be microseconds, or nanoseconds, by its version. At most an hour.
 */
bool units_parse_time(const char *text, nst_time *ret_time);

/* "20mbit": bit, kbit, mbit, gbit, tbit a second (powers of 1,000), kibit ... (of 1,024), bps,
 * kbps, kibps ... (bytes a second), and a bare number, bits. At least 1. */
bool units_parse_rate(const char *text, uint64_t *ret_bits);

/* "1%", "0.05%" or "1", all percent, 0 to 100. */
bool units_parse_percent(const char *text, uint32_t *ret_ppm);

#endif
