/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/arp.h"

#include "wire/eth.h"

enum {
    ARP_HARDWARE_ETHERNET = 1,
    /* hardware and protocol address lengths in one word: 6 and 4 */
    ARP_LENGTHS = 0x0604,
};

size_t arp_parse(const uint8_t *data, size_t len, struct arp_hdr *ret_hdr)
{
    if (len < ARP_LEN || be16_get(data) != ARP_HARDWARE_ETHERNET ||
        be16_get(data + 2) != ETH_TYPE_IPV4 || be16_get(data + 4) != ARP_LENGTHS)
        return 0;
    ret_hdr->op = be16_get(data + 6);
    ret_hdr->sha = mac_get(data + 8);
    ret_hdr->spa4 = addr_raw4_get(data + 14);
    ret_hdr->tha = mac_get(data + 18);
    ret_hdr->tpa4 = addr_raw4_get(data + 24);
    return ARP_LEN;
}

size_t arp_build(uint8_t *data, const struct arp_hdr *hdr)
{
    be16_put(data, ARP_HARDWARE_ETHERNET);
    be16_put(data + 2, ETH_TYPE_IPV4);
    be16_put(data + 4, ARP_LENGTHS);
    be16_put(data + 6, hdr->op);
    mac_put(data + 8, &hdr->sha);
    addr_raw4_put(data + 14, hdr->spa4);
    mac_put(data + 18, &hdr->tha);
    addr_raw4_put(data + 24, hdr->tpa4);
    return ARP_LEN;
}

struct arp_hdr arp_request(const struct nst_mac *sha, uint32_t spa4, uint32_t tpa4)
{
    return (struct arp_hdr){.op = ARP_OP_REQUEST, .sha = *sha, .spa4 = spa4, .tpa4 = tpa4};
}

struct arp_hdr arp_reply(const struct arp_hdr *request, const struct nst_mac *sha)
{
    return (struct arp_hdr){.op = ARP_OP_REPLY,
                            .sha = *sha,
                            .spa4 = request->tpa4,
                            .tha = request->sha,
                            .tpa4 = request->spa4};
}
