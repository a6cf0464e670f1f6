/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of captures, as tcpdump spells them (pcap-filter(7)), compiled by libpcap; without it,
 * the option says so.
 */
#ifndef NICSTACK_CLI_CAPTURE_FILTER_H
#define NICSTACK_CLI_CAPTURE_FILTER_H

#include <nicstack/capture.h>

enum {
    FILTER_MESSAGE = 256
};

struct filter {
    const char *text;                                       /* NULL: everything */
    struct nst_capture_filter code[NST_CAPTURE_LINK_TYPES]; /* count 0: not for links like these */
    char why[NST_CAPTURE_LINK_TYPES][FILTER_MESSAGE];       /* then, what is wrong with it there */
};

/* Compiles `text`, which stays the caller's and must remain, for every type of link; NULL or empty
 * is everything. False: it is for no link at all; ret_message says what is wrong, and where. */
bool filter_compile(const char *text, struct filter *ret_filter, char ret_message[FILTER_MESSAGE]);

/* Has it a meaning on links of this type? */
bool filter_is_for(const struct filter *filter, enum nst_capture_link_type type);

void filter_fini(struct filter *filter);

#endif
