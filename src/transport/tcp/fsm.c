/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/fsm.h"

#define S(x) (1u << NST_TCP_##x)

/* Where each state may lead, and who makes the transition. */
static const uint16_t allowed[] = {
    /* tcp_listen; tcp_connect; listen_child (the child begins where the SYN puts it) */
    [NST_TCP_CLOSED] = S(LISTEN) | S(SYN_SENT) | S(SYN_RECEIVED),
    /* tcp_close */
    [NST_TCP_LISTEN] = S(CLOSED),
    /* syn_sent_input; tcb_end */
    [NST_TCP_SYN_SENT] = S(SYN_RECEIVED) | S(ESTABLISHED) | S(CLOSED),
    /* sync_ack; tcp_close, tcp_shutdown; sync_fin; tcb_end */
    [NST_TCP_SYN_RECEIVED] = S(ESTABLISHED) | S(FIN_WAIT_1) | S(CLOSE_WAIT) | S(CLOSED),
    /* tcp_close, tcp_shutdown; sync_fin; tcb_end */
    [NST_TCP_ESTABLISHED] = S(FIN_WAIT_1) | S(CLOSE_WAIT) | S(CLOSED),
    /* sync_ack; sync_fin */
    [NST_TCP_FIN_WAIT_1] = S(FIN_WAIT_2) | S(CLOSING) | S(TIME_WAIT) | S(CLOSED),
    [NST_TCP_FIN_WAIT_2] = S(TIME_WAIT) | S(CLOSED),
    [NST_TCP_CLOSE_WAIT] = S(LAST_ACK) | S(CLOSED),
    [NST_TCP_CLOSING] = S(TIME_WAIT) | S(CLOSED),
    [NST_TCP_LAST_ACK] = S(CLOSED),
    [NST_TCP_TIME_WAIT] = S(CLOSED),
};

void fsm_set(struct tcb *tcb, enum nst_tcp_state state)
{
    CHECK((allowed[tcb->state] & 1u << state) != 0);
    tcb->state = (uint8_t)state;
}

const char *fsm_name(enum nst_tcp_state state)
{
    static const char names[][13] = {
        [NST_TCP_CLOSED] = "CLOSED",           [NST_TCP_LISTEN] = "LISTEN",
        [NST_TCP_SYN_SENT] = "SYN-SENT",       [NST_TCP_SYN_RECEIVED] = "SYN-RECEIVED",
        [NST_TCP_ESTABLISHED] = "ESTABLISHED", [NST_TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [NST_TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [NST_TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [NST_TCP_CLOSING] = "CLOSING",         [NST_TCP_LAST_ACK] = "LAST-ACK",
        [NST_TCP_TIME_WAIT] = "TIME-WAIT",
    };
    return state < ARRAY_SIZE(names) ? names[state] : "?";
}
