/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of Ethernet links: the link operations that read and write the 14-byte header. */
#include <nicstack/link.h>

#include <string.h>

#define HEADER_LEN 14

bool nst_ethernet_parse(struct nst_link *link, struct nst_pkt *p,
                        struct nst_link_header *ret_header)
{
    (void)link;
    if (p->linear < HEADER_LEN)
        return false;
    memcpy(ret_header->dst.b, p->data, 6);
    memcpy(ret_header->src.b, p->data + 6, 6);
    ret_header->ethertype = (uint16_t)(p->data[12] << 8 | p->data[13]);
    nst_pkt_pull(p, HEADER_LEN);
    return true;
}

void nst_ethernet_push(struct nst_link *link, struct nst_pkt *p,
                       const struct nst_link_header *header)
{
    (void)link;
    uint8_t *at = nst_pkt_push(p, HEADER_LEN);
    memcpy(at, header->dst.b, 6);
    memcpy(at + 6, header->src.b, 6);
    at[12] = (uint8_t)(header->ethertype >> 8);
    at[13] = (uint8_t)header->ethertype;
}
