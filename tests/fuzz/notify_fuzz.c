/* SPDX-License-Identifier: Apache-2.0 */
/* What a program says about its sockets: addresses and message headers of any bytes. */
#include <stddef.h>
#include <sys/socket.h>

#include "../../cli/notify/notify_address.h"
#include "../../cli/notify/notify_message.h"
#include "input.h"

static void try_address(int family, const uint8_t *data, size_t size)
{
    uint8_t bytes[NOTIFY_ADDRESS_MAX];
    struct nst_endpoint end, again;
    notify_address_is_name_service(data, size);
    if (notify_address_parse(family, data, size, &end) < 0)
        return;
    const size_t len = notify_address_build(family, &end, bytes);
    check(len <= NOTIFY_ADDRESS_MAX && notify_address_parse(family, bytes, len, &again) == 0);
    check(again.port == end.port);
    check(memcmp(&again.addr, &end.addr, sizeof(end.addr)) == 0);
}

static void try_message(struct input *in)
{
    const uint8_t *data;
    uint8_t bytes[sizeof(struct msghdr)] = {0};
    struct notify_message message;
    const size_t n = input_take(in, sizeof(bytes), &data);
    memcpy(bytes, data, n);
    if (notify_message_parse(bytes, &message) == 0)
        check(message.piece_count <= NOTIFY_PIECES_MAX);
}

static void try_pieces(struct input *in)
{
    struct iovec pieces[16];
    const size_t count = input_take8(in) % 17, max = input_take16(in);
    size_t size, sum = 0;
    for (size_t i = 0; i < count; i++)
        pieces[i].iov_len = (size_t)((uint64_t)input_take32(in) << (input_take8(in) % 33));
    if (notify_message_measure(pieces, count, max, &size) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        sum += pieces[i].iov_len;
    check(sum == (size < max ? size : max));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    switch (input_take8(&in) % 4) {
    case 0:
        try_address(AF_INET, in.data, in.left);
        break;
    case 1:
        try_address(AF_INET6, in.data, in.left);
        break;
    case 2:
        try_message(&in);
        break;
    default:
        try_pieces(&in);
        break;
    }
    return 0;
}
