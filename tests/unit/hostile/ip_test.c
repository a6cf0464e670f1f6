/* SPDX-License-Identifier: Apache-2.0 */
/* HOSTILE.md, the lines of IPv4 and ICMP that are about more than one file. */
#include "testing.h"

#include "netlab.h"
#include "wire/icmp4.h"

static struct lab lab;

static void begin(void)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_add_route(&lab, "0.0.0.0/0", 1, "10.0.0.254");
}

/* One option of every length that its length byte or the header may say, with every pointer; to a
 * transport that exists and to one that does not, which makes an error that quotes it. */
static void try_option(uint8_t type, uint8_t len, uint8_t pointer, uint8_t proto)
{
    uint8_t packet[200] = {0}, options[40];
    memset(options, IP4_OPT_NOP, sizeof(options));
    options[0] = type;
    options[1] = len;
    options[2] = pointer;
    const struct lab_ip ip = {.src = "10.0.0.2",
                              .dst = "10.0.0.1",
                              .proto = proto,
                              .options = options,
                              .options_len = (size_t)((len < 3    ? 3
                                                       : len > 40 ? 40
                                                                  : len) +
                                                      3) &
                                             ~3u};
    const size_t before = lab_frames(&lab, 1);
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, packet + 100, 40));
    assert_true(lab_frames(&lab, 1) <= before + 1);
    lab_discard(&lab, 1);
}

static void options_of_every_length(void **state)
{
    static const uint8_t types[] = {IP4_OPT_LSRR, IP4_OPT_SSRR,  IP4_OPT_RR, IP4_OPT_TS,
                                    IP4_OPT_SEC,  IP4_OPT_ALERT, 0x1e};
    begin();
    for (size_t t = 0; t < sizeof(types); t++) {
        for (unsigned len = 0; len <= 41; len++) {
            for (unsigned pointer = 0; pointer <= 44; pointer++) {
                try_option(types[t], (uint8_t)len, (uint8_t)pointer, LAB_PROTO);
                try_option(types[t], (uint8_t)len, (uint8_t)pointer, 200);
                lab_advance(&lab, NST_MSEC);
            }
        }
    }
    /* Neither kind of source route ever got through (RFC 7126 4.3, 4.4). */
    assert_true(lab_drops(&lab, DROP_IP_OPTIONS) >= 2 * 2 * 35 * 45);
    lab_fini(&lab);
}

/* The total length says anything, the frame is 60 bytes. */
static void every_total_length(void **state)
{
    uint8_t packet[60];
    begin();
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = LAB_PROTO};
    for (uint32_t len = 0; len <= 65535; len += len < 100 ? 1 : 97) {
        memset(packet, 0, sizeof(packet));
        lab_build_ip(packet, &ip, packet + 20, 40);
        be16_put(packet + 2, (uint16_t)len);
        be16_put(packet + 10, 0);
        be16_put(packet + 10, csum_fold(csum_portable.sum(packet, 20, 0)));
        const unsigned before = lab.delivered;
        lab_feed_ip(&lab, 1, packet, sizeof(packet));
        assert_int_equal(lab.delivered - before, len >= 20 && len <= sizeof(packet));
        if (len >= 20 && len <= sizeof(packet))
            assert_int_equal(lab.payload_len, len - 20);
        lab_discard(&lab, 1);
    }
    lab_fini(&lab);
}

/* RFC 1122 3.2.2.2: a redirect is obeyed only when it comes from the gateway in use; we obey none,
 * so nobody can bend a route. */
static void redirects(void **state)
{
    uint8_t packet[200] = {0}, body[8 + 28] = {ICMP4_REDIRECT, ICMP4_REDIRECT_HOST};
    static const char *const sources[] = {"10.0.0.254", "10.0.0.66", "203.0.113.5"};
    begin();
    assert_int_equal(lab_send(&lab, NULL, "203.0.113.9", 100, false), 0);
    lab_run(&lab);
    size_t len;
    const uint8_t *sent = lab_take(&lab, 1, &len, NULL, NULL);
    assert_non_null(sent);
    memcpy(body + 8, sent, 28);
    const struct nst_addr evil = lab_addr("10.0.0.66"), far = lab_addr("203.0.113.9");
    memcpy(body + 4, evil.b + 12, 4);
    be16_put(body + 2, csum_fold(csum_portable.sum(body, sizeof(body), 0)));
    for (size_t i = 0; i < 3; i++) {
        const struct lab_ip ip = {.src = sources[i], .dst = "10.0.0.1", .proto = IP_PROTO_ICMP};
        lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, body, sizeof(body)));
        struct nst_route route;
        assert_int_equal(nst_route_lookup(lab.stack, &far, &route), 0);
        const struct nst_addr gateway = lab_addr("10.0.0.254");
        assert_true(nst_addr_equal(&route.gateway, &gateway));
        assert_int_equal(lab_frames(&lab, 1), 0);
    }
    lab_fini(&lab);
}

TESTS({"LSRR, SSRR, RR, TS and others of length 0 to 41 with every pointer",
       options_of_every_length},
      {"a total length under the header or over the frame is dropped", every_total_length},
      {"redirects, from the gateway or not, bend no route", redirects})
