/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/check.h"
#include "tcp_peer.h"

#define MSS 1448u

/* n segments are out, all seen, none acknowledged. */
static void begin(struct tcp_peer *t, const struct tcp_peer_config *config, uint32_t n)
{
    tcp_peer_init(t, config);
    tcp_peer_accept(t);
    tcp_peer_write(t, n * MSS);
    for (uint32_t i = 0; i < n; i++)
        tcp_peer_expect(t, TCP_ACK, 1 + i * MSS, MSS, 1);
    tcp_peer_quiet(t);
}

/* An ACK with up to two SACK blocks, in segments from 0; an empty one is left out. */
static void sack(struct tcp_peer *t, uint32_t ack, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    t->opts = (struct tcp_opts){.present = TCP_OPTS_SACK};
    t->opts.sack[t->opts.n_sack++] =
        (struct tcp_sack_block){t->iss + 1 + a * MSS, t->iss + 1 + b * MSS};
    if (c != d)
        t->opts.sack[t->opts.n_sack++] =
            (struct tcp_sack_block){t->iss + 1 + c * MSS, t->iss + 1 + d * MSS};
    tcp_peer_ack(t, 1, 1 + ack * MSS);
}

static void fast_retransmit(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    sack(&t, 0, 1, 2, 0, 0);
    sack(&t, 0, 1, 3, 0, 0);
    tcp_peer_quiet(&t);
    sack(&t, 0, 1, 4, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    tcp_peer_quiet(&t);
    assert_int_equal(tcp_peer_info(&t).ca_state, 3);
    /* RFC 5681 equation 4. */
    assert_int_equal(tcp_peer_info(&t).ssthresh, 5 * MSS);
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    assert_int_equal(tcp_peer_info(&t).in_flight, 0);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void two_holes(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    /* 0 and 2 are lost. */
    sack(&t, 0, 1, 2, 0, 0);
    sack(&t, 0, 3, 4, 1, 2);
    tcp_peer_quiet(&t);
    sack(&t, 0, 3, 6, 1, 2);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    sack(&t, 0, 3, 9, 1, 2);
    tcp_peer_expect(&t, TCP_ACK, 1 + 2 * MSS, MSS, 1);
    sack(&t, 2, 3, 10, 0, 0);
    tcp_peer_quiet(&t);
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    tcp_peer_quiet(&t);
    assert_int_equal(tcp_peer_info(&t).retransmits, 2);
    tcp_peer_fini(&t);
}

static void limited_transmit(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    tcp_peer_write(&t, 10 * MSS);
    tcp_peer_quiet(&t);
    sack(&t, 0, 1, 2, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 1 + 10 * MSS, MSS, 1);
    sack(&t, 0, 1, 3, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 1 + 11 * MSS, MSS, 1);
    tcp_peer_fini(&t);
}

static void newreno(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_sack = true};
    begin(&t, &config, 10);
    for (int i = 0; i < 3; i++)
        tcp_peer_ack(&t, 1, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    for (int i = 0; i < 4; i++)
        tcp_peer_ack(&t, 1, 1);
    tcp_peer_quiet(&t);
    /* RFC 6582 3.2 step 3: a partial acknowledgment brings the next hole. */
    tcp_peer_ack(&t, 1, 1 + 4 * MSS);
    tcp_peer_expect(&t, TCP_ACK, 1 + 4 * MSS, MSS, 1);
    tcp_peer_quiet(&t);
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    assert_int_equal(tcp_peer_info(&t).retransmits, 2);
    tcp_peer_fini(&t);
}

static void newreno_without_room(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_sack = true};
    begin(&t, &config, 10);
    for (int i = 0; i < 3; i++)
        tcp_peer_ack(&t, 1, 1);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    /* Seven are thought to be out, the window is five: nobody else would ever tell of the hole. */
    tcp_peer_ack(&t, 1, 1 + 3 * MSS);
    tcp_peer_expect(&t, TCP_ACK, 1 + 3 * MSS, MSS, 1);
    tcp_peer_quiet(&t);
    tcp_peer_fini(&t);
}

static void reneging(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 4);
    sack(&t, 0, 1, 4, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    /* The first arrives, but the peer has thrown the others away. */
    tcp_peer_ack(&t, 1, 1 + MSS);
    tcp_peer_wait(&t, 2 * NST_SEC);
    tcp_peer_expect(&t, TCP_ACK, 1 + MSS, MSS, 1);
    tcp_peer_fini(&t);
}

static void hostile_sack(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    /* Inverted, beyond snd.nxt, before snd.una, a D-SACK of nothing. */
    sack(&t, 0, 4, 2, 9, 12);
    sack(&t, 0, 100000, 100001, 11, 13);
    sack(&t, 0, (uint32_t)-5, (uint32_t)-3, 0, 0);
    tcp_peer_quiet(&t);
    assert_int_equal(tcp_peer_info(&t).in_flight, 10 * MSS);
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    tcp_peer_fini(&t);
}

static void sack_confetti(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    /* Every second byte: the scoreboard is bounded. */
    for (uint32_t i = 0; i < 5000; i++) {
        t.opts = (struct tcp_opts){.present = TCP_OPTS_SACK, .n_sack = 1};
        t.opts.sack[0].start = t.iss + 2 + i * 2;
        t.opts.sack[0].end = t.iss + 3 + i * 2;
        tcp_peer_ack(&t, 1, 1);
    }
    struct nst_memory memory;
    nst_stack_get_memory(t.stack, &memory);
    assert_true(memory.used < 2 << 20);
    t.w.memlink.count > 0 ? memlink_clear(&t.w.memlink) : (void)0;
    t.next = 0;
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    assert_int_equal(tcp_peer_info(&t).in_flight, 0);
    tcp_peer_fini(&t);
}

static void ack_division(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    const uint32_t before = tcp_peer_info(&t).cwnd;
    for (uint32_t i = 1; i <= MSS; i++)
        tcp_peer_ack(&t, 1, 1 + i);
    assert_int_equal(tcp_peer_info(&t).cwnd, before + MSS);
    tcp_peer_fini(&t);
}

static void reordering(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    /* 0 comes after 1 and 2: nothing is sent again; the path reorders by three. */
    sack(&t, 0, 1, 3, 0, 0);
    tcp_peer_ack(&t, 1, 1 + 3 * MSS);
    /* 3 comes after 4 to 8: three were too few, but what was sent again was not lost, as the
     * timestamp of the answer tells: the window is as it was. */
    const uint32_t cwnd = tcp_peer_info(&t).cwnd;
    const uint32_t ts_ecr = t.ts_ecr;
    tcp_peer_wait(&t, 5 * NST_MSEC);
    sack(&t, 3, 4, 9, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 1 + 3 * MSS, MSS, 1);
    assert_int_equal(tcp_peer_info(&t).ca_state, 3);
    t.ts_ecr = ts_ecr;
    tcp_peer_ack(&t, 1, 1 + 9 * MSS);
    assert_int_equal(tcp_peer_info(&t).ca_state, 0);
    assert_int_equal(tcp_peer_info(&t).cwnd, cwnd);
    assert_true(tcp_peer_info(&t).reordering >= 4);
    assert_int_equal(tcp_peer_info(&t).spurious, 1);
    assert_int_equal(world_counter(t.stack, "tcp_spurious_recoveries"), 1);
    tcp_peer_fini(&t);
}

static void real_loss_stays(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    tcp_peer_wait(&t, 5 * NST_MSEC);
    sack(&t, 0, 1, 5, 0, 0);
    tcp_peer_expect(&t, TCP_ACK, 1, MSS, 1);
    /* The answer echoes what was sent again. */
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    assert_int_equal(tcp_peer_info(&t).spurious, 0);
    assert_int_equal(tcp_peer_info(&t).ssthresh, 5 * MSS);
    tcp_peer_fini(&t);
}

static void skip_sent(struct tcp_peer *t)
{
    struct tcp_seen seen;
    while (tcp_peer_see(t, &seen))
        ;
}

static void dsack_undoes(void **state)
{
    struct tcp_peer t;
    const struct tcp_peer_config config = {.no_ts = true};
    const uint32_t mss = 1460;
    tcp_peer_init(&t, &config);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 40 * mss);
    skip_sent(&t);
    const uint32_t cwnd = tcp_peer_info(&t).cwnd;
    t.opts = (struct tcp_opts){.present = TCP_OPTS_SACK, .n_sack = 1};
    t.opts.sack[0] = (struct tcp_sack_block){t.iss + 1 + mss, t.iss + 1 + 5 * mss};
    tcp_peer_ack(&t, 1, 1);
    assert_int_equal(tcp_peer_info(&t).retransmits, 1);
    /* First the one that was late, then the one that was sent again. */
    tcp_peer_ack(&t, 1, 1 + 5 * mss);
    assert_int_equal(tcp_peer_info(&t).ca_state, 3);
    t.opts = (struct tcp_opts){.present = TCP_OPTS_SACK, .n_sack = 1};
    t.opts.sack[0] = (struct tcp_sack_block){t.iss + 1, t.iss + 1 + mss};
    tcp_peer_ack(&t, 1, 1 + 5 * mss);
    assert_int_equal(tcp_peer_info(&t).ca_state, 0);
    assert_int_equal(tcp_peer_info(&t).cwnd, cwnd);
    assert_int_equal(tcp_peer_info(&t).spurious, 1);
    tcp_peer_fini(&t);
}

