/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 headers: what parses builds the same bytes but the checksum; options stay inside. */
#include <string.h>

#include "base/check.h"
#include "wire/ip4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip4_hdr hdr;
    uint8_t out[IP4_HDR_MAX];
    const size_t len = ip4_parse(data, size, &hdr);

    if (len == 0)
        return 0;
    memcpy(out, data, len);
    CHECK(ip4_build(out, &hdr) == len);
    CHECK(ip4_csum_ok(out, len));
    CHECK(memcmp(out, data, 10) == 0 && memcmp(out + 12, data + 12, len - 12) == 0);
    struct ip4_opt_iter iter = ip4_opt_begin(data + IP4_HDR_LEN, len - IP4_HDR_LEN);
    struct ip4_opt opt;
    while (ip4_opt_next(&iter, &opt))
        CHECK(opt.len >= 2 && opt.data - 2 + opt.len <= data + len);
    ip4_has_router_alert(data + IP4_HDR_LEN, len - IP4_HDR_LEN);
    CHECK(ip4_options_for_fragments(data + IP4_HDR_LEN, len - IP4_HDR_LEN, out) <=
          len - IP4_HDR_LEN);
    return 0;
}
