/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/eth.h"

size_t eth_tag_parse(const uint8_t *data, size_t len, struct eth_tag *ret_tag)
{
    if (len < ETH_TAG_LEN)
        return 0;
    const uint16_t tci = be16_get(data);
    ret_tag->pcp = (uint8_t)(tci >> 13);
    ret_tag->dei = (tci & 0x1000) != 0;
    ret_tag->vid = tci & 0x0fff;
    ret_tag->type = be16_get(data + 2);
    return ETH_TAG_LEN;
}

size_t eth_tag_build(uint8_t *data, const struct eth_tag *tag)
{
    be16_put(data,
             (uint16_t)((tag->pcp & 7) << 13 | (tag->dei ? 0x1000 : 0) | (tag->vid & 0x0fff)));
    be16_put(data + 2, tag->type);
    return ETH_TAG_LEN;
}
