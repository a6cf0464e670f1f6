/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/sndbuf.h"

#include "transport/tcp/budget.h"
#include "transport/tcp/sack.h"

#define BLOCK_SMALL  2048u
#define BLOCK_MEDIUM 16384u
#define BLOCK_LARGE  65536u

struct tx *sndbuf_tx(struct tcb *tcb)
{
    if (tcb->tx != NULL)
        return tcb->tx;
    struct tx *tx = slab_take(&tcb->stack->tcp->txs);
    if (tx == NULL)
        return NULL;
    const uint32_t nxt = tcb->snd.nxt;
    *tx = (struct tx){.end = nxt, .push = nxt, .small = tcb->snd.una, .high_sacked = nxt};
    list_init(&tx->recs);
    tcb->tx = tx;
    return tx;
}

static void free_piece(struct tcb *tcb, struct piece *piece)
{
    block_unref(piece->block);
    slab_give(&tcb->stack->tcp->pieces, piece);
}

void sndbuf_free(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    if (tx == NULL)
        return;
    while (tx->first != NULL) {
        struct piece *next = tx->first->next;
        free_piece(tcb, tx->first);
        tx->first = next;
    }
    sack_clear(tcb);
    slab_give(&tcb->stack->tcp->txs, tx);
    tcb->tx = NULL;
}

/* Consumes the reference to block, also on failure. */
static struct piece *add_piece(struct tcb *tcb, struct nst_block *block, uint8_t *data)
{
    struct tx *tx = tcb->tx;
    struct piece *piece = slab_take(&tcb->stack->tcp->pieces);
    if (piece == NULL) {
        block_unref(block);
        return NULL;
    }
    *piece = (struct piece){.block = block, .data = data, .seq = tx->end};
    if (tx->last != NULL)
        tx->last->next = piece;
    else
        tx->first = piece;
    tx->last = piece;
    return piece;
}

static uint32_t tail_room(const struct piece *piece)
{
    if (piece == NULL || piece->lent)
        return 0;
    return (uint32_t)(piece->block->memory + piece->block->size - (piece->data + piece->len));
}

/* A block in proportion to what is to be written and what waits already: idle talk takes little. */
static struct piece *grow(struct tcb *tcb, uint32_t want)
{
    uint32_t size = BLOCK_SMALL;
    if (want > BLOCK_MEDIUM)
        size = BLOCK_LARGE;
    else if (want > BLOCK_SMALL || sndbuf_queued(tcb) > 0)
        size = BLOCK_MEDIUM;
    struct nst_pool *pool = tcb->stack->pool;
    if (budget_level(tcb->stack->tcp) != BUDGET_FREE && budget_send_share(tcb) < size)
        size = BLOCK_SMALL;
    struct nst_block *block = block_new(pool, size);
    if (block == NULL && size > BLOCK_SMALL)
        block = block_new(pool, BLOCK_SMALL);
    if (block == NULL)
        return NULL;
    return add_piece(tcb, block, block->memory);
}

/* A tx that turned out to be of no use goes at once (invariant 2). */
static void drop_if_empty(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    if (tx != NULL && tx->end == tcb->snd.una && !tcb->fin_queued && !tx->reserved)
        sndbuf_free(tcb);
}

uint8_t *sndbuf_reserve(struct tcb *tcb, uint32_t want, uint32_t *ret_len)
{
    struct tx *tx = sndbuf_tx(tcb);
    if (tx == NULL)
        return NULL;
    struct piece *piece = tx->last;
    if (tail_room(piece) == 0)
        piece = grow(tcb, want);
    if (piece == NULL) {
        drop_if_empty(tcb);
        return NULL;
    }
    *ret_len = min_u32(want, tail_room(piece));
    return piece->data + piece->len;
}

void sndbuf_commit(struct tcb *tcb, uint32_t n)
{
    struct tx *tx = tcb->tx;
    if (tx == NULL)
        return;
    if (n > 0 && tx->last != NULL) {
        tx->last->len += n;
        tx->end += n;
    }
    drop_if_empty(tcb);
}

