/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/opts.h"

#include "transport/tcp/rcvbuf.h"

/* RFC 9293 3.7.1 */
#define MSS_DEFAULT_4 536
#define MSS_DEFAULT_6 1220
#define MSS_MIN       48 /* less would be all header: what claims it is hostile */

static uint32_t build_syn(const struct tcb *tcb, uint8_t *data)
{
    const struct tcp_state *tcp = tcb->stack->tcp;
    struct tcp_opts o = {.present = TCP_OPTS_MSS, .mss = tcb_offered_mss(tcb)};
    /* A SYN, ACK answers what the SYN had; the flags are what may still be. */
    if (tcb->sack_ok)
        o.present |= TCP_OPTS_SACK_PERMITTED;
    if (tcb->wscale_ok)
        o.present |= TCP_OPTS_WSCALE;
    if (tcb->ts_ok)
        o.present |= TCP_OPTS_TS;
    o.wscale = tcp->rcv_wscale;
    o.ts_val = tcb_ts_now(tcb);
    o.ts_ecr = tcb->ts.recent;
    return (uint32_t)tcp_opts_build(data, TCP_OPTIONS_MAX, &o);
}

uint32_t opts_build(const struct tcb *tcb, uint16_t flags, uint8_t *data)
{
    if ((flags & TCP_SYN) != 0)
        return build_syn(tcb, data);
    const bool sack =
        tcb->sack_ok && (tcb->ooo != NULL || tcb->rcv.dsack_from != tcb->rcv.dsack_to);
    if (likely(!sack)) {
        if (!tcb->ts_ok)
            return 0;
        be32_put(data, 0x0101080a);
        be32_put(data + 4, tcb_ts_now(tcb));
        be32_put(data + 8, tcb->ts.recent);
        return 12;
    }
    struct tcp_opts o = {.present = TCP_OPTS_SACK};
    if (tcb->ts_ok)
        o.present |= TCP_OPTS_TS;
    o.ts_val = tcb_ts_now(tcb);
    o.ts_ecr = tcb->ts.recent;
    o.n_sack = (uint8_t)rcvbuf_sack_blocks(tcb, tcb->ts_ok ? 3 : 4, o.sack);
    if (o.n_sack == 0)
        o.present &= (uint16_t)~TCP_OPTS_SACK;
    return (uint32_t)tcp_opts_build(data, TCP_OPTIONS_MAX, &o);
}

void opts_negotiate(struct tcb *tcb, const struct tcp_opts *opts)
{
    const uint16_t present = opts->present;
    const bool v4 = nst_addr_is_v4(&tcb->demux.key.remote);
    uint16_t mss = v4 ? MSS_DEFAULT_4 : MSS_DEFAULT_6;
    if ((present & TCP_OPTS_MSS) != 0)
        mss = opts->mss;
    tcb->snd.peer_mss = mss < MSS_MIN ? MSS_MIN : mss;
    tcb->sack_ok = tcb->sack_ok && (present & TCP_OPTS_SACK_PERMITTED) != 0;
    tcb->ts_ok = tcb->ts_ok && (present & TCP_OPTS_TS) != 0;
    tcb->wscale_ok = tcb->wscale_ok && (present & TCP_OPTS_WSCALE) != 0;
    if (tcb->wscale_ok) {
        /* RFC 7323 2.3: more than 14 counts as 14. */
        tcb->snd.wscale = (uint8_t)min_u32(opts->wscale, TCP_WSCALE_MAX);
        tcb->rcv.wscale = tcb->stack->tcp->rcv_wscale;
    } else {
        tcb->snd.wscale = 0;
        tcb->rcv.wscale = 0;
        tcb->rcv.buf = min_u32(tcb->rcv.buf, 65535);
    }
    if (tcb->ts_ok) {
        tcb->ts.recent = opts->ts_val;
        tcb->ts.recent_s = (uint32_t)(tcb->stack->now / NST_SEC);
    }
}
