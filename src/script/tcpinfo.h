/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's struct tcp_info, and the names of its fields for assertions.
 */
#ifndef NICSTACK_SRC_SCRIPT_TCPINFO_H
#define NICSTACK_SRC_SCRIPT_TCPINFO_H

#include <nicstack/socket.h>

/* As Linux lays it out, up to tcpi_rehash. */
struct tcpinfo {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t snd_wscale : 4, rcv_wscale : 4;
    uint8_t delivery_rate_app_limited : 1, fastopen_client_fail : 2;
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
};

/* Linux's numbers from ours. What the stack does not keep is 0. */
void tcpinfo_fill(const struct nst_tcp_info *info, struct tcpinfo *ret_info);

enum tcpinfo_find {
    TCPINFO_FOUND,
    TCPINFO_NOT_KEPT, /* a field of Linux's that the stack has no number for */
    TCPINFO_UNKNOWN,
};

/* The value of "tcpi_snd_cwnd" and the like. */
enum tcpinfo_find tcpinfo_lookup(const struct tcpinfo *info, const char *name, uint64_t *ret_value);

#endif