uint32_t sndbuf_write(struct tcb *tcb, const uint8_t *data, uint32_t len)
{
    uint32_t done = 0;
    while (done < len) {
        uint32_t n;
        uint8_t *to = sndbuf_reserve(tcb, len - done, &n);
        if (to == NULL)
            break;
        memcpy(to, data + done, n);
        sndbuf_commit(tcb, n);
        done += n;
    }
    return done;
}

int sndbuf_lend(struct tcb *tcb, uint8_t *memory, uint32_t len,
                void (*release)(void *context, uint8_t *memory), void *context)
{
    struct tx *tx = sndbuf_tx(tcb);
    if (tx == NULL)
        return -NST_ENOMEM;
    struct piece *piece = slab_take(&tcb->stack->tcp->pieces);
    struct nst_block *block = NULL;
    if (piece != NULL)
        block = block_new_external(tcb->stack->pool, memory, len, release, context);
    if (block == NULL) {
        if (piece != NULL)
            slab_give(&tcb->stack->tcp->pieces, piece);
        drop_if_empty(tcb);
        return -NST_ENOMEM;
    }
    *piece = (struct piece){.block = block, .data = memory, .seq = tx->end, .len = len};
    piece->lent = true;
    if (tx->last != NULL)
        tx->last->next = piece;
    else
        tx->first = piece;
    tx->last = piece;
    tx->end += len;
    return 0;
}

void sndbuf_ack(struct tcb *tcb, uint32_t una)
{
    struct tx *tx = tcb->tx;
    struct piece *piece = tx->first;
    while (piece != NULL && seq_leq(piece->seq + piece->len, una)) {
        /* The application writes into it just now. */
        if (piece == tx->last && tx->reserved)
            break;
        struct piece *next = piece->next;
        if (tx->at == piece)
            tx->at = next;
        free_piece(tcb, piece);
        piece = next;
    }
    tx->first = piece;
    if (piece == NULL)
        tx->last = NULL;
}

uint32_t sndbuf_slices(struct tcb *tcb, struct pkt *p, uint32_t seq, uint32_t len)
{
    struct tx *tx = tcb->tx;
    struct piece *piece = tx->at;
    uint32_t done = 0;
    if (piece == NULL || seq_lt(seq, piece->seq))
        piece = tx->first;
    while (seq - piece->seq >= piece->len)
        piece = piece->next;
    while (done < len) {
        const uint32_t offset = seq + done - piece->seq;
        const uint32_t n = min_u32(len - done, piece->len - offset);
        if (!pkt_add_slice(p, piece->block, piece->data + offset, n))
            break;
        done += n;
        tx->at = piece;
        piece = piece->next;
    }
    return done;
}

uint32_t sndbuf_limit(const struct tcb *tcb)
{
    const enum budget_level level = budget_level(tcb->stack->tcp);
    if (likely(level == BUDGET_FREE))
        return tcb->snd.buf;
    /* What is paid for may be filled. */
    const uint32_t paid = sndbuf_queued(tcb) + (tcb->tx != NULL ? tail_room(tcb->tx->last) : 0);
    if (level == BUDGET_CRITICAL || budget_is_behind(tcb))
        return min_u32(tcb->snd.buf, paid);
    return min_u32(tcb->snd.buf, max_u32(paid, budget_send_share(tcb)));
}

uint32_t sndbuf_room(const struct tcb *tcb)
{
    const uint32_t queued = sndbuf_queued(tcb);
    const uint32_t limit = sndbuf_limit(tcb);
    return queued < limit ? limit - queued : 0;
}

bool sndbuf_is_writable(const struct tcb *tcb)
{
    if (tcb->hungry)
        return false;
    return sndbuf_queued(tcb) <= tcb->snd.buf - tcb->snd.buf / 3;
}

void sndbuf_autotune(struct tcb *tcb)
{
    const uint32_t max = tcb->stack->tcp->snd_buf_max;
    const uint32_t want = min_u32(tcb->cc.cwnd, max / 2) * 2;
    if (likely(want <= tcb->snd.buf) || tcb->snd_buf_set)
        return;
    if (budget_level(tcb->stack->tcp) == BUDGET_FREE)
        tcb->snd.buf = want;
}
