/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP echo server in a stack of its own, and a client that asks it: the example of README.md. */
#include <nicstack/host.h>
#include <string.h>

int main(void)
{
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .now = nst_host_now()};
    struct nst_nic_config nic = {.size = sizeof(nic), .link = nst_loopback_new(&config.allocator)};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    const struct nst_endpoint echo = {.addr = addr.addr, .port = 7};
    struct nst_stack *stack;
    nst_socket listener, client, peer = 0;
    uint32_t id;
    if (nst_host_seed(config.seed) < 0 || nst_stack_new(&config, &stack) < 0 ||
        nst_nic_add(stack, &nic, &id) < 0 || nst_nic_addr_add(stack, id, &addr) < 0 ||
        nst_socket_open(stack, NST_STREAM, &listener) < 0 ||
        nst_socket_open(stack, NST_STREAM, &client) < 0 ||
        nst_socket_bind(stack, listener, &echo) < 0 || nst_socket_listen(stack, listener, 16) < 0)
        return 1;
    nst_socket_connect(stack, client, &echo);
    char data[8], answer[8] = "";
    int64_t n, sent = 0;
    while (nst_socket_recv(stack, client, answer, sizeof(answer) - 1, 0) <= 0) {
        nst_stack_run(stack, nst_host_now(), 0); /* where it would wait: nst_loop_turn */
        if (sent <= 0)
            sent = nst_socket_send(stack, client, "hello", 5, 0);
        if (peer == 0)
            nst_socket_accept(stack, listener, &peer, NULL);
        else if ((n = nst_socket_recv(stack, peer, data, sizeof(data), 0)) > 0)
            nst_socket_send(stack, peer, data, (size_t)n, 0);
    }
    nst_stack_free(stack);
    nst_loopback_free(nic.link);
    return strcmp(answer, "hello");
}
