/* SPDX-License-Identifier: Apache-2.0 */
/* What the forwarder needs of a SYN that no socket matched. */
#include "transport/tcp/in.h"
#include "transport/tcp/legal.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/out.h"

/* The packet is borrowed: nothing is pulled, and its checksum was verified on the way here. */
bool tcp_syn_read(const struct pkt *p, const struct rx *rx, struct tcp_syn *ret_syn)
{
    struct tcp_hdr hdr;
    const size_t hdr_len = tcp_parse(p->data, p->linear, &hdr);
    if (hdr_len == 0 || legal_check(NST_TCP_LISTEN, hdr.flags) != LEGAL_PASS)
        return false;
    struct seg seg = {
        .rx = rx,
        .seq = hdr.seq,
        .wnd = hdr.wnd,
        .src_port = hdr.src_port,
        .dst_port = hdr.dst_port,
    };
    tcp_opts_parse(p->data + TCP_HDR_LEN, hdr_len - TCP_HDR_LEN, &seg.opts);
    listen_read_syn(&seg, ret_syn);
    return true;
}

void tcp_refuse_syn(struct nst_stack *stack, const struct tcp_syn *syn)
{
    COUNT(stack->counters.tcp_resets_sent);
    out_raw(stack, &(struct out_raw){
                       .local = syn->local,
                       .remote = syn->remote,
                       .local_port = syn->local_port,
                       .remote_port = syn->remote_port,
                       .nic = syn->nic,
                       .ack = syn->irs + 1,
                       .flags = TCP_RST | TCP_ACK,
                       .note = NST_NOTE_REFUSED,
                   });
}
