/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 and S4: bulk TCP between two stacks over a pipe, one thread, nothing merged.
 *
 *     tcp_pipe [SEGMENTS [FLAGS]]     FLAGS: g segments of 64 KiB, s checksums by the stacks
 *                                     (else left open, as a memory link may), e Ethernet frames,
 *                                     v every byte is verified (a slow way to be sure)
 *
 * SEGMENTS counts 1,460 bytes of payload each (64,240 with g): with timestamps, which are on, the
 * packets carry 1,448, so there is slightly more than one packet a segment. Every run checks the
 * number of bytes, a sample of what they are, that nothing was lost or merged, and that the packets
 * have the length that is meant. Prints Gbit/s. tests/bench/instr.sh counts its instructions.
 */
#include "bench.h"

#define PORT     5001
#define CHUNK    65536    /* bytes of one send, at most */
#define PERIOD   65521    /* of what is sent: a prime, so that no segment looks like another */
#define STEP     NST_USEC /* of the clock, each turn: time passes, but no timer fires */
#define PAYLOAD  1460
#define ONE_HOUR (3600 * NST_SEC)

static uint8_t pattern[PERIOD + CHUNK];

/* The two ends of one connection, and what passed through it. */
struct run {
    struct nst_stack *from, *to;
    nst_socket source, sink;
    nst_time now;
    uint64_t total, sent, received;
    bool verify;
};

static void turn(struct run *r)
{
    r->now += STEP;
    nst_stack_run(r->from, r->now, 0);
    nst_stack_run(r->to, r->now, 0);
}

static void establish(struct run *r)
{
    const struct nst_endpoint local = {.port = PORT};
    const struct nst_endpoint remote = {.addr = nst_addr_v4(10, 0, 0, 2), .port = PORT};
    nst_socket listener;

    check(nst_socket_open(r->to, NST_STREAM, &listener), "open");
    check(nst_socket_bind(r->to, listener, &local), "bind");
    check(nst_socket_listen(r->to, listener, 1), "listen");
    check(nst_socket_open(r->from, NST_STREAM, &r->source), "open");
    int e = nst_socket_connect(r->from, r->source, &remote);
    if (e != -NST_EINPROGRESS)
        fail("connect", e);
    while ((e = nst_socket_accept(r->to, listener, &r->sink, NULL)) == -NST_EAGAIN &&
           r->now < ONE_HOUR)
        turn(r);
    check(e, "accept");
}

static void send_some(struct run *r)
{
    while (r->sent < r->total) {
        const uint64_t left = r->total - r->sent;
        const size_t n = left < CHUNK ? (size_t)left : CHUNK;
        const int64_t taken = nst_socket_send(r->from, r->source, pattern + r->sent % PERIOD, n, 0);
        if (taken == -NST_EAGAIN)
            return;
        check(taken, "send");
        r->sent += (uint64_t)taken;
    }
}

static void receive_some(struct run *r)
{
    static uint8_t data[CHUNK];
    int64_t n;

    while ((n = nst_socket_recv(r->to, r->sink, data, sizeof(data), 0)) > 0) {
        const size_t compared = r->verify || n < 16 ? (size_t)n : 16;
        if (memcmp(data, pattern + r->received % PERIOD, compared) != 0)
            fail("bytes", 0);
        r->received += (uint64_t)n;
    }
    if (n != -NST_EAGAIN)
        fail("recv", n);
}

static void transfer(struct run *r, uint64_t bytes)
{
    r->total += bytes;
    const nst_time end = r->now + ONE_HOUR;
    while (r->received < r->total && r->now < end) {
        send_some(r);
        turn(r);
        receive_some(r);
    }
    if (r->received != r->total)
        fail("number of bytes", 0);
}

static uint64_t nic_counter(struct nst_stack *stack, const char *name)
{
    uint64_t value = 0;
    check(nst_nic_counter_get(stack, 1, name, &value), name);
    return value;
}

/* What was measured is what it is called: no loss, nothing merged, and packets of the length that
 * was meant (the last of each write may be short). */
static void check_segments(const struct run *r, uint32_t payload)
{
    struct nst_tcp_info info;
    check(nst_socket_tcp_info(r->from, r->source, &info), "info");
    const uint64_t packets = nic_counter(r->to, "rx_packets");
    const uint64_t least = r->total / payload;
    /* A large one may be as short as the window is at the moment. */
    const uint64_t most = payload > PAYLOAD ? 2 * least : least + least / 10 + 2000;
    if (info.bytes_retransmitted != 0 || nic_counter(r->to, "rx_merged") != 0 || packets < least ||
        packets > most) {
        fprintf(stderr, "%llu packets instead of %llu, %llu bytes again\n",
                (unsigned long long)packets, (unsigned long long)least,
                (unsigned long long)info.bytes_retransmitted);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    const uint64_t segments = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
    const char *flags = argc > 2 ? argv[2] : "";
    const bool large = strchr(flags, 'g') != NULL;
    const bool ethernet = strchr(flags, 'e') != NULL;
    const uint32_t payload = large ? 44 * PAYLOAD : PAYLOAD;
    const struct nst_pipe_config config = {
        .size = sizeof(config),
        .ethernet = ethernet,
        .caps = NST_LINK_NO_MERGE | (strchr(flags, 's') == NULL ? NST_LINK_CSUM_TX : 0) |
                (large ? NST_LINK_TSO4 : 0),
        .addr = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}},
    };
    struct nst_link *links[2];

    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (uint8_t)((i % PERIOD) * 2654435761u >> 13);
    check(nst_pipe_new(&bench_allocator, &config, links), "pipe");
    struct run r = {.from = bench_stack(links[0], 1, 0),
                    .to = bench_stack(links[1], 2, 0),
                    .verify = strchr(flags, 'v') != NULL};
    establish(&r);
    transfer(&r, 2000 * (uint64_t)PAYLOAD); /* windows open */
    const double begin = seconds();
    transfer(&r, segments * payload);
    const double took = seconds() - begin;
    check_segments(&r, payload);
    printf("%llu segments of %u, %.2f Gbit/s\n", (unsigned long long)segments, payload,
           (double)segments * payload * 8 / took / 1e9);
    nst_stack_free(r.from);
    nst_stack_free(r.to);
    nst_pipe_free(links);
    return 0;
}
