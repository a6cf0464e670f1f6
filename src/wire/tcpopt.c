/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tcpopt.h"

#include <string.h>

enum {
    SACK_BLOCK_LEN = 8,
    ACCECN_FIELD_LEN = 3,
};

/* A cookie, or the request for one: RFC 7413 4.1.1. */
static bool cookie_ok(size_t len)
{
    return len == 0 ||
           (len >= TCP_FASTOPEN_COOKIE_MIN && len <= TCP_FASTOPEN_COOKIE_MAX && len % 2 == 0);
}

static void parse_cookie(const uint8_t *data, size_t len, uint16_t bits, struct tcp_opts *opts)
{
    if (!cookie_ok(len))
        return;
    opts->present = (uint16_t)((opts->present & ~TCP_OPTS_FASTOPEN_EXP) | bits);
    opts->cookie_len = (uint8_t)len;
    memcpy(opts->cookie, data, len);
}

static void parse_sack(const uint8_t *data, size_t len, struct tcp_opts *opts)
{
    if (len == 0 || len % SACK_BLOCK_LEN != 0 || len > TCP_SACK_MAX * SACK_BLOCK_LEN)
        return;
    opts->present |= TCP_OPTS_SACK;
    opts->n_sack = (uint8_t)(len / SACK_BLOCK_LEN);
    for (unsigned i = 0; i < opts->n_sack; i++, data += SACK_BLOCK_LEN)
        opts->sack[i] = (struct tcp_sack_block){be32_get(data), be32_get(data + 4)};
}

/* RFC 9768 3.2.3: 0 to 3 fields of 24 bits; what is longer or between is ignored. */
static void parse_accecn(const uint8_t *data, size_t len, uint8_t order, struct tcp_opts *opts)
{
    if (len % ACCECN_FIELD_LEN != 0 || len > 3 * ACCECN_FIELD_LEN)
        return;
    opts->present |= TCP_OPTS_ACCECN;
    opts->accecn_order = order;
    opts->accecn_count = (uint8_t)(len / ACCECN_FIELD_LEN);
    for (unsigned i = 0; i < opts->accecn_count; i++, data += ACCECN_FIELD_LEN)
        opts->accecn[i] = be24_get(data);
}

/* The options that are not on a SYN of everyday: `len` bytes at `data` behind kind and length. */
static void parse_rare(uint8_t kind, const uint8_t *data, size_t len, struct tcp_opts *opts)
{
    switch (kind) {
    case TCP_OPT_MD5:
        opts->present |= TCP_OPTS_MD5;
        break;
    case TCP_OPT_USER_TIMEOUT:
        if (len == 2) {
            opts->present |= TCP_OPTS_USER_TIMEOUT;
            opts->user_timeout = be16_get(data);
        }
        break;
    case TCP_OPT_FASTOPEN:
        parse_cookie(data, len, TCP_OPTS_FASTOPEN, opts);
        break;
    case TCP_OPT_EXPERIMENT:
        if (len >= 2 && be16_get(data) == TCP_OPT_FASTOPEN_MAGIC)
            parse_cookie(data + 2, len - 2, TCP_OPTS_FASTOPEN | TCP_OPTS_FASTOPEN_EXP, opts);
        break;
    case TCP_OPT_ACCECN0:
    case TCP_OPT_ACCECN1:
        parse_accecn(data, len, kind == TCP_OPT_ACCECN1, opts);
        break;
    default: /* RFC 9293 3.2 (MUST-6): unknown options are ignored */
        break;
    }
}

static void parse_one(uint8_t kind, const uint8_t *data, size_t len, struct tcp_opts *opts)
{
    if (kind == TCP_OPT_MSS && len == 2) {
        opts->present |= TCP_OPTS_MSS;
        opts->mss = be16_get(data);
    } else if (kind == TCP_OPT_WSCALE && len == 1) {
        opts->present |= TCP_OPTS_WSCALE;
        opts->wscale = data[0];
    } else if (kind == TCP_OPT_SACK_PERMITTED && len == 0) {
        opts->present |= TCP_OPTS_SACK_PERMITTED;
    } else if (kind == TCP_OPT_SACK) {
        parse_sack(data, len, opts);
    } else if (kind == TCP_OPT_TS && len == 8) {
        opts->present |= TCP_OPTS_TS;
        opts->ts_val = be32_get(data);
        opts->ts_ecr = be32_get(data + 4);
    } else {
        parse_rare(kind, data, len, opts);
    }
}

void tcp_opts_parse_all(const uint8_t *data, size_t len, struct tcp_opts *ret_opts)
{
    ret_opts->present = 0;
    ret_opts->malformed = false;
    for (size_t off = 0; off < len && data[off] != TCP_OPT_EOL;) {
        const uint8_t *p = data + off;
        if (p[0] == TCP_OPT_NOP) {
            off++;
            continue;
        }
        /* RFC 9293 3.2 (MUST-7): an illegal length, and what follows cannot be told apart */
        if (len - off < 2 || p[1] < 2 || p[1] > len - off) {
            ret_opts->malformed = true;
            return;
        }
        parse_one(p[0], p + 2, (size_t)p[1] - 2, ret_opts);
        off += p[1];
    }
}

/* Where options are being written. */
struct space {
    uint8_t *data; /* NULL: only count */
    size_t max;
    size_t len; /* a multiple of 4 between options */
};

/*
 * Room for an option of `size` bytes that ends on a multiple of 4, NOPs before it. Returns where it
 * goes, `spare` (at least 40 bytes) when only counting, NULL when it does not fit.
 */
