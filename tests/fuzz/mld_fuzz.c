/* SPDX-License-Identifier: Apache-2.0 */
/* Multicast listener discovery messages: parsing what was built gives the same values. */
#include <string.h>

#include "base/check.h"
#include "wire/mld.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mld_query query, again;
    struct group_record record;
    struct nst_addr group;
    uint8_t out[MLD_QUERY2_LEN];

    if (mld_query_parse(data, size, &query)) {
        const size_t len = mld_query_build(out, &query);
        CHECK(mld_query_parse(out, len, &again));
        CHECK(again.version == query.version && nst_addr_equal(&again.group, &query.group) &&
              again.max_resp_ms == query.max_resp_ms && again.interval_s == query.interval_s &&
              again.robustness == query.robustness);
    }
    if (mld_group_parse(data, size, &group)) {
        mld_group_build(out, data[0], &group);
        CHECK(memcmp(out + 8, data + 8, 16) == 0);
    }
    if (size >= 2)
        (void)mld_has_alert(data, size);
    if (size < MLD_REPORT2_LEN)
        return 0;
    struct group_record_iter it = mld_records_begin(data, size);
    while (mld_record_next(&it, &record)) {
        mld_record_build(out, &record);
        CHECK(out[0] == record.type && it.off <= size);
    }
    CHECK(it.malformed || it.left == 0);
    return 0;
}
