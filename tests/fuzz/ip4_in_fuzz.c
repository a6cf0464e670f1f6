/* SPDX-License-Identifier: Apache-2.0 */
/* Whole frames into a NIC: ARP, IPv4, options, fragments, ICMP. The input is a list of
 * (length byte, flags byte, bytes); flags choose the EtherType and let time pass. */
#include "../lib/netlab.c" // NOLINT(bugprone-suspicious-include): a target is one file

#define PIECE 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab lab;
    lab_init(&lab);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_send(&lab, NULL, "10.0.0.2", 40, false);
    while (size >= 2) {
        size_t len = data[0] * 2u;
        const uint8_t flags = data[1];
        data += 2;
        size -= 2;
        if (len > size)
            len = size;
        uint8_t piece[PIECE];
        memcpy(piece, data, len);
        /* Checksums are no riddle for the fuzzer. */
        if ((flags & 1) == 0 && len >= 20) {
            const size_t hdr = (piece[0] & 15u) * 4u;
            if (hdr >= 20 && hdr <= len) {
                be16_put(piece + 10, 0);
                be16_put(piece + 10, csum_fold(csum_short(piece, hdr, 0)));
                if (piece[9] == 1 && len >= hdr + 8) {
                    be16_put(piece + hdr + 2, 0);
                    icmp4_csum_put(piece + hdr, csum_short(piece + hdr, len - hdr, 0));
                }
            }
        }
        const struct nst_mac all = {{255, 255, 255, 255, 255, 255}};
        lab_feed(&lab, 1, flags & 1 ? NST_ETHERTYPE_ARP : NST_ETHERTYPE_IPV4, piece, len,
                 flags & 2 ? &all : NULL);
        if (flags & 4)
            lab_advance(&lab, NST_SEC);
        lab_discard(&lab, 1);
        data += len;
        size -= len;
    }
    lab_fini(&lab);
    return 0;
}
