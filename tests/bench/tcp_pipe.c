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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nicstack/nic.h>
#include <nicstack/socket.h>
#include <nicstack/stack.h>

#define CHUNK 65536

static void *allocate(void *context, size_t size)
{
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void release(void *context, void *memory, size_t size)
{
    free(memory);
}

static const struct nst_allocator allocator = {allocate, release, NULL};

static void check(int64_t r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, nst_strerror((int)r));
        exit(1);
    }
}

struct end {
    struct nst_stack *stack;
    nst_socket socket;
};

static struct end end_new(struct nst_link *link, uint8_t host)
{
    struct end e;
    uint32_t nic;
    const struct nst_stack_config sc = {
        .size = sizeof(sc), .allocator = allocator, .seed = {host}, .now = NST_SEC};
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, host), .prefix_len = 24};
    check(nst_stack_new(&sc, &e.stack), "stack");
    check(nst_nic_add(e.stack, &nc, &nic), "nic");
    check(nst_nic_addr_add(e.stack, nic, &addr), "addr");
    check(nst_socket_open(e.stack, NST_STREAM, &e.socket), "open");
    return e;
}

static nst_time now = NST_SEC;

static void run(struct end *a, struct end *b)
{
    now += 10 * NST_USEC;
    nst_stack_run(a->stack, now, 0);
    nst_stack_run(b->stack, now, 0);
}

static void connect_ends(struct end *client, struct end *server)
{
    const struct nst_endpoint local = {.port = 80};
    const struct nst_endpoint remote = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 80};
    nst_socket child = 0;
    check(nst_socket_bind(server->stack, server->socket, &local), "bind");
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
    config.mtu = argc > 3 ? (uint32_t)atoi(argv[3]) : 1500;
    if (strchr(flags, 'n'))
        config.caps |= NST_LINK_NO_MERGE;
    if (strchr(flags, 'c'))
        config.caps |= NST_LINK_CSUM_TX;
    if (strchr(flags, 'g'))
        config.caps |= NST_LINK_CSUM_TX | NST_LINK_TSO4;
    struct nst_link *ends[2];
    check(nst_pipe_new(&allocator, &config, ends), "pipe");
    struct end client = end_new(ends[0], 1), server = end_new(ends[1], 2);
    connect_ends(&client, &server);

    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    transfer(&client, &server, total);
    clock_gettime(CLOCK_MONOTONIC, &end);
    const double seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    struct nst_tcp_info info;
    nst_socket_tcp_info(client.stack, client.socket, &info);
    uint64_t segments = 0, acks = 0;
    nst_stack_counter_get(server.stack, "tcp_segments_received", &segments);
    nst_stack_counter_get(client.stack, "tcp_segments_received", &acks);
    printf("%.2f Gbit/s, cwnd %u, %llu segments, %llu ACKs, %llu retransmitted\n",
           (double)total * 8 / seconds / 1e9, info.cwnd, (unsigned long long)segments,
           (unsigned long long)acks, (unsigned long long)info.retransmits);
    nst_stack_free(client.stack);
    nst_stack_free(server.stack);
    nst_pipe_free(ends);
    return 0;
}
