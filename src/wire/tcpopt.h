/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP options: RFC 9293 3.2 (EOL, NOP, MSS), 7323 (window scale, timestamps), 2018 (SACK), 7413
 * (Fast Open), 6994 (its experimental form), 5482 (user timeout), 9768 3.2.3 (AccECN).
 */
#ifndef NICSTACK_SRC_WIRE_TCPOPT_H
#define NICSTACK_SRC_WIRE_TCPOPT_H

#include "wire/tcp.h"

enum tcp_opt_kind {
    TCP_OPT_EOL = 0,
    TCP_OPT_NOP = 1,
    TCP_OPT_MSS = 2,
    TCP_OPT_WSCALE = 3,
    TCP_OPT_SACK_PERMITTED = 4,
    TCP_OPT_SACK = 5,
    TCP_OPT_TS = 8,
    TCP_OPT_MD5 = 19,
    TCP_OPT_USER_TIMEOUT = 28,
    TCP_OPT_FASTOPEN = 34,
    TCP_OPT_ACCECN0 = 172, /* fields in the order EE0B ECEB EE1B */
    TCP_OPT_ACCECN1 = 174, /* EE1B ECEB EE0B */
    TCP_OPT_EXPERIMENT = 254,
    TCP_OPT_FASTOPEN_MAGIC = 0xf989, /* behind TCP_OPT_EXPERIMENT */
};

/* Which members of struct tcp_opts hold something. */
enum tcp_opts_bit {
    TCP_OPTS_MSS = 1 << 0,
    TCP_OPTS_WSCALE = 1 << 1,
    TCP_OPTS_SACK_PERMITTED = 1 << 2,
    TCP_OPTS_SACK = 1 << 3,
    TCP_OPTS_TS = 1 << 4,
    TCP_OPTS_MD5 = 1 << 5, /* seen; never checked, never built */
    TCP_OPTS_USER_TIMEOUT = 1 << 6,
    TCP_OPTS_FASTOPEN = 1 << 7,
    TCP_OPTS_FASTOPEN_EXP = 1 << 8, /* besides FASTOPEN: in its experimental form */
    TCP_OPTS_ACCECN = 1 << 9,
};

enum {
    TCP_SACK_MAX = 4,            /* blocks that fit into 40 bytes */
    TCP_WSCALE_MAX = 14,         /* RFC 7323 2.3: more counts as 14 */
    TCP_FASTOPEN_COOKIE_MIN = 4, /* RFC 7413 4.1.1 */
    TCP_FASTOPEN_COOKIE_MAX = 16,
};

/* The sequence numbers start..end-1 have arrived. */
struct tcp_sack_block {
    uint32_t start;
    uint32_t end;
};

/* A member means something only when its bit in `present` is set. */
struct tcp_opts {
    uint16_t present; /* enum tcp_opts_bit */
    bool malformed;   /* parsing stopped early: a length of 0 or 1, or past the end */
    uint8_t wscale;   /* as received: the caller limits it to TCP_WSCALE_MAX */
    uint16_t mss;
    uint16_t user_timeout; /* bit 15: the rest is minutes, else seconds */
    uint32_t ts_val;
    uint32_t ts_ecr;
    uint8_t n_sack; /* 1..4 */
    struct tcp_sack_block sack[TCP_SACK_MAX];
    uint8_t cookie_len; /* 0 (a request), or 4..16 and even */
    uint8_t cookie[TCP_FASTOPEN_COOKIE_MAX];
    uint8_t accecn_order; /* 0 or 1 */
    uint8_t accecn_count; /* fields, 0..3, in the order's sequence */
    uint32_t accecn[3];   /* 24 bits: the fields as they stand */
};

/* What tcp_opts_parse does when the fast path does not fit. */
void tcp_opts_parse_all(const uint8_t *data, size_t len, struct tcp_opts *ret_opts);

/*
 * The `len` bytes of options at `data` (a header's hdr_len - 20). Always writes *ret_opts. Unknown
 * kinds, and known ones with a length that is not theirs, are skipped; of repeated ones the last
 * counts; parsing ends at EOL. What a segment may carry (MSS only on SYN ...) is the caller's to
 * judge.
 */
static inline void tcp_opts_parse(const uint8_t *data, size_t len, struct tcp_opts *ret_opts)
{
    /* RFC 7323 appendix A: nearly every segment has exactly this. */
    if (len == 12 && be32_get(data) == 0x0101080a) {
        ret_opts->present = TCP_OPTS_TS;
        ret_opts->malformed = false;
        ret_opts->ts_val = be32_get(data + 4);
        ret_opts->ts_ecr = be32_get(data + 8);
        return;
    }
    if (len == 0) {
        ret_opts->present = 0;
        ret_opts->malformed = false;
        return;
    }
    tcp_opts_parse_all(data, len, ret_opts);
}

/*
 * Writes what `present` says into at most `max` bytes (cut to 40 and to a multiple of 4) at `data`,
 * each option ending on a multiple of 4. Returns the length, a multiple of 4. `data` may be NULL:
 * nothing is written, the length is the same.
 *
 * What does not fit is left out; first come first served in this order: MSS, timestamps (with SACK
 * permitted), window scale, Fast Open, SACK (as many of its blocks as fit), AccECN (as many of
 * its fields as fit, at least one unless none was given), user timeout. A cookie of impossible
 * length is left out.
 */
size_t tcp_opts_build(uint8_t *data, size_t max, const struct tcp_opts *opts);

#endif
