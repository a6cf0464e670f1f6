/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip4.h"

enum {
    OFFSET_TTL = 8,
    OFFSET_CSUM = 10,
    ALERT_LEN = 4,
};

size_t ip4_build(uint8_t *data, const struct ip4_hdr *hdr)
{
    const uint16_t flags =
        (uint16_t)((hdr->evil ? 0x8000 : 0) | (hdr->df ? 0x4000 : 0) | (hdr->mf ? 0x2000 : 0));

    data[0] = (uint8_t)(0x40 | hdr->hdr_len >> 2);
    data[1] = hdr->tos;
    be16_put(data + 2, hdr->total_len);
    be16_put(data + 4, hdr->id);
    be16_put(data + 6, (uint16_t)(flags | hdr->frag_off >> 3));
    data[OFFSET_TTL] = hdr->ttl;
    data[9] = hdr->proto;
    be16_put(data + OFFSET_CSUM, 0);
    addr_raw4_put(data + 12, hdr->src4);
    addr_raw4_put(data + 16, hdr->dst4);
    const uint32_t sum =
        hdr->hdr_len == IP4_HDR_LEN ? csum_header20(data) : csum_short(data, hdr->hdr_len, 0);
    be16_put(data + OFFSET_CSUM, csum_fold(sum));
    return hdr->hdr_len;
}

void ip4_decrement_ttl(uint8_t *data)
{
    const uint16_t from = be16_get(data + OFFSET_TTL);
    const uint16_t csum = be16_get(data + OFFSET_CSUM);

    data[OFFSET_TTL]--;
    be16_put(data + OFFSET_CSUM, csum_replace16(csum, from, (uint16_t)(from - 0x100)));
}

static bool stop(struct ip4_opt_iter *iter)
{
    iter->malformed = true;
    iter->bad_off = (uint8_t)iter->off;
    iter->len = iter->off;
    return false;
}

bool ip4_opt_next(struct ip4_opt_iter *iter, struct ip4_opt *ret_opt)
{
    while (iter->off < iter->len && iter->data[iter->off] == IP4_OPT_NOP)
        iter->off++;
    const size_t left = iter->len - iter->off;
    const uint8_t *p = iter->data + iter->off;
    if (left == 0)
        return false;
    if (p[0] == IP4_OPT_EOL) {
        iter->len = iter->off;
        return false;
    }
    if (left < 2 || p[1] < 2 || p[1] > left)
        return stop(iter);
    *ret_opt =
        (struct ip4_opt){.type = p[0], .len = p[1], .off = (uint8_t)iter->off, .data = p + 2};
    iter->off += p[1];
    return true;
}

bool ip4_has_router_alert(const uint8_t *options, size_t len)
{
    struct ip4_opt_iter iter = ip4_opt_begin(options, len);
    struct ip4_opt opt;

    while (ip4_opt_next(&iter, &opt)) {
        if (opt.type == IP4_OPT_ALERT && opt.len == ALERT_LEN && be16_get(opt.data) == 0)
            return true;
    }
    return false;
}

size_t ip4_router_alert_build(uint8_t *options)
{
    options[0] = IP4_OPT_ALERT;
    options[1] = ALERT_LEN;
    be16_put(options + 2, 0);
    return ALERT_LEN;
}

size_t ip4_options_for_fragments(const uint8_t *options, size_t len, uint8_t *ret_options)
{
    struct ip4_opt_iter iter = ip4_opt_begin(options, len);
    struct ip4_opt opt;
    size_t written = 0;

    while (ip4_opt_next(&iter, &opt)) {
        if (!(opt.type & IP4_OPT_COPIED))
            continue;
        memcpy(ret_options + written, options + opt.off, opt.len);
        written += opt.len;
    }
    while (written % 4 != 0)
        ret_options[written++] = IP4_OPT_EOL;
    return written;
}
