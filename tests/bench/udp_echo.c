/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S5: 64-byte datagrams to and fro between two stacks over a pipe, in batches.
 *
 *     udp_echo [ECHOES [FLAGS [BATCH]]]     FLAGS: e Ethernet frames, c checksums by the link,
 *                                           d connected server
 *
 * Prints datagrams a second. For instructions a datagram, run it twice under
 * `valgrind --tool=callgrind` with different ECHOES; each is two datagrams sent and two
 * received. tests/bench/instr.sh does that.
 */
#include "bench.h"

#define PAYLOAD 64

struct end {
    struct nst_stack *stack;
    nst_socket socket;
};

static struct end end_new(struct nst_link *link, uint8_t host, uint16_t port)
{
    struct end e = {.stack = bench_stack(link, host, 0)};
    const struct nst_endpoint local = {.port = port};
    check(nst_socket_open(e.stack, NST_DATAGRAM, &e.socket), "open");
    check(nst_socket_bind(e.stack, e.socket, &local), "bind");
    return e;
}

/* One batch from the client to the server and back. */
static uint64_t round_trip(struct end *client, struct end *server, int batch)
{
    char data[PAYLOAD] = "echo";
    struct nst_message m;
    uint64_t echoed = 0;

    for (int i = 0; i < batch; i++)
        check(nst_socket_send(client->stack, client->socket, data, PAYLOAD, 0), "send");
    nst_stack_run(client->stack, 0, 0);
    nst_stack_run(server->stack, 0, 0);
    while (nst_socket_recvfrom(server->stack, server->socket, data, PAYLOAD, 0, &m) == PAYLOAD)
        check(nst_socket_sendto(server->stack, server->socket, data, PAYLOAD, 0, &m.remote),
              "sendto");
    nst_stack_run(server->stack, 0, 0);
    nst_stack_run(client->stack, 0, 0);
    while (nst_socket_recv(client->stack, client->socket, data, PAYLOAD, 0) == PAYLOAD)
        echoed++;
    return echoed;
}

int main(int argc, char **argv)
{
    const char *flags = argc > 2 ? argv[2] : "";
    const int batch = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 32;
    const long rounds = (argc > 1 ? strtol(argv[1], NULL, 10) : 3200000) / batch;
    struct nst_link *links[2];
    uint64_t echoed = 0;

    const struct nst_pipe_config config = {
        .size = sizeof(config),
        .ethernet = strchr(flags, 'e') != NULL,
        .caps = strchr(flags, 'c') != NULL ? NST_LINK_CSUM_TX : 0,
        .addr = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}},
    };
    check(nst_pipe_new(&bench_allocator, &config, links), "pipe");
    struct end client = end_new(links[0], 1, 1000);
    struct end server = end_new(links[1], 2, 7);
    check(nst_socket_connect(client.stack, client.socket,
                             &(struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, 2), .port = 7}),
          "connect");
    if (strchr(flags, 'd') != NULL)
        check(nst_socket_connect(
                  server.stack, server.socket,
                  &(struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, 1), .port = 1000}),
              "connect");
    round_trip(&client, &server, 1); /* resolves */
    round_trip(&client, &server, 1);
    const double begin = seconds();
    for (long i = 0; i < rounds; i++)
        echoed += round_trip(&client, &server, batch);
    const double took = seconds() - begin;
    printf("%llu echoes, %.0f datagrams/s\n", (unsigned long long)echoed,
           2 * (double)echoed / took);
    nst_stack_free(client.stack);
    nst_stack_free(server.stack);
    nst_pipe_free(links);
    return echoed == (uint64_t)rounds * (uint64_t)batch ? 0 : 1;
}
