/* SPDX-License-Identifier: Apache-2.0 */
/* UDP headers build the same bytes; all forms of the checksum agree on the data. */
#include <string.h>

#include "base/check.h"
#include "wire/csum.h"
#include "wire/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct csum_ops *ops = csum_select();
    struct udp_hdr hdr;
    uint8_t out[UDP_HDR_LEN];

    CHECK(csum_fold(ops->sum(data, size, 1)) == csum_fold(csum_portable.sum(data, size, 1)));
    CHECK(csum_fold(csum_short(data, size, 1)) == csum_fold(csum_portable.sum(data, size, 1)));
    if (udp_parse(data, size, &hdr) != 0) {
        udp_build(out, &hdr);
        CHECK(memcmp(out, data, UDP_HDR_LEN) == 0);
    }
    return 0;
}
