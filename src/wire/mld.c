/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/mld.h"

enum {
    OFFSET_RESP = 4,
    OFFSET_GROUP = 8,
    ALERT_MLD = 0, /* RFC 2711 2.1: the value that says "MLD" */
    ROBUSTNESS_MASK = 7,
};

bool mld_query_parse(const uint8_t *data, size_t len, struct mld_query *ret_query)
{
    if (len < MLD_LEN || (len > MLD_LEN && len < MLD_QUERY2_LEN))
        return false;
    struct mld_query q = {.group = addr_v6_get(data + OFFSET_GROUP),
                          .max_resp_ms = be16_get(data + OFFSET_RESP),
                          .version = 1};
    if (len >= MLD_QUERY2_LEN) {
        q.version = 2;
        q.max_resp_ms = group_code16_get(be16_get(data + OFFSET_RESP));
        q.robustness = data[24] & ROBUSTNESS_MASK;
        q.interval_s = group_code8_get(data[25]);
        q.sources = be16_get(data + 26);
        if ((size_t)q.sources * 16 > len - MLD_QUERY2_LEN)
            return false;
    }
    *ret_query = q;
    return true;
}

static void begin(uint8_t *data, uint8_t type, size_t len)
{
    memset(data, 0, len);
    data[0] = type;
}

size_t mld_query_build(uint8_t *data, const struct mld_query *query)
{
    const bool v2 = query->version == 2;
    const size_t len = v2 ? MLD_QUERY2_LEN : MLD_LEN;
    const uint32_t most = query->max_resp_ms < UINT16_MAX ? query->max_resp_ms : UINT16_MAX;
    begin(data, ICMP6_MLD_QUERY, len);
    be16_put(data + OFFSET_RESP, v2 ? group_code16_make(query->max_resp_ms) : (uint16_t)most);
    addr_v6_put(data + OFFSET_GROUP, &query->group);
    if (v2) {
        data[24] = query->robustness & ROBUSTNESS_MASK;
        data[25] = group_code8_make(query->interval_s);
    }
    return len;
}

bool mld_group_parse(const uint8_t *data, size_t len, struct nst_addr *ret_group)
{
    if (len < MLD_LEN)
        return false;
    *ret_group = addr_v6_get(data + OFFSET_GROUP);
    return true;
}

size_t mld_group_build(uint8_t *data, uint8_t type, const struct nst_addr *group)
{
    begin(data, type, MLD_LEN);
    addr_v6_put(data + OFFSET_GROUP, group);
    return MLD_LEN;
}

struct group_record_iter mld_records_begin(const uint8_t *data, size_t len)
{
    return (struct group_record_iter){
        .data = data, .len = len, .off = MLD_REPORT2_LEN, .left = be16_get(data + 6)};
}

bool mld_record_next(struct group_record_iter *iter, struct group_record *ret_record)
{
    if (iter->malformed || iter->left == 0)
        return false;
    const uint8_t *p = iter->data + iter->off;
    const size_t left = iter->len - iter->off;
    const size_t size = left < MLD_RECORD_LEN ? SIZE_MAX
                                              : MLD_RECORD_LEN + (size_t)be16_get(p + 2) * 16 +
                                                    (size_t)p[1] * 4; /* auxiliary words */
    if (size > left) {
        iter->malformed = true;
        return false;
    }
    *ret_record = (struct group_record){
        .group = addr_v6_get(p + 4), .sources = be16_get(p + 2), .type = p[0]};
    iter->off += size;
    iter->left--;
    return true;
}

size_t mld_report2_build(uint8_t *data, uint16_t count)
{
    begin(data, ICMP6_MLD2_REPORT, MLD_REPORT2_LEN);
    be16_put(data + 6, count);
    return MLD_REPORT2_LEN;
}

size_t mld_record_build(uint8_t *data, const struct group_record *record)
{
    begin(data, record->type, 4);
    addr_v6_put(data + 4, &record->group);
    return MLD_RECORD_LEN;
}

size_t mld_alert_build(uint8_t *data)
{
    begin(data, IP_PROTO_ICMPV6, MLD_ALERT_LEN); /* next header, length 0: 8 bytes */
    data[2] = IP6_OPT_ROUTER_ALERT;
    data[3] = 2;
    be16_put(data + 4, ALERT_MLD);
    data[6] = IP6_OPT_PADN;
    return MLD_ALERT_LEN;
}

bool mld_has_alert(const uint8_t *data, size_t len)
{
    struct ip6_opt_iter iter = ip6_opt_begin(data, len);
    struct ip6_opt opt;
    while (ip6_opt_next(&iter, &opt)) {
        if (opt.type == IP6_OPT_ROUTER_ALERT && opt.len == 2 && be16_get(opt.data) == ALERT_MLD)
            return true;
    }
    return false;
}
