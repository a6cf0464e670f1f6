/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/arp.h"

static const struct nst_mac us = {{2, 0, 0, 0, 0, 1}}, them = {{2, 0, 0, 0, 0, 2}};
static const uint8_t packet[ARP_LEN] = {0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 1,
                                        10, 0, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2};

static void a_packet_survives_a_round_trip(void **state)
{
    struct arp_hdr hdr;
    uint8_t out[ARP_LEN];

    assert_int_equal(arp_parse(packet, sizeof(packet), &hdr), ARP_LEN);
    assert_int_equal(hdr.op, ARP_OP_REPLY);
    assert_true(mac_equal(&hdr.sha, &us) && mac_equal(&hdr.tha, &them));
    assert_int_equal(hdr.spa4, addr_raw4(10, 0, 0, 1));
    assert_int_equal(hdr.tpa4, addr_raw4(10, 0, 0, 2));
    assert_int_equal(arp_build(out, &hdr), ARP_LEN);
    assert_memory_equal(out, packet, ARP_LEN);
}

static void other_hardware_protocols_and_lengths_are_refused(void **state)
{
    for (size_t i = 0; i < 6; i++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t bytes[ARP_LEN];
            struct arp_hdr hdr;
            memcpy(bytes, packet, sizeof(bytes));
            bytes[i] = (uint8_t)value;
            assert_int_equal(arp_parse(bytes, sizeof(bytes), &hdr),
                             value == packet[i] ? ARP_LEN : 0);
        }
    }
}

static void each_truncation_is_refused(void **state)
{
    FOR_EACH_TRUNCATION(packet, sizeof(packet), p, n, {
        struct arp_hdr hdr;
        assert_int_equal(arp_parse(p, n, &hdr), n < ARP_LEN ? 0 : ARP_LEN);
    })
}

static void a_reply_turns_a_request_round(void **state)
{
    const struct arp_hdr request =
        arp_request(&them, addr_raw4(10, 0, 0, 2), addr_raw4(10, 0, 0, 1));
    const struct arp_hdr reply = arp_reply(&request, &us);
    uint8_t out[ARP_LEN];

    assert_true(mac_is_zero(&request.tha));
    arp_build(out, &reply);
    assert_memory_equal(out, packet, ARP_LEN);
}

static void probes_and_announcements_are_told_apart(void **state)
{
    const uint32_t x = addr_raw4(10, 0, 0, 9);
    const struct arp_hdr probe = arp_request(&us, 0, x), announcement = arp_request(&us, x, x),
                         plain = arp_request(&us, addr_raw4(10, 0, 0, 1), x),
                         nothing = arp_request(&us, 0, 0);
    struct arp_hdr reply = announcement;

    reply.op = ARP_OP_REPLY;
    assert_true(arp_is_probe(&probe) && !arp_is_announcement(&probe) && !arp_is_gratuitous(&probe));
    assert_true(arp_is_announcement(&announcement) && !arp_is_probe(&announcement));
    assert_true(!arp_is_announcement(&plain) && !arp_is_probe(&plain));
    assert_true(arp_is_gratuitous(&reply) && !arp_is_announcement(&reply));
    assert_true(!arp_is_probe(&nothing) && !arp_is_announcement(&nothing));
}

static void conflicts_are_others_with_our_address(void **state)
{
    const uint32_t x = addr_raw4(10, 0, 0, 9);
    const struct arp_hdr theirs = arp_request(&them, x, addr_raw4(10, 0, 0, 1)),
                         ours = arp_request(&us, x, x), their_probe = arp_request(&them, 0, x),
                         our_probe = arp_request(&us, 0, x);

    assert_true(arp_is_conflict(&theirs, &us, x));
    assert_false(arp_is_conflict(&ours, &us, x));
    assert_false(arp_is_conflict(&their_probe, &us, x));
    assert_false(arp_is_conflict(&their_probe, &us, 0));
    assert_true(arp_is_probe_conflict(&theirs, &us, x));
    assert_true(arp_is_probe_conflict(&their_probe, &us, x));
    assert_false(arp_is_probe_conflict(&our_probe, &us, x));
    assert_false(arp_is_probe_conflict(&their_probe, &us, addr_raw4(10, 0, 0, 8)));
}

TESTS({"a packet survives a round trip", a_packet_survives_a_round_trip},
      {"other hardware protocols and lengths are refused",
       other_hardware_protocols_and_lengths_are_refused},
      {"each truncation is refused", each_truncation_is_refused},
      {"a reply turns a request round", a_reply_turns_a_request_round},
      {"probes and announcements are told apart", probes_and_announcements_are_told_apart},
      {"conflicts are others with our address", conflicts_are_others_with_our_address})
