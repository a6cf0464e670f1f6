/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile virtio-net headers and frames behind them: what a TUN, TAP or point-to-point packet link
 * delivers is consistent, whatever the device says, and a stack with such a NIC survives it. */
#include <nicstack/host.h>

#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see(void *context, const struct nst_pkt *p, bool outgoing)
{
    uint8_t scrap[64];
    CHECK(p->len >= p->linear && p->len > 0);
    CHECK(p->data >= p->head && p->data + p->linear <= p->end);
    if (p->csum == NST_CSUM_PARTIAL)
        CHECK(nst_pkt_csum_start(p) + p->csum_offset + 2 <= p->linear);
    if (p->gso != NST_GSO_NONE)
        CHECK(p->gso_size > 0 && p->gso != NST_GSO_UDP && p->len >= 40);
    nst_pkt_copy_out(p, 0, scrap, sizeof(scrap));
    struct nst_pkt *clone = nst_pkt_clone(p);
    if (clone != NULL) {
        nst_pkt_complete_csum(clone);
        CHECK(clone->csum != NST_CSUM_PARTIAL);
        nst_pkt_free(clone);
    }
}

static struct nst_link *make_tuntap(uint8_t how, int fd)
{
    struct nst_link *link;
    const struct nst_tuntap_config config = {.size = sizeof(config),
                                             .fd = fd,
                                             .ethernet = (how & 1) != 0,
                                             .segmentation = (how & 2) != 0,
                                             .vnet_hdr = (how & 4) != 0 ? 10 : 12,
                                             .mtu = 1500,
                                             .addr = {{2, 0, 0, 0, 0, 1}}};
    CHECK(nst_tuntap_new(nst_host_allocator(), &config, &link) == 0);
    return link;
}

static struct nst_link *make_afpacket(int fd)
{
    struct nst_link *link;
    const struct nst_afpacket_config config = {.size = sizeof(config),
                                               .fd = fd,
                                               .vnet_hdr = true,
                                               .no_ring = true,
                                               .mtu = 1500,
                                               .addr = {{2, 0, 0, 0, 0, 1}},
                                               .peer = {{2, 0, 0, 0, 0, 2}}};
    CHECK(nst_afpacket_new(nst_host_allocator(), &config, &link) == 0);
    return link;
}

/* The first byte: bit 0 TAP, bit 1 segmentation, bit 2 a header of 10 bytes, bit 3 a packet link
 * instead. Then packets, each behind its length in two bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];
    struct nst_link *link, *sniffer;
    struct nst_stack *stack;
    uint32_t id;
    if (size < 1 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) < 0)
        return 0;
    const bool is_afpacket = (data[0] & 8) != 0;
    const struct nst_allocator *a = nst_host_allocator();
    const struct nst_stack_config sc = {
        .size = sizeof(sc), .allocator = *a, .memory_limit = 1 << 20, .seed = {1}};
    link = is_afpacket ? make_afpacket(fds[0]) : make_tuntap(data[0], fds[0]);
    sniffer = nst_sniffer_new(a, link, see, NULL);
    CHECK(sniffer != NULL && nst_stack_new(&sc, &stack) == 0);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = sniffer, .promiscuous = true};
    CHECK(nst_nic_add(stack, &nic, &id) == 0);
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    CHECK(nst_nic_addr_add(stack, id, &addr) == 0);
    data++, size--;
    while (size >= 2) {
        size_t len = (size_t)(data[0] << 8 | data[1]);
        data += 2, size -= 2;
        len = len < size ? len : size;
        if (len > 0 && send(fds[1], data, len, MSG_NOSIGNAL) < 0)
            break;
        if (is_afpacket)
            nst_afpacket_receive(link, 4); /* a socket of another kind is no interface: gone */
        else
            CHECK(nst_tuntap_receive(link, 4) >= 0);
        nst_stack_run(stack, 1, 0);
        data += len, size -= len;
    }
    nst_stack_free(stack);
    nst_sniffer_free(sniffer);
    if (is_afpacket)
        nst_afpacket_free(link);
    else
        nst_tuntap_free(link);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
