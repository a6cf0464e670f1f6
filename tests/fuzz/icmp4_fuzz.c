/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP headers: parsing what was built gives the same values. */
#include <string.h>

#include "base/check.h"
#include "wire/icmp4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct icmp4_hdr hdr, again;
    struct icmp4_timestamp times;
    uint8_t out[ICMP4_TIMESTAMP_LEN];

    if (icmp4_parse(data, size, &hdr) == 0)
        return 0;
    icmp4_build(out, &hdr);
    CHECK(icmp4_parse(out, ICMP4_HDR_LEN, &again) == ICMP4_HDR_LEN);
    CHECK(again.type == hdr.type && again.code == hdr.code && again.id == hdr.id &&
          again.seq == hdr.seq && again.mtu == hdr.mtu && again.pointer == hdr.pointer &&
          again.gateway4 == hdr.gateway4);
    if (icmp4_timestamp_parse(data, size, &times) != 0) {
        icmp4_timestamp_build(out, &times);
        CHECK(memcmp(out + ICMP4_HDR_LEN, data + ICMP4_HDR_LEN, 12) == 0);
    }
    return 0;
}
