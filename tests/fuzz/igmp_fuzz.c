/* SPDX-License-Identifier: Apache-2.0 */
/* IGMP messages: parsing what was built gives the same values. */
#include <string.h>

#include "base/check.h"
#include "wire/igmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct igmp_query query, again;
    struct group_record record;
    uint8_t out[IGMP_QUERY3_LEN];
    uint32_t group4;

    if (igmp_query_parse(data, size, &query)) {
        const size_t len = igmp_query_build(out, &query);
        CHECK(igmp_query_parse(out, len, &again));
        CHECK(again.version == query.version && again.group4 == query.group4 &&
              again.max_resp_ms == query.max_resp_ms && again.interval_s == query.interval_s &&
              again.robustness == query.robustness);
    }
    if (!igmp_group_parse(data, size, &group4))
        return 0;
    struct group_record_iter it = igmp_records_begin(data, size);
    while (igmp_record_next(&it, &record)) {
        igmp_record_build(out, &record);
        CHECK(out[0] == record.type && it.off <= size);
    }
    CHECK(it.malformed || it.left == 0);
    return 0;
}
