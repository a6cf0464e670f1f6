/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/igmp.h"

enum {
    OFFSET_CSUM = 2,
    OFFSET_GROUP = 4,
    MAX_RESP_1 = 10000, /* RFC 2236 4: a version 1 query means 10 s */
    RESP_UNIT_MS = 100,
    ROBUSTNESS_MASK = 7,
};

bool igmp_query_parse(const uint8_t *data, size_t len, struct igmp_query *ret_query)
{
    if (len < IGMP_LEN || (len > IGMP_LEN && len < IGMP_QUERY3_LEN))
        return false;
    struct igmp_query q = {.group4 = addr_raw4_get(data + OFFSET_GROUP), .version = 3};
    if (len == IGMP_LEN) {
        q.version = data[1] == 0 ? 1 : 2;
        q.max_resp_ms = data[1] == 0 ? MAX_RESP_1 : (uint32_t)data[1] * RESP_UNIT_MS;
    } else {
        q.max_resp_ms = group_code8_get(data[1]) * RESP_UNIT_MS;
        q.robustness = data[8] & ROBUSTNESS_MASK;
        q.interval_s = group_code8_get(data[9]);
        q.sources = be16_get(data + 10);
        if ((size_t)q.sources * 4 > len - IGMP_QUERY3_LEN)
            return false;
    }
    *ret_query = q;
    return true;
}

size_t igmp_query_build(uint8_t *data, const struct igmp_query *query)
{
    const uint32_t units = query->max_resp_ms / RESP_UNIT_MS;
    memset(data, 0, IGMP_LEN);
    data[0] = IGMP_QUERY;
    addr_raw4_put(data + OFFSET_GROUP, query->group4);
    if (query->version == 1)
        return IGMP_LEN;
    if (query->version == 2) {
        data[1] = (uint8_t)(units < UINT8_MAX ? units : UINT8_MAX);
        return IGMP_LEN;
    }
    data[1] = group_code8_make(units);
    data[8] = query->robustness & ROBUSTNESS_MASK;
    data[9] = group_code8_make(query->interval_s);
    be16_put(data + 10, 0);
    return IGMP_QUERY3_LEN;
}

bool igmp_group_parse(const uint8_t *data, size_t len, uint32_t *ret_group4)
{
    if (len < IGMP_LEN)
        return false;
    *ret_group4 = addr_raw4_get(data + OFFSET_GROUP);
    return true;
}

size_t igmp_group_build(uint8_t *data, enum igmp_type type, uint32_t group4)
{
    memset(data, 0, IGMP_LEN);
    data[0] = (uint8_t)type;
    addr_raw4_put(data + OFFSET_GROUP, group4);
    return IGMP_LEN;
}

struct group_record_iter igmp_records_begin(const uint8_t *data, size_t len)
{
    return (struct group_record_iter){
        .data = data, .len = len, .off = IGMP_LEN, .left = be16_get(data + 6)};
}

bool igmp_record_next(struct group_record_iter *iter, struct group_record *ret_record)
{
    if (iter->malformed || iter->left == 0)
        return false;
    const uint8_t *p = iter->data + iter->off;
    const size_t left = iter->len - iter->off;
    const size_t size = left < IGMP_RECORD_LEN ? SIZE_MAX
                                               : IGMP_RECORD_LEN + (size_t)be16_get(p + 2) * 4 +
                                                     (size_t)p[1] * 4; /* auxiliary words */
    if (size > left) {
        iter->malformed = true;
        return false;
    }
    *ret_record = (struct group_record){
        .group = addr_v4_get(p + 4), .sources = be16_get(p + 2), .type = p[0]};
    iter->off += size;
    iter->left--;
    return true;
}

size_t igmp_report3_build(uint8_t *data, uint16_t count)
{
    memset(data, 0, IGMP_LEN);
    data[0] = IGMP_REPORT3;
    be16_put(data + 6, count);
    return IGMP_LEN;
}

size_t igmp_record_build(uint8_t *data, const struct group_record *record)
{
    data[0] = record->type;
    data[1] = 0;
    be16_put(data + 2, 0);
    addr_v4_put(data + 4, &record->group);
    return IGMP_RECORD_LEN;
}

void igmp_csum_put(uint8_t *data, size_t len)
{
    be16_put(data + OFFSET_CSUM, 0);
    be16_put(data + OFFSET_CSUM, csum_fold(csum_short(data, len, 0)));
}
