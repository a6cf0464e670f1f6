/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 headers build the same bytes; extension headers and their options stay inside. */
#include <string.h>

#include "base/check.h"
#include "wire/ip6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip6_hdr hdr;
    struct ip6_ext ext;
    struct ip6_opt opt;
    uint8_t out[IP6_HDR_LEN];

    if (ip6_parse(data, size, &hdr) == 0)
        return 0;
    ip6_build(out, &hdr);
    CHECK(memcmp(out, data, IP6_HDR_LEN) == 0);
    struct ip6_ext_iter iter = ip6_ext_begin(data + IP6_HDR_LEN, size - IP6_HDR_LEN, hdr.next);
    while (ip6_ext_next(&iter, &ext)) {
        CHECK(ext.off + ext.len <= size - IP6_HDR_LEN && iter.count <= IP6_EXT_MAX);
        struct ip6_opt_iter opts = ip6_opt_begin(iter.data + ext.off, ext.len);
        while (ip6_opt_next(&opts, &opt))
            CHECK(opt.off + 2 + opt.len <= ext.len - 2);
    }
    CHECK(iter.off <= iter.len);
    return 0;
}
