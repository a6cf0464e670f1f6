/* SPDX-License-Identifier: Apache-2.0 */
/* arping by a packet socket: two stacks on one Ethernet, of which the first asks who has 10.0.0.2.
 * It writes and reads ARP itself (RFC 826): a cooked socket, so the NIC makes the Ethernet header.
 */
#include <nicstack/frame.h>
#include <nicstack/host.h>
#include <stdio.h>
#include <string.h>

static struct nst_stack *new_stack(struct nst_link *link, uint8_t host)
{
    struct nst_stack_config config = {.size = sizeof(config), .allocator = *nst_host_allocator()};
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, host), .prefix_len = 24};
    struct nst_stack *stack;
    if (nst_host_seed(config.seed) < 0 || nst_stack_new(&config, &stack) < 0)
        return NULL;
    return nst_nic_add(stack, &nic, NULL) < 0 || nst_nic_addr_add(stack, 1, &addr) < 0 ? NULL
                                                                                       : stack;
}

int main(void)
{
    const struct nst_pipe_config pipe = {.size = sizeof(pipe),
                                         .ethernet = true,
                                         .addr = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}}};
    const struct nst_frame_to everybody = {
        .nic = 1, .dst = {{255, 255, 255, 255, 255, 255}}, .ethertype = NST_ETHERTYPE_ARP};
    const uint8_t question[28] = {0, 1, 8, 0, 6, 4, 0,  1,       /* Ethernet, IPv4, request */
                                  2, 0, 0, 0, 0, 1, 10, 0, 0, 1, /* our addresses */
                                  0, 0, 0, 0, 0, 0, 10, 0, 0, 2};
    const struct nst_endpoint arp = {.port = NST_ETHERTYPE_ARP, .nic = 1};
    struct nst_link *ends[2];
    struct nst_frame_info info;
    uint8_t answer[60] = {0};
    nst_socket s;
    if (nst_pipe_new(nst_host_allocator(), &pipe, ends) < 0)
        return 1;
    struct nst_stack *us = new_stack(ends[0], 1), *them = new_stack(ends[1], 2);
    if (us == NULL || them == NULL || nst_socket_open(us, NST_PACKET_COOKED, &s) < 0 ||
        nst_socket_bind(us, s, &arp) < 0 ||
        nst_frame_send(us, s, question, sizeof(question), &everybody) < 0)
        return 1;
    for (int turn = 0; turn < 4; turn++) {
        nst_stack_run(us, nst_host_now(), 0);
        nst_stack_run(them, nst_host_now(), 0);
    }
    /* Who comes up announces itself, too. */
    bool is_reply = false;
    while (!is_reply && nst_frame_recv(us, s, answer, sizeof(answer), 0, &info) >= 28)
        is_reply = answer[7] == 2 && memcmp(answer + 14, question + 24, 4) == 0;
    if (is_reply)
        printf("10.0.0.2 is at %02x:%02x:%02x:%02x:%02x:%02x\n", info.src.b[0], info.src.b[1],
               info.src.b[2], info.src.b[3], info.src.b[4], info.src.b[5]);
    nst_stack_free(us);
    nst_stack_free(them);
    nst_pipe_free(ends);
    return is_reply ? 0 : 1;
}
