/* SPDX-License-Identifier: Apache-2.0 */
/* IGMP and MLD messages into a NIC that joins and leaves groups meanwhile. The input is a list of
 * (what, group, length, bytes): bodies are as they come, headers and checksums are right. Whatever
 * is asked, every report that leaves is well formed, and they are no more than there are turns. */
#include "../lib/netlab.c" // NOLINT(bugprone-suspicious-include): a target is one file
#include "input.h"

#include "wire/igmp.h"
#include "wire/mld.h"

enum {
    SIX = 1,     /* MLD, else IGMP */
    JOIN = 2,    /* joins the group, and */
    LEAVE = 4,   /* leaves it */
    MESSAGE = 8, /* a message comes in */
    LATER = 16,  /* half a minute passes */
    RESTART = 32,
    GENERAL = 64, /* to all hosts, else to the group */
};

static struct nst_addr group_of(bool six, uint8_t n)
{
    if (six)
        return (struct nst_addr){{{0xff, 0x05, [15] = n & 15}}};
    return nst_addr_v4(239, 1, 1, n & 15);
}

static void feed4(struct lab *lab, const char *to, uint8_t *body, size_t len)
{
    uint8_t packet[400], alert[4];
    ip4_router_alert_build(alert);
    igmp_csum_put(body, len);
    const struct lab_ip ip = {.src = "10.0.0.9",
                              .dst = to,
                              .proto = IP_PROTO_IGMP,
                              .ttl = 1,
                              .options = alert,
                              .options_len = 4};
    const struct nst_addr dst = lab_addr(to);
    const struct nst_mac mac = mac_from_group(&dst);
    lab_feed(lab, 1, NST_ETHERTYPE_IPV4, packet, lab_build_ip(packet, &ip, body, len), &mac);
}

static void feed6(struct lab *lab, const char *to, uint8_t *body, size_t len)
{
    uint8_t packet[400], alert[MLD_ALERT_LEN];
    mld_alert_build(alert);
    body[0] = (uint8_t)(ICMP6_MLD_QUERY + body[0] % 3);
    const struct lab_ip6 ip = {.src = "fe80::9",
                               .dst = to,
                               .next = IP_PROTO_HOP_BY_HOP,
                               .hop_limit = 1,
                               .ext = alert,
                               .ext_len = MLD_ALERT_LEN};
    lab_feed_ip6(lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
}

static void check_report6(const uint8_t *r, size_t len)
{
    struct group_record record;
    const size_t headers = IP6_HDR_LEN + MLD_ALERT_LEN;
    if (r[6] != IP_PROTO_HOP_BY_HOP || r[headers] != ICMP6_MLD2_REPORT)
        return;
    struct group_record_iter it = mld_records_begin(r + headers, len - headers);
    check(it.left > 0);
    while (mld_record_next(&it, &record))
        check(record.type >= GROUP_IS_EXCLUDE && record.type <= GROUP_TO_EXCLUDE);
    check(!it.malformed && it.off == len - headers);
}

static void check_report4(const uint8_t *r, size_t len)
{
    struct group_record record;
    check(r[9] == IP_PROTO_IGMP && r[8] == 1);
    if (r[24] != IGMP_REPORT3)
        return;
    struct group_record_iter it = igmp_records_begin(r + 24, len - 24);
    check(it.left > 0);
    while (igmp_record_next(&it, &record))
        check(record.type >= GROUP_IS_EXCLUDE && record.type <= GROUP_TO_EXCLUDE);
    check(!it.malformed && it.off == len - 24);
}

static void check_sent(struct lab *lab)
{
    size_t len;
    for (const uint8_t *r; (r = lab_take(lab, 1, &len, NULL, NULL)) != NULL;) {
        if (r[0] >> 4 == 6)
            check_report6(r, len);
        else
            check_report4(r, len);
    }
}

static void step(struct lab *lab, struct input *in)
{
    const uint8_t what = input_take8(in), n = input_take8(in);
    const bool six = (what & SIX) != 0;
    const uint16_t protocol = six ? NST_ETHERTYPE_IPV6 : NST_ETHERTYPE_IPV4;
    const struct nst_addr group = group_of(six, n);
    char to[NST_ADDR_TEXT];
    uint8_t body[160] = {0};
    const uint8_t *bytes;
    if (what & JOIN)
        nst_nic_group_join(lab->stack, 1, protocol, &group);
    if (what & LEAVE)
        nst_nic_group_leave(lab->stack, 1, protocol, &group);
    if (what & MESSAGE) {
        const size_t len = 8 + input_take8(in) % 64u;
        const size_t got = input_take(in, len, &bytes);
        memcpy(body, bytes, got);
        nst_addr_format(&group, to, sizeof(to));
        if (six)
            feed6(lab, what & GENERAL ? "ff02::1" : to, body, len);
        else
            feed4(lab, what & GENERAL ? "224.0.0.1" : to, body, len);
    }
    if (what & RESTART) {
        nst_nic_disable(lab->stack, 1);
        nst_nic_enable(lab->stack, 1);
    }
    if (what & LATER)
        lab_advance(lab, 30 * NST_SEC);
    check_sent(lab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab lab;
    struct input in = {data, size};
    lab_init(&lab);
    lab.group_reports = true;
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_add_addr(&lab, 1, "fe80::1/64");
    while (in.left > 0)
        step(&lab, &in);
    /* With nobody asking, everything has been said in the end: MLD can ask for 2.3 hours of time.
     */
    lab_advance(&lab, 3 * 3600 * NST_SEC);
    check(nst_stack_next_deadline(lab.stack) == NST_TIME_NEVER);
    lab_fini(&lab);
    return 0;
}
