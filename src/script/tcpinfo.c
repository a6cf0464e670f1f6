/* SPDX-License-Identifier: Apache-2.0 */
#include "script/tcpinfo.h"

#include <string.h>

/* tcpi_options. */
#define OPT_TIMESTAMPS 1
#define OPT_SACK       2
#define OPT_WSCALE     4

/* Always 0: fackets and last_ack_sent, as on Linux today; delivered_ce, rehash and
 * fastopen_client_fail, because the stack has no ECN and no Fast Open, and keeps its flow labels.
 */

/* Linux's states. */
static const uint8_t states[] = {
    [NST_TCP_ESTABLISHED] = 1, [NST_TCP_SYN_SENT] = 2,   [NST_TCP_SYN_RECEIVED] = 3,
    [NST_TCP_FIN_WAIT_1] = 4,  [NST_TCP_FIN_WAIT_2] = 5, [NST_TCP_TIME_WAIT] = 6,
    [NST_TCP_CLOSED] = 7,      [NST_TCP_CLOSE_WAIT] = 8, [NST_TCP_LAST_ACK] = 9,
    [NST_TCP_LISTEN] = 10,     [NST_TCP_CLOSING] = 11,
};

/* A SYN is in no scoreboard. */
static uint32_t unacked(const struct nst_tcp_info *info)
{
    const bool syn = info->state == NST_TCP_SYN_SENT || info->state == NST_TCP_SYN_RECEIVED;
    return syn ? 1 : info->segs_unacked;
}

static uint32_t millis(nst_time t)
{
    return (uint32_t)(t / NST_MSEC);
}

static uint32_t micros(nst_time t)
{
    return (uint32_t)(t / NST_USEC);
}

void tcpinfo_fill(const struct nst_tcp_info *info, struct tcpinfo *ret_info)
{
    *ret_info = (struct tcpinfo){
        .state = info->state < sizeof(states) ? states[info->state] : 0,
        .ca_state = info->ca_state,
        .retransmits = info->probing ? 0 : info->backoff,
        .probes = info->probes,
        .backoff = info->backoff,
        .options = (uint8_t)((info->timestamps ? OPT_TIMESTAMPS : 0) | (info->sack ? OPT_SACK : 0) |
                             (info->wscale ? OPT_WSCALE : 0)),
        .snd_wscale = info->snd_wscale & 15,
        .rcv_wscale = info->rcv_wscale & 15,
        .rto = micros(info->rto),
        .ato = micros(info->delack),
        .snd_mss = info->mss_snd,
        .rcv_mss = info->mss_rcv,
        .unacked = unacked(info),
        .sacked = info->segs_sacked,
        .lost = info->segs_lost,
        .retrans = info->segs_retrans,
        .last_data_sent = millis(info->since_data_sent),
        .last_data_recv = millis(info->since_data_received),
        .last_ack_recv = millis(info->since_heard),
        .pmtu = info->pmtu,
        .rtt = micros(info->srtt),
        .rttvar = micros(info->rttvar),
        .min_rtt = micros(info->rttmin),
        .snd_cwnd = info->mss_snd == 0 ? 0 : info->cwnd / info->mss_snd,
        .advmss = info->mss_advertised,
        .reordering = (uint32_t)info->reordering,
        .total_retrans = (uint32_t)info->segs_retransmitted,
        .max_pacing_rate = UINT64_MAX, /* no ceiling */
        .bytes_acked = info->bytes_acked,
        .bytes_received = info->bytes_received,
        .bytes_sent = info->bytes_sent,
        .segs_out = (uint32_t)info->segs_out,
        .segs_in = (uint32_t)info->segs_in,
        .data_segs_out = (uint32_t)info->data_segs_out,
        .data_segs_in = (uint32_t)info->data_segs_in,
        .delivered = (uint32_t)info->segs_delivered,
        .bytes_retrans = info->bytes_retransmitted,
        .dsack_dups = (uint32_t)info->duplicate_reports,
        .reord_seen = (uint32_t)info->reorderings,
        .rcv_ooopack = (uint32_t)info->segs_out_of_order,
        .notsent_bytes = info->unsent,
        .snd_wnd = info->snd_wnd,
        .rcv_wnd = info->rcv_wnd,
    };
    /* Linux: "infinite" until the first loss. */
    ret_info->snd_ssthresh = info->ssthresh > (1u << 30) || info->mss_snd == 0
                                 ? 0x7fffffff
                                 : info->ssthresh / info->mss_snd;
}

