/* SPDX-License-Identifier: Apache-2.0 */
/* Which flags make sense in which state: the first look at every segment. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_LEGAL_H
#define NICSTACK_SRC_TRANSPORT_TCP_LEGAL_H

#include <stdint.h>

enum legal {
    LEGAL_PASS,      /* goes through the steps of RFC 9293 3.10.7 */
    LEGAL_DROP,      /* means nothing here */
    LEGAL_RESET,     /* answered by a RST */
    LEGAL_CHALLENGE, /* in or out of the window: answered by a challenge ACK (RFC 5961 4) */
};

/* `state` is enum nst_tcp_state, `flags` of the wire; all but SYN, FIN, RST and ACK are ignored. */
enum legal legal_check(uint8_t state, uint16_t flags);

#endif
