/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_peer.h"

#include "wire/ip4.h"

#define PEER_ISN 0xfffffff0u /* wraps early: comparisons have to be in sequence space */

void tcp_peer_init(struct tcp_peer *t, const struct tcp_peer_config *config)
{
    *t = (struct tcp_peer){.isn = PEER_ISN, .ts_val = 1000};
    if (config != NULL)
        t->config = *config;
    const struct world_config wc = {
        .bare_ip = true, .mtu = t->config.mtu, .stack = t->config.stack};
    world_init_single(&t->w, &wc);
    t->stack = t->w.hosts[0].stack;
    t->local = frame_endpoint(10, 0, 0, 1, 80);
    t->remote = frame_endpoint(10, 0, 0, 2, 5000);
    t->wnd = t->config.wnd != 0 ? t->config.wnd : 65535;
}

void tcp_peer_fini(struct tcp_peer *t)
{
    world_fini(&t->w);
}

void tcp_peer_send(struct tcp_peer *t, uint16_t flags, uint32_t seq, uint32_t len)
{
    static uint8_t packet[FRAME_MAX], payload[FRAME_MAX];
    uint8_t options[TCP_OPTIONS_MAX];
    if (t->ts) {
        t->opts.present |= TCP_OPTS_TS;
        t->opts.ts_val = t->ts_val;
        t->opts.ts_ecr = t->ts_ecr;
    }
    const size_t opts_len = tcp_opts_build(options, sizeof(options), &t->opts);
    for (uint32_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(seq + i);
    const struct tcp_hdr hdr = {
        .seq = t->isn + seq,
        .ack = (flags & TCP_ACK) != 0 ? t->iss + t->ack : 0,
        .flags = flags,
        .wnd = t->wnd,
        .hdr_len = (uint8_t)(TCP_HDR_LEN + opts_len),
    };
    const size_t n =
        frame_tcp4(packet, &t->remote, &t->local, &hdr, options, &(struct nst_iovec){payload, len});
    t->opts = (struct tcp_opts){.present = 0};
    world_inject_ip(&t->w, packet, n);
    world_run(&t->w);
}

bool tcp_peer_see(struct tcp_peer *t, struct tcp_seen *ret_seen)
{
    size_t len;
    const uint8_t *packet = world_sent(&t->w, t->next, &len);
    if (packet == NULL)
        return false;
    t->next++;
    assert_true(frame_ip4_is_right(packet, len));
    struct tcp_hdr hdr;
    const size_t ip_len = (size_t)(packet[0] & 15) * 4;
    const size_t hdr_len = tcp_parse(packet + ip_len, len - ip_len, &hdr);
    assert_true(hdr_len > 0);
    tcp_opts_parse(packet + ip_len + TCP_HDR_LEN, hdr_len - TCP_HDR_LEN, &ret_seen->opts);
    if ((hdr.flags & TCP_SYN) != 0)
        t->iss = hdr.seq;
    if ((ret_seen->opts.present & TCP_OPTS_TS) != 0)
        t->ts_ecr = ret_seen->opts.ts_val;
    ret_seen->flags = hdr.flags;
    ret_seen->wnd = hdr.wnd;
    ret_seen->seq = hdr.seq - t->iss;
    ret_seen->ack = (hdr.flags & TCP_ACK) != 0 ? hdr.ack - t->isn : 0;
    ret_seen->len = (uint32_t)(len - ip_len - hdr_len);
    ret_seen->payload = packet + ip_len + hdr_len;
    return true;
}

struct tcp_seen tcp_peer_expect_at(struct tcp_peer *t, const char *where, uint16_t flags,
                                   const uint32_t seq_len_ack[3])
{
    struct tcp_seen seen = {.flags = 0};
    if (!tcp_peer_see(t, &seen))
        fail_msg("%s: nothing was sent", where);
    if ((seen.flags & ~TCP_PSH) != flags || seen.seq != seq_len_ack[0] ||
        seen.len != seq_len_ack[1] || seen.ack != seq_len_ack[2])
        fail_msg("%s: flags %x seq %u len %u ack %u; expected %x %u %u %u", where, seen.flags,
                 seen.seq, seen.len, seen.ack, flags, seq_len_ack[0], seq_len_ack[1],
                 seq_len_ack[2]);
    return seen;
}

void tcp_peer_quiet_at(struct tcp_peer *t, const char *where)
{
    struct tcp_seen seen;
    if (tcp_peer_see(t, &seen))
        fail_msg("%s: flags %x seq %u len %u ack %u was sent", where, seen.flags, seen.seq,
                 seen.len, seen.ack);
}

void tcp_peer_listen(struct tcp_peer *t, int backlog)
{
    assert_int_equal(nst_socket_open(t->stack, NST_STREAM, &t->listener), 0);
    assert_int_equal(nst_socket_bind(t->stack, t->listener, &t->local), 0);
    assert_int_equal(nst_socket_listen(t->stack, t->listener, backlog), 0);
}

void tcp_peer_send_syn(struct tcp_peer *t, uint16_t flags)
{
    t->opts = (struct tcp_opts){.present = TCP_OPTS_MSS};
    t->opts.mss = t->config.mss != 0 ? t->config.mss : 1460;
    if (!t->config.no_sack)
        t->opts.present |= TCP_OPTS_SACK_PERMITTED;
    if (!t->config.no_wscale)
        t->opts.present |= TCP_OPTS_WSCALE;
    t->opts.wscale = 7;
    t->ts = !t->config.no_ts;
    tcp_peer_send(t, flags, 0, 0);
}

void tcp_peer_accept(struct tcp_peer *t)
{
    tcp_peer_listen(t, 5);
    tcp_peer_send_syn(t, TCP_SYN);
    tcp_peer_expect(t, TCP_SYN | TCP_ACK, 0, 0, 1);
    tcp_peer_ack(t, 1, 1);
    tcp_peer_quiet(t);
    assert_int_equal(nst_socket_accept(t->stack, t->listener, &t->s, NULL), 0);
}

void tcp_peer_connect(struct tcp_peer *t)
{
    assert_int_equal(nst_socket_open(t->stack, NST_STREAM, &t->s), 0);
    assert_int_equal(nst_socket_connect(t->stack, t->s, &t->remote), -NST_EINPROGRESS);
    world_run(&t->w);
    assert_int_equal(nst_socket_get_local(t->stack, t->s, &t->local), 0);
    tcp_peer_expect(t, TCP_SYN, 0, 0, 0);
    t->ack = 1;
    tcp_peer_send_syn(t, TCP_SYN | TCP_ACK);
    tcp_peer_expect(t, TCP_ACK, 1, 0, 1);
    tcp_peer_quiet(t);
}

void tcp_peer_wait(struct tcp_peer *t, nst_time duration)
{
    world_run_for(&t->w, duration);
    t->ts_val += (uint32_t)(duration / NST_MSEC);
}

void tcp_peer_write(struct tcp_peer *t, uint32_t n)
{
    static uint8_t data[1 << 20];
    for (uint32_t i = 0; i < n; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(nst_socket_send(t->stack, t->s, data, n, 0), n);
    world_run(&t->w);
}

int64_t tcp_peer_read(struct tcp_peer *t)
{
    static uint8_t data[1 << 20];
    const int64_t n = nst_socket_recv(t->stack, t->s, data, sizeof(data), 0);
    world_run(&t->w);
    return n;
}

struct nst_tcp_info tcp_peer_info(struct tcp_peer *t)
{
    struct nst_tcp_info info;
    assert_int_equal(nst_socket_tcp_info(t->stack, t->s, &info), 0);
    return info;
}

uint8_t tcp_peer_state(struct tcp_peer *t)
{
    return tcp_peer_info(t).state;
}
