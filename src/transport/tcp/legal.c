/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/legal.h"

#include <nicstack/socket.h>

#include "wire/tcp.h"

#define P LEGAL_PASS
#define D LEGAL_DROP
#define R LEGAL_RESET
#define C LEGAL_CHALLENGE

/* Synchronized states: RFC 9293 3.10.7.4. Without ACK only RST means something; SYN is challenged,
 * with whatever else but RST; RST with SYN is nobody's. */
#define SYNCHRONIZED                                   \
    {                                                  \
        D, D, C, C, P, P, D, D, P, P, C, C, P, P, D, D \
    }

/* Columns: FIN 1, SYN 2, RST 4, ACK 8. */
static const uint8_t table[11][16] = {
    /*                        -  F  S  SF R  RF RS .  A  AF AS ASF AR . .  . */
    /* RFC 9293 3.10.7.1: all but RST is answered by RST. */
    [NST_TCP_CLOSED] = {R, R, R, R, D, D, D, D, R, R, R, R, D, D, D, D},
    /* 3.10.7.2: RST is ignored, ACK answered by RST, SYN wanted. SYN with FIN is no way to begin.
     */
    [NST_TCP_LISTEN] = {D, D, P, D, D, D, D, D, R, R, R, R, D, D, D, D},
    /* 3.10.7.3. */
    [NST_TCP_SYN_SENT] = {D, D, P, D, P, P, D, D, P, P, P, P, P, P, D, D},
    /* A repeated SYN, and the SYN, ACK of a simultaneous open, are looked at in the steps. */
    [NST_TCP_SYN_RECEIVED] = {D, D, P, C, P, P, D, D, P, P, P, C, P, P, D, D},
    [NST_TCP_ESTABLISHED] = SYNCHRONIZED,
    [NST_TCP_FIN_WAIT_1] = SYNCHRONIZED,
    [NST_TCP_FIN_WAIT_2] = SYNCHRONIZED,
    [NST_TCP_CLOSE_WAIT] = SYNCHRONIZED,
    [NST_TCP_CLOSING] = SYNCHRONIZED,
    [NST_TCP_LAST_ACK] = SYNCHRONIZED,
    /* timewait.c judges for itself. */
    [NST_TCP_TIME_WAIT] = {D, D, P, D, P, P, D, D, P, P, P, P, P, P, D, D},
};

enum legal legal_check(uint8_t state, uint16_t flags)
{
    return table[state][(flags & (TCP_FIN | TCP_SYN | TCP_RST)) | (flags & TCP_ACK) >> 1];
}
