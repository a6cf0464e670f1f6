/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/icmp6.h"

static bool is_echo(uint8_t type)
{
    return type == ICMP6_ECHO_REQUEST || type == ICMP6_ECHO_REPLY;
}

size_t icmp6_parse(const uint8_t *data, size_t len, struct icmp6_hdr *ret_hdr)
{
    if (len < ICMP6_HDR_LEN)
        return 0;
    struct icmp6_hdr hdr = {.type = data[0], .code = data[1], .csum = be16_get(data + 2)};
    if (is_echo(hdr.type)) {
        hdr.id = be16_get(data + 4);
        hdr.seq = be16_get(data + 6);
    } else if (hdr.type == ICMP6_TOO_BIG) {
        hdr.mtu = be32_get(data + 4);
    } else if (hdr.type == ICMP6_PARAMETER_PROBLEM) {
        hdr.pointer = be32_get(data + 4);
    }
    *ret_hdr = hdr;
    return ICMP6_HDR_LEN;
}

size_t icmp6_build(uint8_t *data, const struct icmp6_hdr *hdr)
{
    data[0] = hdr->type;
    data[1] = hdr->code;
    be16_put(data + 2, 0);
    be32_put(data + 4, 0);
    if (is_echo(hdr->type)) {
        be16_put(data + 4, hdr->id);
        be16_put(data + 6, hdr->seq);
    } else if (hdr->type == ICMP6_TOO_BIG) {
        be32_put(data + 4, hdr->mtu);
    } else if (hdr->type == ICMP6_PARAMETER_PROBLEM) {
        be32_put(data + 4, hdr->pointer);
    }
    return ICMP6_HDR_LEN;
}

void icmp6_csum_put(uint8_t *data, uint32_t sum)
{
    be16_put(data + 2, csum_fold(sum));
}
