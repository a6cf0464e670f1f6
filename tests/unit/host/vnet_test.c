/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio-net headers, both ways; what a TUN says in them is in tuntap_test.c too. */
#include "host/vnet.h"

#include <linux/virtio_net.h>

#include "../link/top.h"
#include "packet/packet.h"

#define ETHERNET 14

static struct virtio_net_hdr gathered(const struct nst_pkt *p, int pieces)
{
    uint8_t header[VNET_HDR_MAX];
    struct iovec iov[VNET_PIECES_MAX];
    struct virtio_net_hdr h;
    assert_int_equal(vnet_gather(p, VNET_HDR_LEN, header, iov, VNET_PIECES_MAX), pieces);
    assert_ptr_equal(iov[0].iov_base, header);
    assert_int_equal(iov[0].iov_len, VNET_HDR_LEN);
    assert_ptr_equal(iov[1].iov_base, p->data);
    assert_int_equal(iov[1].iov_len, p->linear);
    memcpy(&h, header, sizeof(h));
    return h;
}

static void says_what_is_asked_for(void **state)
{
    struct top top;
    top_init(&top, 1 << 20);
    struct nst_pkt *p = top_packet(&top, 1, 3000);
    struct virtio_net_hdr h = gathered(p, 2);
    assert_int_equal(h.flags | h.gso_type | h.gso_size | h.hdr_len, 0);
    p->data[ETHERNET + 40 + 12] = 5 << 4;
    nst_pkt_request_csum(p, ETHERNET + 40, 16);
    h = gathered(p, 2);
    assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(h.csum_start, ETHERNET + 40);
    assert_int_equal(h.csum_offset, 16);
    assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_NONE);
    p->gso = NST_GSO_TCP6;
    p->gso_size = 1220;
    h = gathered(p, 2);
    assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
    assert_int_equal(h.gso_size, 1220);
    assert_int_equal(h.hdr_len, ETHERNET + 40 + 20); /* TCP's header is in it */
    nst_pkt_free(p);
    top_fini(&top);
}

static void gathers_slices_behind_the_linear_part(void **state)
{
    struct top top;
    uint8_t header[VNET_HDR_MAX];
    struct iovec iov[VNET_PIECES_MAX];
    top_init(&top, 1 << 20);
    struct nst_pkt *whole = top_packet(&top, 1, 3000);
    struct nst_pkt *p = pkt_pub(pkt_split(pkt_of(whole), 64, 100, 2900));
    for (uint32_t at = 0; at < 3; at++) /* views that do not continue each other */
        assert_true(pkt_append(pkt_of(p), pkt_split(pkt_of(whole), 0, at * 50, 40)));
    assert_int_equal(p->nslices, 4);
    int n = vnet_gather(p, VNET_HDR_LEN, header, iov, VNET_PIECES_MAX);
    assert_int_equal(n, 2 + p->nslices);
    size_t len = 0;
    for (int i = 1; i < n; i++)
        len += iov[i].iov_len;
    assert_int_equal(len, 2900 + 3 * 40);
    assert_int_equal(vnet_gather(p, 0, header, iov, VNET_PIECES_MAX), 1 + p->nslices);
    assert_ptr_equal(iov[0].iov_base, p->data);
    /* Longer headers are filled with zeros. */
    memset(header, 0xff, sizeof(header));
    assert_int_equal(vnet_gather(p, 20, header, iov, VNET_PIECES_MAX), n);
    assert_int_equal(iov[0].iov_len, 20);
    for (int i = 0; i < 20; i++)
        assert_int_equal(header[i], 0);
    /* No room for the header, the linear part and every slice. */
    assert_int_equal(vnet_gather(p, VNET_HDR_LEN, header, iov, 1 + p->nslices), 0);
    nst_pkt_free(p);
    nst_pkt_free(whole);
    top_fini(&top);
}

/* A frame of `len` bytes with TCP over IPv4 behind an Ethernet header; true: h was believed. */
static bool believes(struct top *top, const struct virtio_net_hdr *h, uint32_t len)
{
    uint8_t header[VNET_HDR_LEN];
    memcpy(header, h, sizeof(header));
    struct nst_pkt *p = nst_pkt_new(top->pool, TOP_HEADROOM, len);
    memset(nst_pkt_put(p, len), 0, len);
    if (len > ETHERNET + 9) {
        p->data[ETHERNET] = 0x45;
        p->data[ETHERNET + 9] = 6;
    }
    bool believed = vnet_apply(header, ETHERNET, true, p);
    if (believed && h->gso_type != VIRTIO_NET_HDR_GSO_NONE)
        assert_int_equal(p->gso, NST_GSO_TCP4);
    assert_true(!believed || p->csum != NST_CSUM_PARTIAL ||
                nst_pkt_csum_start(p) + p->csum_offset + 2 <= p->linear);
    nst_pkt_free(p);
    return believed;
}

/* Every length up to a whole header: no byte behind the frame is looked at (ASan), and nothing that
 * lies outside is believed. */
static void believes_no_header_of_a_frame_that_is_cut_short(void **state)
{
    struct top top;
    top_init(&top, 1 << 20);
    const struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                     .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                     .gso_size = 1448,
                                     .csum_start = ETHERNET + 20,
                                     .csum_offset = 16};
    for (uint32_t len = 0; len < ETHERNET + 40; len++)
        assert_false(believes(&top, &h, len));
    assert_true(believes(&top, &h, ETHERNET + 40));
    struct virtio_net_hdr far = h;
    for (uint32_t start = ETHERNET + 23; start <= UINT16_MAX; start += 97) {
        far.csum_start = (uint16_t)start;
        assert_false(believes(&top, &far, ETHERNET + 40));
    }
    top_fini(&top);
}

/* The kernel's VLAN devices send large segments too: tags stand before the IP header. */
static void believes_segments_behind_vlan_tags(void **state)
{
    static const uint8_t tag[] = {0x81, 0x00, 0x00, 0x05};
    struct top top;
    top_init(&top, 1 << 20);
    for (uint32_t tags = 0; tags <= 3; tags++) {
        const uint32_t at = ETHERNET + tags * 4;
        const struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                         .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                         .gso_size = 1448,
                                         .csum_start = (uint16_t)(at + 20),
                                         .csum_offset = 16};
        uint8_t header[VNET_HDR_LEN];
        memcpy(header, &h, sizeof(header));
        for (uint32_t len = ETHERNET; len <= at + 40; len++) {
            struct nst_pkt *p = nst_pkt_new(top.pool, TOP_HEADROOM, len);
            uint8_t frame[ETHERNET + 12 + 40] = {0};
            for (uint32_t i = 0; i < tags; i++)
                memcpy(frame + 12 + (size_t)4 * i, tag, sizeof(tag));
            frame[at] = 0x45;
            frame[at + 9] = 6;
            memcpy(nst_pkt_put(p, len), frame, len);
            /* Two tags at most. */
            assert_int_equal(vnet_apply(header, ETHERNET, true, p), len == at + 40 && tags <= 2);
            nst_pkt_free(p);
        }
    }
    top_fini(&top);
}

TESTS({"the header says what the packet asks for", says_what_is_asked_for},
      {"slices are gathered behind the linear part", gathers_slices_behind_the_linear_part},
      {"no header of a frame that is cut short is believed",
       believes_no_header_of_a_frame_that_is_cut_short},
      {"large segments are believed behind VLAN tags", believes_segments_behind_vlan_tags})
