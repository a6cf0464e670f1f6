/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two ends of a measurement say to each other, whatever stack they are on: bench-sockets (the
 * kernel's), bench-tap (nicstack) and gvisor/ (gVisor's netstack, in Go) speak it.
 *
 * A server has a port for each service:
 *   SINK    reads to the end of the stream; answers with 8 bytes, how many it got, most significant
 *           first, and closes. If one byte was not the pattern's it closes without an answer.
 *   SOURCE  sends the pattern until the client closes.
 *   ECHO    sends every 64 bytes back, until the client closes, or resets.
 *   ONCE    sends 64 bytes back, and closes first.
 *
 * What is sent in bulk is the pattern, from its beginning; every byte is compared where it is read,
 * by all ends alike. Message number n is 64 bytes of the pattern from n on.
 */
#ifndef TESTS_BENCH_COMMON_PROTOCOL_H
#define TESTS_BENCH_COMMON_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    PORT_SINK = 5001,
    PORT_SOURCE,
    PORT_ECHO,
    PORT_ONCE
};
#define SERVICES    4
#define MESSAGE     64
#define PERIOD      65521  /* of the pattern: a prime, so that no segment looks like another */
#define CHUNK       131072 /* bytes of one send or receive, at most */
#define VERDICT     8
#define STREAMS_MAX 64

extern uint8_t pattern[PERIOD + CHUNK];
/* Before anything else. */
void pattern_fill(void);
/* Are these `n` bytes (at most CHUNK) the pattern's from `at` on? */
bool pattern_matches(const uint8_t *data, size_t n, uint64_t at);
/* Where to send from, at `at`: CHUNK bytes are good. */
const uint8_t *pattern_at(uint64_t at);

void verdict_build(uint8_t ret_verdict[VERDICT], uint64_t received);
uint64_t verdict_parse(const uint8_t verdict[VERDICT]);

/* Nanoseconds of the monotonic clock. */
uint64_t clock_now(void);

/* How long each of many exchanges took. */
struct latencies {
    uint32_t *value; /* nanoseconds */
    size_t count, max;
};
void latencies_init(struct latencies *l);
/* What does not fit any more is not kept. */
void latencies_add(struct latencies *l, uint64_t nanoseconds);

/* What a client prints when it is done: one line of JSON. */
void print_bulk(uint64_t bytes, uint64_t nanoseconds);
/* Frees the latencies. */
void print_latencies(struct latencies *l);
void print_rate(uint64_t count, uint64_t nanoseconds);

/* Ends the program with status 1 and a line that says what was wrong. */
_Noreturn void give_up(const char *what);

#endif
