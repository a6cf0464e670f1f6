/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio-net headers: see vnet.h. */
#include "host/vnet.h"

#include <linux/virtio_net.h>
#include <string.h>

#include "wire/eth.h"

#define IP_PROTO_TCP 6

_Static_assert(sizeof(struct virtio_net_hdr) == VNET_HDR_LEN, "the header as it is on the line");

/* ---- To the device ---- */

static uint8_t gso_to_virtio(const struct nst_pkt *p)
{
    uint8_t type = p->gso == NST_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    if ((p->flags & NST_PKT_GSO_ECN) != 0)
        type |= VIRTIO_NET_HDR_GSO_ECN;
    return type;
}

/* The virtio-net header that says what p asks for. */
static struct virtio_net_hdr make_header(const struct nst_pkt *p)
{
    struct virtio_net_hdr h = {0};
    if (p->csum == NST_CSUM_PARTIAL) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = (uint16_t)nst_pkt_csum_start(p);
        h.csum_offset = p->csum_offset;
    }
    if (p->gso == NST_GSO_TCP4 || p->gso == NST_GSO_TCP6) {
        h.gso_type = gso_to_virtio(p);
        h.gso_size = p->gso_size;
        /* A hint: the headers' length. TCP's own is in its 13th byte. */
        if (h.flags != 0 && h.csum_start + 12u < p->linear)
            h.hdr_len = (uint16_t)(h.csum_start + (p->data[h.csum_start + 12] >> 4) * 4);
    }
    return h;
}

int vnet_gather(const struct nst_pkt *p, uint8_t header_len, uint8_t header[VNET_HDR_MAX],
                struct iovec *iov, int room)
{
    int n = 0;
    if (p->nslices + 2 > room)
        return 0;
    if (header_len != 0) {
        const struct virtio_net_hdr h = make_header(p);
        memset(header, 0, header_len);
        memcpy(header, &h, sizeof(h));
        iov[n++] = (struct iovec){.iov_base = header, .iov_len = header_len};
    }
    iov[n++] = (struct iovec){.iov_base = p->data, .iov_len = p->linear};
    for (uint16_t i = 0; i < p->nslices; i++)
        iov[n++] = (struct iovec){.iov_base = p->slice[i].data, .iov_len = p->slice[i].len};
    return n;
}

/* ---- From the device ---- */

/* Is p, behind its link header, TCP over IP of this version? IPv6 with extension headers counts as
 * what it may be: gso_size is but a hint there. */
static bool is_tcp(const struct nst_pkt *p, uint32_t at, unsigned version)
{
    if (p->linear < at + 40 || p->data[at] >> 4 != version)
        return false;
    return version == 6 || p->data[at + 9] == IP_PROTO_TCP;
}

static bool apply_csum(const struct virtio_net_hdr *h, struct nst_pkt *p)
{
    if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
        if ((uint32_t)h->csum_start + h->csum_offset + 2 > p->linear ||
            nst_pkt_headroom(p) + h->csum_start > UINT16_MAX)
            return false;
        nst_pkt_request_csum(p, h->csum_start, h->csum_offset);
    } else if ((h->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
        p->csum = NST_CSUM_VALID;
    }
    return true;
}

/* Where the network header begins: behind an Ethernet header may be VLAN tags. */
static uint32_t network_offset(const struct nst_pkt *p, uint32_t link_header)
{
    return link_header == ETH_HDR_LEN ? eth_header_len(p->data, p->linear) : link_header;
}

bool vnet_apply(const uint8_t header[VNET_HDR_LEN], uint32_t link_header, bool segmentation,
                struct nst_pkt *p)
{
    struct virtio_net_hdr h;
    memcpy(&h, header, sizeof(h));
    if (!apply_csum(&h, p))
        return false;
    uint8_t type = h.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    if (!segmentation || h.gso_size == 0)
        return false;
    const uint32_t at = network_offset(p, link_header);
    if (type == VIRTIO_NET_HDR_GSO_TCPV4 && is_tcp(p, at, 4))
        p->gso = NST_GSO_TCP4;
    else if (type == VIRTIO_NET_HDR_GSO_TCPV6 && is_tcp(p, at, 6))
        p->gso = NST_GSO_TCP6;
    else
        return false;
    p->gso_size = h.gso_size;
    if ((h.gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0)
        p->flags |= NST_PKT_GSO_ECN;
    return true;
}
