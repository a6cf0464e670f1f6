/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip6.h"

size_t ip6_parse(const uint8_t *data, size_t len, struct ip6_hdr *ret_hdr)
{
    if (len < IP6_HDR_LEN || data[0] >> 4 != 6)
        return 0;
    const uint32_t word = be32_get(data);
    ret_hdr->src = addr_v6_get(data + 8);
    ret_hdr->dst = addr_v6_get(data + 24);
    ret_hdr->flow = word & 0xfffff;
    ret_hdr->payload_len = be16_get(data + 4);
    ret_hdr->tclass = (uint8_t)(word >> 20);
    ret_hdr->next = data[6];
    ret_hdr->hop_limit = data[7];
    return IP6_HDR_LEN;
}

size_t ip6_build(uint8_t *data, const struct ip6_hdr *hdr)
{
    be32_put(data, 6u << 28 | (uint32_t)hdr->tclass << 20 | (hdr->flow & 0xfffff));
    be16_put(data + 4, hdr->payload_len);
    data[6] = hdr->next;
    data[7] = hdr->hop_limit;
    addr_v6_put(data + 8, &hdr->src);
    addr_v6_put(data + 24, &hdr->dst);
    return IP6_HDR_LEN;
}

size_t ip6_fragment_parse(const uint8_t *data, size_t len, struct ip6_fragment *ret_fragment)
{
    if (len < IP6_FRAGMENT_LEN)
        return 0;
    const uint16_t word = be16_get(data + 2);
    ret_fragment->id = be32_get(data + 4);
    ret_fragment->off = word & 0xfff8;
    ret_fragment->mf = (word & 1) != 0;
    ret_fragment->next = data[0];
    return IP6_FRAGMENT_LEN;
}

size_t ip6_fragment_build(uint8_t *data, const struct ip6_fragment *fragment)
{
    data[0] = fragment->next;
    data[1] = 0;
    be16_put(data + 2, (uint16_t)((fragment->off & 0xfff8) | fragment->mf));
    be32_put(data + 4, fragment->id);
    return IP6_FRAGMENT_LEN;
}

bool ip6_is_extension(uint8_t next)
{
    switch (next) {
    case IP_PROTO_HOP_BY_HOP:
    case IP_PROTO_ROUTING:
    case IP_PROTO_FRAGMENT:
    case IP_PROTO_AH:
    case IP_PROTO_DESTINATION:
    case IP_PROTO_MOBILITY:
    case IP_PROTO_HIP:
    case IP_PROTO_SHIM6:
        return true;
    default:
        return false;
    }
}

/* The length of the extension header of `type` whose second byte is `code`. */
static size_t extension_length(uint8_t type, uint8_t code)
{
    if (type == IP_PROTO_FRAGMENT)
        return IP6_FRAGMENT_LEN;
    if (type == IP_PROTO_AH) /* RFC 4302 2.2: in words of 4, less 2 */
        return ((size_t)code + 2) * 4;
    return ((size_t)code + 1) * 8;
}

bool ip6_ext_next(struct ip6_ext_iter *iter, struct ip6_ext *ret_ext)
{
    if (iter->malformed || iter->fragment || !ip6_is_extension(iter->next))
        return false;
    const uint8_t *p = iter->data + iter->off;
    const size_t left = iter->len - iter->off;
    /* Every one has at least 8 bytes; an AH of length code 0 claims those too. */
    const size_t size = left < 8 ? SIZE_MAX : extension_length(iter->next, p[1]);
    if (size > left || iter->count == IP6_EXT_MAX) {
        iter->malformed = true;
        return false;
    }
    *ret_ext = (struct ip6_ext){.type = iter->next, .off = iter->off, .len = size};
    iter->fragment = iter->next == IP_PROTO_FRAGMENT && (be16_get(p + 2) & 0xfff8) != 0;
    iter->next = p[0];
    iter->next_off = iter->off;
    iter->off += size;
    iter->count++;
    return true;
}

struct ip6_opt_iter ip6_opt_begin(const uint8_t *header, size_t len)
{
    return (struct ip6_opt_iter){.data = header + 2, .len = len - 2};
}

bool ip6_opt_next(struct ip6_opt_iter *iter, struct ip6_opt *ret_opt)
{
    while (!iter->malformed && iter->off < iter->len) {
        const uint8_t *p = iter->data + iter->off;
        const size_t left = iter->len - iter->off;
        const size_t off = iter->off;

        if (p[0] == IP6_OPT_PAD1) {
            iter->off++;
            continue;
        }
        if (left < 2 || p[1] > left - 2) {
            iter->malformed = true;
            return false;
        }
        iter->off += (size_t)p[1] + 2;
        if (p[0] != IP6_OPT_PADN) {
            *ret_opt = (struct ip6_opt){.type = p[0], .len = p[1], .off = off, .data = p + 2};
            return true;
        }
    }
    return false;
}
