/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets as text, one line each, in the manner of tcpdump: for traces, tests and the sniffer.
 * Takes any bytes; what does not parse is said in brackets, and the text is always bounded and
 * printable.
 */
#ifndef NICSTACK_SRC_WIRE_SHOW_H
#define NICSTACK_SRC_WIRE_SHOW_H

#include <nicstack/types.h>

enum {
    SHOW_TEXT = 512, /* enough for nearly every line; longer ones are cut */
};

/*
 * The frame of `len` bytes at `data`, from its Ethernet header on, into `text` of `size` bytes,
 * NUL-terminated when size > 0, without a line end. Returns `text`.
 */
char *show_eth(const uint8_t *data, size_t len, char *text, size_t size);

/* The same from the IPv4 or IPv6 header on (told apart by the version). */
char *show_ip(const uint8_t *data, size_t len, char *text, size_t size);

#endif