static uint8_t *reserve(struct space *space, size_t size, uint8_t *spare)
{
    const size_t nops = (4 - size % 4) % 4;

    if (size + nops > space->max - space->len)
        return NULL;
    const size_t begin = space->len;
    space->len += size + nops;
    if (space->data == NULL)
        return spare;
    memset(space->data + begin, TCP_OPT_NOP, nops);
    return space->data + begin + nops;
}

/* Reserves and writes kind and length; returns where the rest goes, or NULL. */
static uint8_t *begin_option(struct space *space, uint8_t kind, size_t size, uint8_t *spare)
{
    uint8_t *p = reserve(space, size, spare);
    if (p == NULL)
        return NULL;
    p[0] = kind;
    p[1] = (uint8_t)size;
    return p + 2;
}

/* SACK permitted takes the place of the two NOPs before timestamps, when both are there. */
static void build_timestamps(struct space *space, const struct tcp_opts *opts, uint8_t *spare)
{
    const bool ts = opts->present & TCP_OPTS_TS;
    bool permitted = opts->present & TCP_OPTS_SACK_PERMITTED;
    uint8_t *p;

    if (ts && (p = begin_option(space, TCP_OPT_TS, 10, spare + 2)) != NULL) {
        be32_put(p, opts->ts_val);
        be32_put(p + 4, opts->ts_ecr);
        if (permitted) {
            p[-4] = TCP_OPT_SACK_PERMITTED;
            p[-3] = 2;
        }
        permitted = false;
    }
    if (permitted)
        begin_option(space, TCP_OPT_SACK_PERMITTED, 2, spare);
}

static void build_cookie(struct space *space, const struct tcp_opts *opts, uint8_t *spare)
{
    const bool experiment = opts->present & TCP_OPTS_FASTOPEN_EXP;
    uint8_t *p;

    if (!cookie_ok(opts->cookie_len))
        return;
    if (experiment) {
        p = begin_option(space, TCP_OPT_EXPERIMENT, 4 + (size_t)opts->cookie_len, spare);
        if (p == NULL)
            return;
        be16_put(p, TCP_OPT_FASTOPEN_MAGIC);
        p += 2;
    } else {
        p = begin_option(space, TCP_OPT_FASTOPEN, 2 + (size_t)opts->cookie_len, spare);
        if (p == NULL)
            return;
    }
    memcpy(p, opts->cookie, opts->cookie_len);
}

static void build_sack(struct space *space, const struct tcp_opts *opts, uint8_t *spare)
{
    const size_t room = space->max - space->len;
    size_t n = opts->n_sack < TCP_SACK_MAX ? opts->n_sack : TCP_SACK_MAX;

    if (room < 4 + SACK_BLOCK_LEN || n == 0)
        return;
    if (n > (room - 4) / SACK_BLOCK_LEN)
        n = (room - 4) / SACK_BLOCK_LEN;
    uint8_t *p = begin_option(space, TCP_OPT_SACK, 2 + n * SACK_BLOCK_LEN, spare);
    for (size_t i = 0; i < n; i++, p += SACK_BLOCK_LEN) {
        be32_put(p, opts->sack[i].start);
        be32_put(p + 4, opts->sack[i].end);
    }
}

/* RFC 9768 3.2.3: when space is short, the last fields are left out, then the option. */
static void build_accecn(struct space *space, const struct tcp_opts *opts, uint8_t *spare)
{
    const uint8_t kind = opts->accecn_order ? TCP_OPT_ACCECN1 : TCP_OPT_ACCECN0;
    size_t n = opts->accecn_count < 3 ? opts->accecn_count : 3;
    const size_t least = n > 0 ? 1 : 0;
    uint8_t *p = NULL;

    while ((p = begin_option(space, kind, 2 + n * ACCECN_FIELD_LEN, spare)) == NULL && n > least)
        n--;
    for (size_t i = 0; p != NULL && i < n; i++)
        be24_put(p + i * ACCECN_FIELD_LEN, opts->accecn[i]);
}

/* The options of a SYN besides timestamps. */
static void build_syn(struct space *space, const struct tcp_opts *opts, uint8_t *spare)
{
    uint8_t *p;

    if (opts->present & TCP_OPTS_WSCALE) {
        p = begin_option(space, TCP_OPT_WSCALE, 3, spare);
        if (p != NULL)
            p[0] = opts->wscale;
    }
    if (opts->present & TCP_OPTS_FASTOPEN)
        build_cookie(space, opts, spare);
}

size_t tcp_opts_build(uint8_t *data, size_t max, const struct tcp_opts *opts)
{
    uint8_t spare[TCP_OPTIONS_MAX + 4];
    struct space space = {.data = data,
                          .max = (max < TCP_OPTIONS_MAX ? max : TCP_OPTIONS_MAX) & ~(size_t)3};
    uint8_t *p;

    if (opts->present & TCP_OPTS_MSS) {
        p = begin_option(&space, TCP_OPT_MSS, 4, spare);
        if (p != NULL)
            be16_put(p, opts->mss);
    }
    if (opts->present & (TCP_OPTS_TS | TCP_OPTS_SACK_PERMITTED))
        build_timestamps(&space, opts, spare);
    if (opts->present & (TCP_OPTS_WSCALE | TCP_OPTS_FASTOPEN))
        build_syn(&space, opts, spare);
    if (opts->present & TCP_OPTS_SACK)
        build_sack(&space, opts, spare);
    if (opts->present & TCP_OPTS_ACCECN)
        build_accecn(&space, opts, spare);
    if (opts->present & TCP_OPTS_USER_TIMEOUT) {
        p = begin_option(&space, TCP_OPT_USER_TIMEOUT, 4, spare);
        if (p != NULL)
            be16_put(p, opts->user_timeout);
    }
    return space.len;
}
