/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IGMP: RFC 1112 appendix I (version 1), RFC 2236 (2), RFC 3376 (3).
 *
 * `data` and `len` are those of the whole message. Checksums, and what a receiver has to check of
 * the IP header (TTL 1, router alert), are its own to check.
 */
#ifndef NICSTACK_SRC_WIRE_IGMP_H
#define NICSTACK_SRC_WIRE_IGMP_H

#include "wire/csum.h"
#include "wire/grouprec.h"

enum {
    IGMP_LEN = 8, /* a message of versions 1 and 2, and a version 3 report without records */
    IGMP_QUERY3_LEN = 12, /* a version 3 query without sources */
    IGMP_RECORD_LEN = 8,  /* without sources */
};

enum igmp_type {
    IGMP_QUERY = 0x11,
    IGMP_REPORT1 = 0x12,
    IGMP_REPORT2 = 0x16,
    IGMP_LEAVE = 0x17,
    IGMP_REPORT3 = 0x22,
};

struct igmp_query {
    uint32_t group4;      /* raw network order; 0: of all groups */
    uint32_t max_resp_ms; /* 10,000 where version 1 does not say */
    uint32_t interval_s;  /* between general queries; 0: it does not say */
    uint16_t sources;     /* how many it asks about; 0: about the group as a whole */
    uint8_t version;      /* 1 to 3 */
    uint8_t robustness;   /* 0: it does not say */
};

/* RFC 3376 7.1: the version is in the length. False: neither 8 nor at least 12 bytes, or the
 * sources run past the end. */
bool igmp_query_parse(const uint8_t *data, size_t len, struct igmp_query *ret_query);
/* Writes the query of query->version without sources; returns its length. */
size_t igmp_query_build(uint8_t *data, const struct igmp_query *query);

/* The group of a report or leave of version 1 or 2. False: short. */
bool igmp_group_parse(const uint8_t *data, size_t len, uint32_t *ret_group4);
/* Writes such a message of `type`; returns IGMP_LEN. */
size_t igmp_group_build(uint8_t *data, enum igmp_type type, uint32_t group4);

/* Begins a walk over the records of a version 3 report; `len` is at least IGMP_LEN. */
struct group_record_iter igmp_records_begin(const uint8_t *data, size_t len);
/* The next record; false at the end or where it is malformed. */
bool igmp_record_next(struct group_record_iter *iter, struct group_record *ret_record);
/* Writes the header of a report that `count` records follow; returns IGMP_LEN. */
size_t igmp_report3_build(uint8_t *data, uint16_t count);
/* Writes a record without sources (record->sources is not read); returns IGMP_RECORD_LEN. */
size_t igmp_record_build(uint8_t *data, const struct group_record *record);

/* Every build function leaves a checksum of 0: this fills it in, over the whole message. */
void igmp_csum_put(uint8_t *data, size_t len);

#endif
