/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of captures: classic BPF (McCanne and Jacobson, 1993), as libpcap compiles it, run over
 * packets in pieces. Whatever the code and the packet are, a run ends and reads nothing outside.
 */
#ifndef NICSTACK_SRC_HOST_BPF_H
#define NICSTACK_SRC_HOST_BPF_H

#include <nicstack/capture.h>

#define BPF_INSNS_MAX 4096

/* Is this a program: known instructions, jumps forward and inside, a return at the end? */
bool bpf_check(const struct nst_capture_insn *code, uint32_t count);

/* What the program, which was checked, returns for p: 0 refuses it. */
uint32_t bpf_run(const struct nst_capture_insn *code, const struct nst_pkt *p);

#endif
