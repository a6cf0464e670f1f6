/* SPDX-License-Identifier: Apache-2.0 */
/* Names of statistics do not change once they are published (N120): this list only grows. */
#include "testing.h"

#include "nicbox.h"

static const char *const nic_names[] = {
    "rx_packets",   "rx_bytes",    "rx_disabled_packets",  "rx_disabled_bytes",    "rx_malformed",
    "rx_otherhost", "rx_merged",   "rx_unknown_protocol",  "rx_own_source",        "tx_packets",
    "tx_bytes",     "tx_segments", "tx_dropped_no_buffer", "tx_resolution_failed", "tx_blocked",
};

static const char *const stack_names[] = {
    "arp_received",
    "arp_requests_sent",
    "arp_replies_sent",
    "neigh_created",
    "neigh_evicted",
    "neigh_failed",
    "ip4_received",
    "ip4_delivered",
    "ip4_sent",
    "ip4_no_route",
    "ip6_received",
    "ip6_delivered",
    "ip6_sent",
    "ip6_no_route",
    "ndp_received",
    "dad_duplicates",
    "udp_received",
    "udp_sent",
    "udp_no_port",
    "tcp_active_opens",
    "tcp_timeouts",
    "tcp_segments_received",
    "tcp_segments_retransmitted",
    "drop_nic_disabled",
    "drop_otherhost",
    "drop_link_malformed",
    "drop_net_malformed",
    "drop_own_source",
    "drop_no_route",
    "drop_tx_no_buffer",
    "drop_tx_nic_down",
    "drop_no_socket",
    "drop_no_memory",
    "drop_unknown_protocol",
    "drop_ip_not_ours",
    "drop_ip_bad_source",
};

static void published_names_stay(void **state)
{
    struct nicbox b;
    uint64_t value;
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    for (size_t i = 0; i < sizeof(nic_names) / sizeof(nic_names[0]); i++) {
        if (nst_nic_counter_get(b.stack, 1, nic_names[i], &value) != 0)
            fail_msg("a NIC has no %s any more", nic_names[i]);
    }
    for (size_t i = 0; i < sizeof(stack_names) / sizeof(stack_names[0]); i++) {
        if (nst_stack_counter_get(b.stack, stack_names[i], &value) != 0)
            fail_msg("a stack has no %s any more", stack_names[i]);
    }
    nicbox_end(&b);
}

/* And each is said in a sentence, and in one of small letters. */
static void assert_is_said(const struct nst_counter *c)
{
    assert_true(strlen(c->text) > 5);
    assert_int_equal(strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(c->name));
}

static void every_name_has_a_sentence(void **state)
{
    struct nicbox b;
    struct nst_counter c;
    size_t n;
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    for (n = 0; nst_stack_counter_at(b.stack, n, &c); n++)
        assert_is_said(&c);
    assert_true(n > 0);
    for (n = 0; nst_nic_counter_at(b.stack, 1, n, &c); n++)
        assert_is_said(&c);
    assert_true(n > 0);
    nicbox_end(&b);
}

TESTS({"nic/N120: published names of statistics stay", published_names_stay},
      {"nic/N120: every name has a sentence", every_name_has_a_sentence})