static void lost_again(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    tcp_peer_write(&t, 30 * MSS);
    tcp_peer_wait(&t, 20 * NST_MSEC);
    sack(&t, 0, 1, 7, 0, 0);
    struct tcp_seen seen;
    uint32_t last = 0;
    while (tcp_peer_see(&t, &seen))
        last = max_u32(last, (seen.seq - 1) / MSS);
    assert_int_equal(tcp_peer_info(&t).retransmits, 1);
    assert_true(last >= 10);
    /* Much of what left later has arrived, and the first is missing still: long before the RTO. */
    for (int i = 0; i < 3; i++) {
        tcp_peer_wait(&t, 20 * NST_MSEC);
        sack(&t, 0, 1, last + 1, 0, 0);
        while (tcp_peer_see(&t, &seen))
            last = max_u32(last, (seen.seq - 1) / MSS);
    }
    assert_true(tcp_peer_info(&t).retransmits >= 2);
    assert_int_equal(world_counter(t.stack, "tcp_timeouts"), 0);
    tcp_peer_fini(&t);
}

static void reneged(void **state)
{
    struct tcp_peer t;
    begin(&t, NULL, 10);
    sack(&t, 0, 1, 2, 4, 8);
    skip_sent(&t);
    /* The peer gave up what it had: it acknowledges to where that began. */
    sack(&t, 4, 9, 10, 0, 0);
    bool again[10] = {false};
    struct tcp_seen seen;
    while (tcp_peer_see(&t, &seen))
        again[(seen.seq - 1) / MSS] = true;
    assert_true(again[4] && again[5] && again[6] && again[7]);
    assert_int_equal(world_counter(t.stack, "tcp_timeouts"), 0);
    tcp_peer_ack(&t, 1, 1 + 10 * MSS);
    assert_int_equal(tcp_peer_info(&t).in_flight, 0);
    tcp_peer_fini(&t);
}

