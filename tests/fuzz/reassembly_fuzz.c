/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments of a few datagrams, against a model: what is delivered consists of bytes that were sent
 * at their place, each byte sent by exactly one fragment. Every fragment carries the bytes that its
 * offset has in one pattern, so a right reassembly is a prefix of the pattern.
 */
#include "../lib/netlab.c" // NOLINT(bugprone-suspicious-include): a target is one file

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab lab;
    static uint8_t whole[82000], packet[70000];
    static bool made;
    for (size_t i = 0; !made && i < sizeof(whole); i++)
        whole[i] = (uint8_t)((i * 31 + (i >> 8)) ^ i >> 13);
    made = true;
    lab_init(&lab);
    lab_add_nic(&lab, 1, 0, 65535);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    for (; size >= 5; data += 5, size -= 5) {
        const uint32_t offset = (be16_get(data) & 0x1fffu) * 8;
        const uint32_t len = be16_get(data + 2) & 0x3fff;
        const struct lab_ip ip = {.src = data[4] & 1 ? "10.0.0.2" : "10.0.0.3",
                                  .dst = "10.0.0.1",
                                  .proto = data[4] & 2 ? LAB_PROTO : IP_PROTO_TCP,
                                  .id = data[4] >> 5,
                                  .tos = data[4] >> 3 & 3,
                                  .frag = (uint16_t)offset,
                                  .mf = (data[0] & 0x80) != 0};
        const unsigned before = lab.delivered;
        lab_feed_ip(&lab, 1, packet,
                    lab_build_ip(packet, &ip, whole + offset, min_u32(len, 65515)));
        if (lab.delivered != before)
            MUST(memcmp(lab.payload, whole, lab.payload_len) == 0);
        if (data[4] & 4)
            lab_advance(&lab, 7 * NST_SEC);
        MUST(lab.stack->ip4->reassembly.bytes <= REASSEMBLY_BYTES_MAX);
        lab_discard(&lab, 1);
    }
    lab_fini(&lab);
    return 0;
}
