/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multicast listener discovery: the bodies of ICMPv6 types 130 to 132 and 143. RFC 2710 (version
 * 1), RFC 3810 (2), RFC 2711 (router alert).
 *
 * `data` and `len` are those of the whole ICMPv6 message, as for ndp.h.
 */
#ifndef NICSTACK_SRC_WIRE_MLD_H
#define NICSTACK_SRC_WIRE_MLD_H

#include "wire/grouprec.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

enum {
    MLD_LEN = 24,        /* a message of version 1 */
    MLD_QUERY2_LEN = 28, /* a version 2 query without sources */
    MLD_REPORT2_LEN = 8, /* a version 2 report without records */
    MLD_RECORD_LEN = 20, /* without sources */
    MLD_ALERT_LEN = 8,   /* the hop-by-hop header with a router alert */
};

struct mld_query {
    struct nst_addr group; /* all zero: of all groups */
    uint32_t max_resp_ms;
    uint32_t interval_s; /* between general queries; 0: it does not say */
    uint16_t sources;    /* how many it asks about; 0: about the group as a whole */
    uint8_t version;     /* 1 or 2 */
    uint8_t robustness;  /* 0: it does not say */
};

/* RFC 3810 8.1: the version is in the length. False: neither 24 nor at least 28 bytes, or the
 * sources run past the end. */
bool mld_query_parse(const uint8_t *data, size_t len, struct mld_query *ret_query);
/* Writes the query of query->version without sources; returns its length. */
size_t mld_query_build(uint8_t *data, const struct mld_query *query);

/* The group of a version 1 report or done. False: short. */
bool mld_group_parse(const uint8_t *data, size_t len, struct nst_addr *ret_group);
/* Writes such a message of `type` (ICMP6_MLD_REPORT or _DONE); returns MLD_LEN. */
size_t mld_group_build(uint8_t *data, uint8_t type, const struct nst_addr *group);

/* Begins a walk over the records of a version 2 report; `len` is at least MLD_REPORT2_LEN. */
struct group_record_iter mld_records_begin(const uint8_t *data, size_t len);
/* The next record; false at the end or where it is malformed. */
bool mld_record_next(struct group_record_iter *iter, struct group_record *ret_record);
/* Writes the header of a report that `count` records follow; returns MLD_REPORT2_LEN. */
size_t mld_report2_build(uint8_t *data, uint16_t count);
/* Writes a record without sources; returns MLD_RECORD_LEN. */
size_t mld_record_build(uint8_t *data, const struct group_record *record);

/* Writes the hop-by-hop header that every MLD message has (RFC 3810 5); returns MLD_ALERT_LEN. */
size_t mld_alert_build(uint8_t *data);
/* Is there a router alert for MLD in the hop-by-hop header of `len` bytes at `data`? */
bool mld_has_alert(const uint8_t *data, size_t len);

#endif
