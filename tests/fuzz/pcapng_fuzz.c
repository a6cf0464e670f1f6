/* SPDX-License-Identifier: Apache-2.0 */
/* Reading blocks of any bytes; and what is built of them comes back. */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "wire/pcapng.h"

static void read_all(const uint8_t *data, size_t len)
{
    struct pcapng_block block;
    struct pcapng_packet packet;
    struct pcapng_statistics statistics;
    uint16_t link;
    char name[8];
    for (size_t at = 0; pcapng_read(data + at, len - at, &block) > 0; at += block.len) {
        if (pcapng_read_packet(&block, &packet)) {
            volatile uint8_t last = packet.captured > 0 ? packet.data[packet.captured - 1] : 0;
            for (unsigned i = 0; i < packet.comment_count; i++)
                if (packet.comment_len[i] > 0)
                    last = (uint8_t)packet.comments[i][packet.comment_len[i] - 1];
            (void)last;
        }
        pcapng_read_statistics(&block, &statistics);
        if (pcapng_read_interface(&block, &link, name, sizeof(name)) &&
            strlen(name) >= sizeof(name))
            abort();
    }
}

/* A packet with a comment of these bytes. */
static void build(const uint8_t *data, size_t size)
{
    static uint8_t out[PCAPNG_OVERHEAD + 4096];
    char comment[2048];
    struct pcapng p;
    struct pcapng_block block;
    struct pcapng_packet back;
    const size_t n = size < sizeof(comment) - 1 ? size : sizeof(comment) - 1;
    memcpy(comment, data, n);
    comment[n] = '\0';
    const struct pcapng_packet packet = {
        .captured = (uint32_t)(size < 4096 ? size : 4096),
        .len = (uint32_t)size,
        .data = data,
        .comment_count = 1,
        .comments = {comment},
    };
    pcapng_init(&p, out, sizeof(out));
    pcapng_packet(&p, &packet);
    if (p.full || pcapng_read(out, p.len, &block) != (int)p.len ||
        !pcapng_read_packet(&block, &back) || back.captured != packet.captured ||
        memcmp(back.data, data, back.captured) != 0 || back.comment_count != 1)
        abort();
    for (unsigned i = 0; i < back.comment_len[0]; i++)
        if (back.comments[0][i] < 0x20 || back.comments[0][i] > 0x7e)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(data, size);
    build(data, size);
    return 0;
}
