/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tcp.h"

#include "wire/csum.h"

size_t tcp_quote_parse(const uint8_t *data, size_t len, struct tcp_quote *ret_quote)
{
    if (len < 8)
        return 0;
    ret_quote->src_port = be16_get(data);
    ret_quote->dst_port = be16_get(data + 2);
    ret_quote->seq = be32_get(data + 4);
    return 8;
}

void tcp_csum_put(uint8_t *data, uint32_t sum)
{
    be16_put(data + TCP_CSUM_OFFSET, csum_fold(sum));
}
