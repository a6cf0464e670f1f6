/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers; sizes, durations and rates: read as sim/units.h says, and written short; each format
 * returns `text`. */
#ifndef NICSTACK_CLI_TOOL_UNITS_H
#define NICSTACK_CLI_TOOL_UNITS_H

#include "sim/units.h"

#define UNITS_TEXT 16

/* Digits alone: "7"; "010" is ten. At most UINT64_MAX. False: it is no such thing, and *ret_number
 * is unchanged. */
bool units_parse_decimal(const char *text, uint64_t *ret_number);
/* That, or hexadecimal: "0x1f". */
bool units_parse_number(const char *text, uint64_t *ret_number);
/* "12B", "1.5KiB", "110MiB" */
char *units_format_bytes(uint64_t bytes, char text[UNITS_TEXT]);
/* Bits a second: "0bit", "9.6Kbit", "93.2Mbit" */
char *units_format_rate(uint64_t bits, char text[UNITS_TEXT]);
/* "250us", "1.52ms", "12.4ms", "3.1s" */
char *units_format_time(nst_time time, char text[UNITS_TEXT]);
/* "12s", "3m05s", "2h05m", "9d03h" */
char *units_format_age(nst_time time, char text[UNITS_TEXT]);

#endif
