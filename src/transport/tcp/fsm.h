/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a connection (RFC 9293 3.3.2) and the only function that changes them.
 *
 *                 passive open                            active open
 *      CLOSED ------------------> LISTEN          CLOSED ------------------> SYN-SENT
 *      LISTEN --- SYN: child ---> SYN-RECEIVED <--- SYN (simultaneous) ----- SYN-SENT
 *      SYN-RECEIVED --- ACK ----> ESTABLISHED <---- SYN, ACK --------------- SYN-SENT
 *
 *      ESTABLISHED -- close --> FIN-WAIT-1 -- ACK of FIN --> FIN-WAIT-2 -- FIN --> TIME-WAIT
 *                               FIN-WAIT-1 -- FIN --> CLOSING -- ACK of FIN -----> TIME-WAIT
 *                               FIN-WAIT-1 -- FIN with the ACK ------------------> TIME-WAIT
 *      ESTABLISHED -- FIN ----> CLOSE-WAIT -- close --> LAST-ACK -- ACK of FIN --> CLOSED
 *
 * RST and timeouts lead to CLOSED from anywhere. A state is left for FIN-WAIT-1 or LAST-ACK when
 * the user closes, not when the FIN is sent: it may wait behind data.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_FSM_H
#define NICSTACK_SRC_TRANSPORT_TCP_FSM_H

#include "transport/tcp/tcb.h"

/* Changes the state; the transition has to be one of the list in fsm.c (checked). */
void fsm_set(struct tcb *tcb, enum nst_tcp_state state);
/* "ESTABLISHED". */
const char *fsm_name(enum nst_tcp_state state);

/* Has the handshake ended, and not yet all? */
static inline bool fsm_is_synchronized(uint8_t state)
{
    return state >= NST_TCP_ESTABLISHED;
}
/* May the user still send? */
static inline bool fsm_can_send(uint8_t state)
{
    return state == NST_TCP_ESTABLISHED || state == NST_TCP_CLOSE_WAIT;
}
/* May data of the peer still come? */
static inline bool fsm_can_receive(uint8_t state)
{
    return state == NST_TCP_ESTABLISHED || state == NST_TCP_FIN_WAIT_1 ||
           state == NST_TCP_FIN_WAIT_2;
}

#endif