/* RFC 5681 3.1: after a timeout the window is one segment, of the size that segments have now. */
static void longer_path_after_timeout(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    const struct nst_route narrow = {
        .prefix = nst_addr_v4(10, 0, 0, 2), .prefix_len = 32, .nic = t.w.hosts[0].nic, .mtu = 600};
    assert_int_equal(nst_route_add(t.stack, &narrow), 0);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 3000);
    assert_int_equal(tcp_peer_info(&t).mss_snd, 600 - 52);
    tcp_peer_wait(&t, tcp_peer_info(&t).rto);
    assert_int_equal(tcp_peer_info(&t).cwnd, 600 - 52);
    assert_int_equal(nst_route_remove(t.stack, &narrow), 0);
    tcp_peer_wait(&t, tcp_peer_info(&t).rto);
    assert_int_equal(tcp_peer_info(&t).mss_snd, 1448);
    assert_int_equal(tcp_peer_info(&t).cwnd, 1448);
    tcp_peer_fini(&t);
}

TESTS({"RFC 5681 3.1: a path that becomes longer does not leave cwnd under a segment",
       longer_path_after_timeout},
      {"RFC 3522: a recovery from reordering alone is undone, and the threshold learns",
       reordering},
      {"RFC 3522: a recovery from a loss stays", real_loss_stays},
      {"RFC 3708: duplicates reported for all that was sent again undo a recovery", dsack_undoes},
      {"RFC 6675 4: a lost retransmission is sent again before the RTO", lost_again},
      {"RFC 2018 8: what the peer gave up is sent again at once", reneged},
      {"RFC 5681 3.2: three duplicates bring the first segment again", fast_retransmit},
      {"RFC 6675 5: holes are filled as the pipe allows, each once", two_holes},
      {"RFC 3042 2: the first two duplicates let new segments go", limited_transmit},
      {"RFC 6582 3.2: without SACK a partial acknowledgment brings the next hole", newreno},
      {"RFC 6582 3.2: a partial acknowledgment brings the next hole whatever cwnd says",
       newreno_without_room},
      {"RFC 2018 8: a peer that takes SACK back is survived", reneging},
      {"impossible SACK blocks mean nothing", hostile_sack},
      {"SACK of every second byte holds bounded memory", sack_confetti},
      {"RFC 3465: many small ACKs open the window no faster", ack_division})
