/* SPDX-License-Identifier: Apache-2.0 */
/* TCP headers build the same bytes but the reserved bits. */
#include <string.h>

#include "base/check.h"
#include "wire/tcpopt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tcp_hdr hdr;
    struct tcp_opts opts;
    uint8_t out[TCP_HDR_LEN];

    if (tcp_parse(data, size, &hdr) == 0)
        return 0;
    CHECK(tcp_build(out, &hdr) == hdr.hdr_len && hdr.hdr_len <= size);
    CHECK(memcmp(out, data, 12) == 0 && memcmp(out + 13, data + 13, 7) == 0);
    CHECK(out[12] == (data[12] & 0xf1));
    tcp_opts_parse(data + TCP_HDR_LEN, hdr.hdr_len - (size_t)TCP_HDR_LEN, &opts);
    return 0;
}
