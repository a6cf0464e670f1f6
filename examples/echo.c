/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP echo server in a stack of its own, and a client that asks it: the example of README.md. */
#include <nicstack/host.h>
#include <string.h>

int main(void)
{
    struct nst_stack_config config = {.size = sizeof(config), .allocator = *nst_host_allocator()};
    struct nst_nic_config nic = {.size = sizeof(nic), .link = nst_loopback_new(&config.allocator)};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    const struct nst_endpoint echo = {.addr = addr.addr, .port = 7};
    nst_socket server, client, peer = 0;
    struct nst_stack *stack;
    if (nst_host_seed(config.seed) < 0 || nst_stack_new(&config, &stack) < 0 ||
        nst_nic_add(stack, &nic, NULL) < 0 || nst_nic_addr_add(stack, 1, &addr) < 0 ||
        nst_socket_open(stack, NST_STREAM, &server) < 0 ||
        nst_socket_bind(stack, server, &echo) < 0 || nst_socket_listen(stack, server, 16) < 0 ||
        nst_socket_open(stack, NST_STREAM, &client) < 0 ||
        nst_socket_connect(stack, client, &echo) != -NST_EINPROGRESS)
        return 1;
    char data[64], answer[64] = "";
    for (int64_t n; nst_socket_recv(stack, client, answer, sizeof(answer) - 1, 0) <= 0;) {
        nst_stack_run(stack, nst_host_now(), 0); /* where it would wait: nst_loop_turn */
        if (peer == 0 && nst_socket_accept(stack, server, &peer, NULL) == 0)
            nst_socket_send(stack, client, "hello", 5, 0);
        else if ((n = nst_socket_recv(stack, peer, data, sizeof(data), 0)) > 0)
            nst_socket_send(stack, peer, data, (size_t)n, 0);
    }
    nst_stack_free(stack);
    nst_loopback_free(nic.link);
    return strcmp(answer, "hello");
}
