/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of links that carry bare IP packets: no header; the version nibble tells the EtherType.
 */
#include <nicstack/link.h>

bool nst_bare_ip_parse(struct nst_link *link, struct nst_pkt *p, struct nst_link_header *ret_header)
{
    (void)link;
    if (p->linear < 1)
        return false;
    uint8_t version = p->data[0] >> 4;
    if (version != 4 && version != 6)
        return false;
    *ret_header = (struct nst_link_header){
        .ethertype = version == 4 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6,
    };
    return true;
}

void nst_bare_ip_push(struct nst_link *link, struct nst_pkt *p,
                      const struct nst_link_header *header)
{
    (void)link;
    (void)p;
    (void)header;
}
