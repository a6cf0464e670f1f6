/* SPDX-License-Identifier: Apache-2.0 */
/* ARP: what parses builds the same bytes. */
#include <string.h>

#include "base/check.h"
#include "wire/arp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arp_hdr hdr;
    uint8_t out[ARP_LEN];

    if (arp_parse(data, size, &hdr) != 0) {
        arp_build(out, &hdr);
        CHECK(memcmp(out, data, ARP_LEN) == 0);
        CHECK(!arp_is_probe(&hdr) || !arp_is_announcement(&hdr));
    }
    return 0;
}
