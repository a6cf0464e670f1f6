/* SPDX-License-Identifier: Apache-2.0 */
/* Reading through a packet's pieces: copies and checksums. */
#include "base/check.h"
#include "packet/packet.h"
#include "packet/pool.h"
#include "wire/csum.h"

/* One contiguous piece of a packet. */
struct piece {
    const uint8_t *data;
    uint32_t len;
};

/* Piece i: the linear part, then each slice. */
static struct piece piece_at(const struct nst_pkt *p, uint32_t i)
{
    if (i == 0)
        return (struct piece){p->data, p->linear};
    return (struct piece){p->slice[i - 1].data, p->slice[i - 1].len};
}

/* Skips `*offset` bytes of the piece as far as it has them, and cuts it to `len`. */
static void narrow(struct piece *piece, uint32_t *offset, uint32_t len)
{
    uint32_t skip = min_u32(*offset, piece->len);
    *offset -= skip;
    piece->data += skip;
    piece->len = min_u32(piece->len - skip, len);
}

static __attribute__((noinline)) uint32_t copy_pieces(const struct nst_pkt *p, uint32_t offset,
                                                      uint8_t *to, uint32_t size)
{
    uint32_t done = 0;
    for (uint32_t i = 0; i <= p->nslices && done < size; i++) {
        struct piece piece = piece_at(p, i);
        narrow(&piece, &offset, size - done);
        if (piece.len > 0)
            memcpy(to + done, piece.data, piece.len);
        done += piece.len;
    }
    return done;
}

uint32_t nst_pkt_copy_out(const struct nst_pkt *p, uint32_t offset, uint8_t *to, uint32_t size)
{
    /* Payload is nearly always in one piece: all linear, or all in the first slice. */
    const struct piece piece = piece_at(p, p->linear == 0 && p->nslices > 0);
    if (unlikely(size == 0 || (uint64_t)offset + size > piece.len))
        return copy_pieces(p, offset, to, size);
    memcpy(to, piece.data + offset, size);
    return size;
}

uint32_t pkt_csum(const struct pkt *p, uint32_t offset, uint32_t len)
{
    DEBUG_CHECK(offset <= p->len && len <= p->len - offset);
    const struct csum_ops *ops = p->pool->csum;
    uint32_t sum = 0;
    uint32_t done = 0;
    for (uint32_t i = 0; i <= p->nslices && done < len; i++) {
        struct piece piece = piece_at((const struct nst_pkt *)p, i);
        narrow(&piece, &offset, len - done);
        uint32_t part = piece.len <= CSUM_SHORT ? csum_short(piece.data, piece.len, 0)
                                                : ops->sum(piece.data, piece.len, 0);
        sum = csum_block_add(sum, part, done);
        done += piece.len;
    }
    return sum;
}

void nst_pkt_complete_csum(struct nst_pkt *public)
{
    struct pkt *p = pkt_of(public);
    if (p->csum != NST_CSUM_PARTIAL)
        return;
    p->csum = NST_CSUM_UNKNOWN;
    uint32_t start = nst_pkt_csum_start(public);
    uint32_t field = start + p->csum_offset;
    /* What a driver asked for may lie outside of the packet; without memory for a private copy it
     * stays wrong, and the receiver drops it. */
    if (start > p->len || field + 2 > p->linear || !pkt_make_writable(p))
        return;
    uint16_t csum = csum_fold(pkt_csum(p, start, p->len - start));
    /* Only UDP's field is at 6, where 0 would say that there is none (RFC 768). */
    if (csum == 0 && p->csum_offset == 6)
        csum = 0xffff;
    be16_put(p->data + field, csum);
}
