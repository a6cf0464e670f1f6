/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world that a fuzzed stack talks to. It watches what the stack sends, so it knows the numbers
 * of each connection, and says next what the input asks it to: the right thing when the input is
 * zero, and wrong in some way when it is not.
 */
#ifndef TESTS_FUZZ_PEERS_H
#define TESTS_FUZZ_PEERS_H

#include "frames.h"
#include "input.h"

#define PEERS     4
#define FRAME_CAP 3000

/* One connection, seen from the other end. */
struct peer {
    struct nst_endpoint local, remote; /* the stack's and ours */
    uint32_t snd;                      /* our next sequence number */
    uint32_t una;                      /* what the stack has acknowledged of it */
    uint32_t rcv;                      /* behind what the stack has sent */
    uint32_t ts;                       /* its last TSval */
    bool ts_ok, known;
};

struct peers {
    struct peer peer[PEERS];
    uint32_t next; /* to be replaced */
    uint32_t clock;
    uint8_t last[FRAME_CAP]; /* the last IPv4 packet that the stack sent */
    uint32_t last_len;
};

/* The stack has sent this IPv4 packet. */
void peers_see(struct peers *w, const uint8_t *packet, uint32_t len);

/* Each makes an IPv4 packet for the stack at `out` (FRAME_CAP bytes) from what the input says;
 * returns its length, 0: none. */
size_t peers_talk(struct peers *w, struct input *in, uint8_t *out);  /* a known connection */
size_t peers_begin(struct peers *w, struct input *in, uint8_t *out); /* a SYN, or so */
size_t peers_datagram(struct peers *w, struct input *in, uint8_t *out);
size_t peers_icmp(struct peers *w, struct input *in, uint8_t *out); /* errors and echoes */
size_t peers_fragment(struct peers *w, struct input *in, uint8_t *out);
size_t peers_raw(struct peers *w, struct input *in, uint8_t *out);
/* An ARP packet of 28 bytes. */
size_t peers_arp(struct peers *w, struct input *in, uint8_t *out);

/* 10.0.n.0 to 10.0.n.3, n 0 or 1, or somebody far away. */
struct nst_addr peers_addr(uint8_t byte);

#endif
