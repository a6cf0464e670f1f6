/* SPDX-License-Identifier: Apache-2.0 */
/* See pcap_file.h. */
#include "tool/pcap_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pcapng.h"

#define SNAPLEN    262144 /* that is promised: nothing is cut */
#define ROOM_FIRST 65536

struct pcap_file {
    FILE *out;
    uint32_t interface_count;
    int error;              /* errno */
    uint8_t *bytes, *block; /* of a packet */
    size_t room;            /* of bytes; block has PCAPNG_OVERHEAD more */
};

void pcap_file_fail(struct pcap_file *f, int error)
{
    if (f->error == 0)
        f->error = error != 0 ? error : EIO;
}

/* Room for a packet of `len` bytes. */
static bool make_room(struct pcap_file *f, size_t len)
{
    if (len <= f->room && f->block != NULL)
        return true;
    free(f->bytes);
    free(f->block);
    f->room = len + ROOM_FIRST;
    f->bytes = malloc(f->room);
    f->block = malloc(f->room + PCAPNG_OVERHEAD);
    if (f->bytes != NULL && f->block != NULL)
        return true;
    f->room = 0;
    pcap_file_fail(f, ENOMEM);
    return false;
}

static void begin_block(const struct pcap_file *f, struct pcapng *block)
{
    pcapng_init(block, f->block, f->room + PCAPNG_OVERHEAD);
}

static void end_block(struct pcap_file *f, const struct pcapng *block)
{
    if (f->error == 0 && fwrite(block->data, 1, block->len, f->out) != block->len)
        pcap_file_fail(f, errno);
}

struct pcap_file *pcap_file_new(const char *path, const char *application)
{
    struct pcapng block;
    struct pcap_file *f = calloc(1, sizeof(*f));
    if (f != NULL && make_room(f, 0))
        f->out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (f == NULL || f->out == NULL) {
        const int error = errno;
        pcap_file_free(f);
        errno = error;
        return NULL;
    }
    begin_block(f, &block);
    pcapng_section(&block, NULL, NULL, application);
    end_block(f, &block);
    return f;
}

uint32_t pcap_file_add_interface(struct pcap_file *f, const char *name, bool ethernet)
{
    struct pcapng block;
    const struct pcapng_interface interface = {
        .link = ethernet ? PCAPNG_ETHERNET : PCAPNG_RAW_IP, .snaplen = SNAPLEN, .name = name};
    if (f->error == 0) {
        begin_block(f, &block);
        pcapng_interface(&block, &interface);
        end_block(f, &block);
    }
    return f->interface_count++;
}

void pcap_file_write(struct pcap_file *f, const struct pcap_file_packet *p)
{
    struct pcapng block;
    const uint32_t len = p->packet->len;
    if (f->error != 0 || !make_room(f, len))
        return;
    struct pcapng_packet packet = {
        .interface = p->interface,
        .direction = p->outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
        .time = p->time,
        .captured = nst_pkt_copy_out(p->packet, 0, f->bytes, len),
        .len = len,
        .data = f->bytes,
    };
    if (p->comment != NULL)
        packet.comments[packet.comment_count++] = p->comment;
    begin_block(f, &block);
    pcapng_packet(&block, &packet);
    end_block(f, &block);
}

int pcap_file_free(struct pcap_file *f)
{
    if (f == NULL)
        return 0;
    if (f->out != NULL && (f->out == stdout ? fflush(stdout) : fclose(f->out)) != 0)
        pcap_file_fail(f, errno);
    const int error = f->error;
    free(f->bytes);
    free(f->block);
    free(f);
    return error;
}
