/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of any bytes, and a real one with some of its bytes changed: a replay ends, somehow.
 */
#include <stdlib.h>
#include <string.h>

#include <nicstack/host.h>
#include <nicstack/nic.h>
#include <nicstack/record.h>

#include "input.h"

static uint8_t real[1 << 20];
static size_t real_len;

static void append(const void *data, size_t len)
{
    if (len > sizeof(real) - real_len)
        abort();
    if (len > 0)
        memcpy(real + real_len, data, len);
    real_len += len;
}

static void put(void *context, const struct nst_iovec *head, const struct nst_iovec *pieces,
                size_t count)
{
    append(head->base, head->len);
    for (size_t i = 0; i < count; i++)
        append(pieces[i].base, pieces[i].len);
}

static void append_header(void)
{
    struct nst_record_header header = {.version = NST_RECORD_VERSION};
    memcpy(header.magic, NST_RECORD_MAGIC, sizeof(header.magic));
    real_len = 0;
    append(&header, sizeof(header));
}

/* A stream and a datagram over a loopback. */
static void use(struct nst_stack *stack, uint32_t nic)
{
    char data[3000] = "data";
    nst_socket listener, a, b, d;
    const struct nst_endpoint end = {.addr = nst_addr_v4(10, 0, 0, 1), .port = 80};
    const struct nst_nic_addr addr = {.addr = end.addr, .prefix_len = 24};
    nst_nic_addr_add(stack, nic, &addr);
    nst_socket_open(stack, NST_STREAM, &listener);
    nst_socket_bind(stack, listener, &end);
    nst_socket_listen(stack, listener, 4);
    nst_socket_open(stack, NST_STREAM, &a);
    nst_socket_connect(stack, a, &end);
    for (int i = 1; i < 8; i++)
        nst_stack_run(stack, i * NST_MSEC, 0);
    if (nst_socket_accept(stack, listener, &b, NULL) == 0) {
        nst_socket_send(stack, a, data, sizeof(data), 0);
        nst_stack_run(stack, 10 * NST_MSEC, 0);
        nst_socket_recv(stack, b, data, sizeof(data), 0);
        nst_socket_close(stack, b);
    }
    nst_socket_open(stack, NST_DATAGRAM, &d);
    nst_socket_sendto(stack, d, data, 100, 0, &end);
    nst_stack_run(stack, 2 * NST_SEC, 0);
}

static void record_real(void)
{
    struct nst_stack *stack;
    uint32_t nic;
    const struct nst_record_sink sink = {put, NULL};
    struct nst_link *link = nst_loopback_new(nst_host_allocator());
    const struct nst_stack_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .seed = {1}};
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = link};
    append_header();
    if (nst_stack_new(&config, &stack) < 0 || nst_record_start(stack, &sink) < 0 ||
        nst_nic_add(stack, &nc, &nic) < 0)
        abort();
    use(stack, nic);
    nst_stack_free(stack);
    nst_loopback_free(link);
}

static void replay(const uint8_t *data, size_t len)
{
    struct nst_replay *r;
    char text[600];
    size_t at = sizeof(struct nst_record_header), n;
    const struct nst_replay_config config = {
        .size = sizeof(config), .allocator = *nst_host_allocator(), .data = data, .len = len};
    while (at < len && (n = nst_record_len(data + at, len - at)) > 0) {
        nst_record_show(data + at, n, text, sizeof(text));
        at += n;
    }
    if (nst_replay_new(&config, &r) < 0)
        return;
    while (nst_replay_step(r))
        ;
    nst_replay_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[sizeof(real)];
    if (size == 0 || size > 100000)
        return 0;
    if (data[0] & 1) {
        append_header();
        append(data + 1, size - 1);
        memcpy(copy, real, real_len);
        replay(copy, real_len);
        return 0;
    }
    record_real();
    memcpy(copy, real, real_len);
    for (size_t i = 1; i + 4 <= size; i += 4)
        copy[(data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16) % real_len] =
            data[i + 3];
    replay(copy, real_len);
    return 0;
}
