/* SPDX-License-Identifier: Apache-2.0 */
/* Packets out of a descriptor: see reader.h. */
#include "host/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/vnet.h"

/* read(2) of one packet: its length, 0 for none now, or -NST_EIO. */
static int64_t read_device(const struct reader *r, uint8_t *to, size_t size)
{
    ssize_t n;
    do
        n = read(r->fd, to, size);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    /* A device that is there never says 0. */
    return n < 0 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS) ? 0 : -NST_EIO;
}

/* Makes a spare packet where there is none. False: packets are to be dropped. */
static bool has_spare(struct reader *r)
{
    if (r->link->upper != NULL && r->spare == NULL)
        r->spare = nst_pkt_new(r->link->pool, READER_HEADROOM,
                               r->vnet_hdr + READER_ETHERNET_LEN + READER_IP_PACKET_MAX);
    return r->spare != NULL;
}

/* Takes one packet off the device and drops it. 1, 0 (none), or -NST_EIO. */
static int discard_packet(struct reader *r)
{
    uint8_t scrap[256]; /* what does not fit is cut off by the kernel */
    int64_t n = read_device(r, scrap, sizeof(scrap));
    if (n > 0)
        r->no_memory++;
    return n > 0 ? 1 : (int)n;
}

/* The packet with the `n` bytes that were read into the spare: itself, or a copy if it is small and
 * there is memory for one. */
static struct nst_pkt *take_read(struct reader *r, uint32_t n)
{
    struct nst_pkt *p = r->spare;
    struct nst_pkt *small = NULL;
    if (n < nst_pkt_tailroom(p) / 4)
        small = nst_pkt_new(r->link->pool, READER_HEADROOM, n);
    if (small != NULL) {
        memcpy(nst_pkt_put(small, n), p->data, n);
        return small;
    }
    nst_pkt_put(p, n);
    r->spare = NULL;
    return p;
}

/* Pulls the virtio-net header and believes it, if it makes sense. */
static bool take_header(const struct reader *r, struct nst_pkt *p)
{
    if (r->vnet_hdr == 0)
        return true;
    const uint8_t *header = p->data;
    nst_pkt_pull(p, r->vnet_hdr);
    return vnet_apply(header, r->link->max_header, r->segmentation, p);
}

int reader_read(struct reader *r, struct nst_pktq *q)
{
    if (!has_spare(r))
        return discard_packet(r);
    int64_t n = read_device(r, r->spare->data, nst_pkt_tailroom(r->spare));
    if (n <= 0)
        return (int)n;
    if (n <= r->vnet_hdr) {
        r->malformed++;
        return 1;
    }
    struct nst_pkt *p = take_read(r, (uint32_t)n);
    if (take_header(r, p)) {
        nst_pktq_push(q, p);
    } else {
        r->malformed++;
        nst_pkt_free(p);
    }
    return 1;
}

struct nst_pkt *reader_packet(struct reader *r, uint32_t len)
{
    bool spare = has_spare(r);
    struct nst_pkt *p =
        r->link->upper != NULL ? nst_pkt_new(r->link->pool, READER_HEADROOM, len) : NULL;
    if (p == NULL && spare) {
        p = r->spare;
        r->spare = NULL;
    }
    return p;
}

int reader_receive(struct reader *r, int max)
{
    struct nst_pktq q = {0};
    int n = 0, got = 0;
    while (n < max && (got = reader_read(r, &q)) > 0)
        n++;
    if (!nst_pktq_is_empty(&q))
        nst_link_deliver(r->link, &q);
    return n > 0 ? n : got;
}

void reader_detach(struct reader *r)
{
    if (r->spare != NULL)
        nst_pkt_free(r->spare);
    r->spare = NULL;
}

int reader_set_mtu(struct nst_link *link, uint32_t mtu)
{
    if (mtu == 0 || mtu > READER_IP_PACKET_MAX)
        return -NST_EINVAL;
    link->mtu = mtu;
    return 0;
}
