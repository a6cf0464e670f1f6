/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3, S4: one TCP stream between two stacks over a pipe, one thread.
 *
 *     tcp_pipe [MEGABYTES [FLAGS [MTU]]]    FLAGS: c checksums by the link, g large segments
 *                                           through it, n no coalescing
 *
 * Prints Gbit/s. For instructions a segment, run it twice under `valgrind --tool=callgrind` with
 * different MEGABYTES and divide the difference by the segments in between.
 */
#include "bench.h"

#define CHUNK 65536

static nst_time now = NST_SEC;

static void run(struct end *a, struct end *b)
{
    now += 10 * NST_USEC;
    nst_stack_run(a->stack, now, 0);
    nst_stack_run(b->stack, now, 0);
}

static void connect_ends(struct end *client, struct end *server)
{
    const struct nst_endpoint remote = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 80};
    nst_socket child = 0;
    check(nst_socket_listen(server->stack, server->socket, 1), "listen");
    nst_socket_connect(client->stack, client->socket, &remote);
    while (nst_socket_accept(server->stack, server->socket, &child, NULL) < 0)
        run(client, server);
    server->socket = child;
    run(client, server);
}

static void transfer(struct end *from, struct end *to, uint64_t total)
{
    static uint8_t out[CHUNK], in[CHUNK];
    uint64_t sent = 0, received = 0;
    while (received < total) {
        while (sent < total) {
            const uint64_t left = total - sent;
            const int64_t n = nst_socket_send(from->stack, from->socket, out,
                                              left < CHUNK ? (size_t)left : CHUNK, 0);
            if (n == -NST_EAGAIN)
                break;
            check(n, "send");
            sent += (uint64_t)n;
        }
        run(from, to);
        for (;;) {
            const int64_t n = nst_socket_recv(to->stack, to->socket, in, CHUNK, 0);
            if (n == -NST_EAGAIN)
                break;
            check(n, "recv");
            received += (uint64_t)n;
        }
    }
}

int main(int argc, char **argv)
{
    const uint64_t total = (argc > 1 ? strtoull(argv[1], NULL, 0) : 2000) * 1000000;
    const char *flags = argc > 2 ? argv[2] : "n";
    struct nst_pipe_config config = {.size = sizeof(config), .limit = 4096};
    config.mtu = argc > 3 ? (uint32_t)strtol(argv[3], NULL, 10) : 1500;
    if (strchr(flags, 'n'))
        config.caps |= NST_LINK_NO_MERGE;
    if (strchr(flags, 'c'))
        config.caps |= NST_LINK_CSUM_TX;
    if (strchr(flags, 'g'))
        config.caps |= NST_LINK_CSUM_TX | NST_LINK_TSO4;
    struct nst_link *ends[2];
    check(nst_pipe_new(&bench_allocator, &config, ends), "pipe");
    struct end client = end_new(ends[0], 1, NST_STREAM, 0);
    struct end server = end_new(ends[1], 2, NST_STREAM, 80);
    connect_ends(&client, &server);

    const double begin = seconds();
    transfer(&client, &server, total);
    const double took = seconds() - begin;
    struct nst_tcp_info info;
    nst_socket_tcp_info(client.stack, client.socket, &info);
    uint64_t segments = 0, acks = 0;
    nst_stack_counter_get(server.stack, "tcp_segments_received", &segments);
    nst_stack_counter_get(client.stack, "tcp_segments_received", &acks);
    printf("%.2f Gbit/s, cwnd %u, %llu segments, %llu ACKs, %llu retransmitted\n",
           (double)total * 8 / took / 1e9, info.cwnd, (unsigned long long)segments,
           (unsigned long long)acks, (unsigned long long)info.retransmits);
    nst_stack_free(client.stack);
    nst_stack_free(server.stack);
    nst_pipe_free(ends);
    return 0;
}
