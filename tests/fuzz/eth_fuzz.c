/* SPDX-License-Identifier: Apache-2.0 */
/* Ethernet headers and tags: what parses builds the same bytes. */
#include <string.h>

#include "base/check.h"
#include "wire/eth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eth_hdr hdr;
    struct eth_tag tag;
    uint8_t out[ETH_HDR_LEN];

    if (eth_parse(data, size, &hdr) != 0) {
        eth_build(out, &hdr);
        CHECK(memcmp(out, data, ETH_HDR_LEN) == 0);
    }
    if (eth_tag_parse(data, size, &tag) != 0) {
        eth_tag_build(out, &tag);
        CHECK(memcmp(out, data, ETH_TAG_LEN) == 0);
    }
    return 0;
}
