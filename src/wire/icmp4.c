/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/icmp4.h"

#include "wire/csum.h"

static bool has_id(uint8_t type)
{
    return type == ICMP4_ECHO_REPLY || type == ICMP4_ECHO_REQUEST ||
           (type >= ICMP4_TIMESTAMP_REQUEST && type <= ICMP4_MASK_REPLY);
}

static bool has_mtu(uint8_t type, uint8_t code)
{
    return type == ICMP4_UNREACHABLE && code == ICMP4_FRAG_NEEDED;
}

size_t icmp4_parse(const uint8_t *data, size_t len, struct icmp4_hdr *ret_hdr)
{
    if (len < ICMP4_HDR_LEN)
        return 0;
    struct icmp4_hdr hdr = {.type = data[0], .code = data[1], .csum = be16_get(data + 2)};
    if (has_id(hdr.type)) {
        hdr.id = be16_get(data + 4);
        hdr.seq = be16_get(data + 6);
    } else if (has_mtu(hdr.type, hdr.code)) {
        hdr.mtu = be16_get(data + 6);
    } else if (hdr.type == ICMP4_REDIRECT) {
        hdr.gateway4 = addr_raw4_get(data + 4);
    } else if (hdr.type == ICMP4_PARAMETER_PROBLEM) {
        hdr.pointer = data[4];
    }
    *ret_hdr = hdr;
    return ICMP4_HDR_LEN;
}

size_t icmp4_build(uint8_t *data, const struct icmp4_hdr *hdr)
{
    data[0] = hdr->type;
    data[1] = hdr->code;
    be16_put(data + 2, 0);
    be32_put(data + 4, 0);
    if (has_id(hdr->type)) {
        be16_put(data + 4, hdr->id);
        be16_put(data + 6, hdr->seq);
    } else if (has_mtu(hdr->type, hdr->code)) {
        be16_put(data + 6, hdr->mtu);
    } else if (hdr->type == ICMP4_REDIRECT) {
        addr_raw4_put(data + 4, hdr->gateway4);
    } else if (hdr->type == ICMP4_PARAMETER_PROBLEM) {
        data[4] = hdr->pointer;
    }
    return ICMP4_HDR_LEN;
}

void icmp4_csum_put(uint8_t *data, uint32_t sum)
{
    be16_put(data + 2, csum_fold(sum));
}

enum icmp4_class icmp4_classify(uint8_t type)
{
    switch (type) {
    case ICMP4_UNREACHABLE:
    case ICMP4_SOURCE_QUENCH:
    case ICMP4_REDIRECT:
    case ICMP4_TIME_EXCEEDED:
    case ICMP4_PARAMETER_PROBLEM:
        return ICMP4_CLASS_ERROR;
    case ICMP4_ECHO_REQUEST:
    case ICMP4_ROUTER_SOLICITATION:
    case ICMP4_TIMESTAMP_REQUEST:
    case ICMP4_INFO_REQUEST:
    case ICMP4_MASK_REQUEST:
        return ICMP4_CLASS_QUERY;
    case ICMP4_ECHO_REPLY:
    case ICMP4_ROUTER_ADVERTISEMENT:
    case ICMP4_TIMESTAMP_REPLY:
    case ICMP4_INFO_REPLY:
    case ICMP4_MASK_REPLY:
        return ICMP4_CLASS_REPLY;
    default:
        return ICMP4_CLASS_UNKNOWN;
    }
}

size_t icmp4_timestamp_parse(const uint8_t *data, size_t len, struct icmp4_timestamp *ret_times)
{
    if (len < ICMP4_TIMESTAMP_LEN)
        return 0;
    ret_times->originate = be32_get(data + 8);
    ret_times->receive = be32_get(data + 12);
    ret_times->transmit = be32_get(data + 16);
    return ICMP4_TIMESTAMP_LEN;
}

size_t icmp4_timestamp_build(uint8_t *data, const struct icmp4_timestamp *times)
{
    be32_put(data + 8, times->originate);
    be32_put(data + 12, times->receive);
    be32_put(data + 16, times->transmit);
    return ICMP4_TIMESTAMP_LEN;
}