struct field {
    const char *name;
    uint16_t offset;
    uint8_t size; /* 0: the stack does not keep it */
};

#define KEPT(name)                                                                    \
    {                                                                                 \
#name, offsetof(struct tcpinfo, name), sizeof(((struct tcpinfo *)NULL)->name) \
    }
#define NOT_KEPT(name) \
    {                  \
#name, 0, 0    \
    }

static const struct field fields[] = {
    KEPT(state),
    KEPT(ca_state),
    KEPT(backoff),
    KEPT(options),
    KEPT(rto),
    KEPT(snd_mss),
    KEPT(rcv_mss),
    KEPT(unacked),
    KEPT(pmtu),
    KEPT(rtt),
    KEPT(rttvar),
    KEPT(min_rtt),
    KEPT(snd_ssthresh),
    KEPT(snd_cwnd),
    KEPT(reordering),
    KEPT(total_retrans),
    KEPT(bytes_acked),
    KEPT(bytes_received),
    KEPT(bytes_sent),
    KEPT(segs_out),
    KEPT(segs_in),
    KEPT(notsent_bytes),
    KEPT(snd_wnd),
    KEPT(rcv_wnd),
    KEPT(retransmits),
    KEPT(probes),
    KEPT(ato),
    KEPT(sacked),
    KEPT(lost),
    KEPT(retrans),
    KEPT(fackets),
    KEPT(last_data_sent),
    KEPT(last_ack_sent),
    KEPT(last_data_recv),
    KEPT(last_ack_recv),
    NOT_KEPT(rcv_ssthresh),
    KEPT(advmss),
    NOT_KEPT(rcv_rtt),
    NOT_KEPT(rcv_space),
    NOT_KEPT(pacing_rate),
    KEPT(max_pacing_rate),
    KEPT(data_segs_in),
    KEPT(data_segs_out),
    NOT_KEPT(delivery_rate),
    NOT_KEPT(busy_time),
    NOT_KEPT(rwnd_limited),
    NOT_KEPT(sndbuf_limited),
    KEPT(delivered),
    KEPT(delivered_ce),
    KEPT(bytes_retrans),
    KEPT(dsack_dups),
    KEPT(reord_seen),
    KEPT(rcv_ooopack),
    KEPT(rehash),
    NOT_KEPT(delivery_rate_app_limited),
    /* Newer than the layout. */
    NOT_KEPT(total_rto),
    NOT_KEPT(total_rto_recoveries),
    NOT_KEPT(total_rto_time),
    NOT_KEPT(received_ce),
    NOT_KEPT(delivered_e1_bytes),
    NOT_KEPT(delivered_e0_bytes),
    NOT_KEPT(delivered_ce_bytes),
    NOT_KEPT(received_e1_bytes),
    NOT_KEPT(received_e0_bytes),
    NOT_KEPT(received_ce_bytes),
    NOT_KEPT(accecn_fail_mode),
    NOT_KEPT(accecn_opt_seen),
};

static uint64_t value_of(const struct tcpinfo *info, const struct field *field)
{
    const uint8_t *at = (const uint8_t *)info + field->offset;
    uint64_t wide;
    uint32_t word;
    switch (field->size) {
    case 1:
        return *at;
    case 4:
        memcpy(&word, at, sizeof(word));
        return word;
    default:
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
}

enum tcpinfo_find tcpinfo_lookup(const struct tcpinfo *info, const char *name, uint64_t *ret_value)
{
    if (strncmp(name, "tcpi_", 5) != 0)
        return TCPINFO_UNKNOWN;
    if (strcmp(name, "tcpi_snd_wscale") == 0 || strcmp(name, "tcpi_rcv_wscale") == 0) {
        *ret_value = name[5] == 's' ? info->snd_wscale : info->rcv_wscale;
        return TCPINFO_FOUND;
    }
    if (strcmp(name, "tcpi_fastopen_client_fail") == 0) {
        *ret_value = info->fastopen_client_fail;
        return TCPINFO_FOUND;
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, name + 5) != 0)
            continue;
        if (fields[i].size == 0)
            return TCPINFO_NOT_KEPT;
        *ret_value = value_of(info, &fields[i]);
        return TCPINFO_FOUND;
    }
    return TCPINFO_UNKNOWN;
}
