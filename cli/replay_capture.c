/* SPDX-License-Identifier: Apache-2.0 */
/* See replay_capture.h. */
#include "replay_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach_text.h"
#include <nicstack/trace.h>

#include "wire/pcapng.h"

#define NICS_MAX 256

struct replay_capture {
    const char *path;
    FILE *file;
    struct nst_record_header header;
    uint32_t nics[NICS_MAX]; /* whose interface has the number of the place */
    uint32_t nic_count;
    int error; /* errno */
    uint8_t *bytes, *block;
    size_t room; /* of bytes; block has PCAPNG_OVERHEAD more */
};

static void keep_error(struct replay_capture *c)
{
    if (c->error == 0)
        c->error = errno != 0 ? errno : EIO;
}

static void write_out(struct replay_capture *c, const struct pcapng *out)
{
    if (!out->full && fwrite(out->data, 1, out->len, c->file) != out->len)
        keep_error(c);
}

/* Room for a packet of `len` bytes. */
static bool make_room(struct replay_capture *c, size_t len)
{
    if (len <= c->room && c->bytes != NULL)
        return true;
    free(c->bytes);
    free(c->block);
    c->room = len + 65536;
    c->bytes = malloc(c->room);
    c->block = malloc(c->room + PCAPNG_OVERHEAD);
    if (c->bytes != NULL && c->block != NULL)
        return true;
    c->room = 0;
    c->error = ENOMEM;
    return false;
}

struct replay_capture *replay_capture_new(const char *path, const struct nst_record_header *header)
{
    struct pcapng out;
    struct replay_capture *c = calloc(1, sizeof(*c));
    if (c != NULL)
        c->file = fopen(path, "we");
    if (c == NULL || c->file == NULL) {
        fprintf(stderr, "nst replay: cannot write %s (%s): choose another place\n", path,
                attach_text_errno(errno));
        free(c);
        return NULL;
    }
    c->path = path;
    c->header = *header;
    if (make_room(c, 0)) {
        pcapng_init(&out, c->block, c->room + PCAPNG_OVERHEAD);
        pcapng_section(&out, NULL, NULL, "nst replay");
        write_out(c, &out);
    }
    return c;
}

/* The interface of a NIC, which is described before its first packet. */
static uint32_t interface_of(struct replay_capture *c, const struct nst_replay_packet *p)
{
    struct pcapng out;
    char name[24];
    for (uint32_t i = 0; i < c->nic_count; i++)
        if (c->nics[i] == p->nic)
            return i;
    if (c->nic_count == NICS_MAX)
        return NICS_MAX - 1;
    c->nics[c->nic_count] = p->nic;
    snprintf(name, sizeof(name), "nic%u", p->nic);
    const struct pcapng_interface interface = {
        .link = p->ethernet ? PCAPNG_ETHERNET : PCAPNG_RAW_IP, .snaplen = 262144, .name = name};
    pcapng_init(&out, c->block, c->room + PCAPNG_OVERHEAD);
    pcapng_interface(&out, &interface);
    write_out(c, &out);
    return c->nic_count++;
}

void replay_capture_see(struct replay_capture *c, const struct nst_replay_packet *p)
{
    struct pcapng out;
    if (c->error != 0 || !make_room(c, p->packet->len))
        return;
    struct pcapng_packet packet = {
        .interface = interface_of(c, p),
        .direction = p->outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
        .time = (uint64_t)(c->header.epoch + p->time - c->header.started),
        .captured = nst_pkt_copy_out(p->packet, 0, c->bytes, p->packet->len),
        .len = p->packet->len,
        .data = c->bytes,
    };
    const char *note = nst_note_name(p->packet->note);
    if (p->outgoing && note[0] != 0)
        packet.comments[packet.comment_count++] = note;
    pcapng_init(&out, c->block, c->room + PCAPNG_OVERHEAD);
    pcapng_packet(&out, &packet);
    write_out(c, &out);
}

bool replay_capture_free(struct replay_capture *c)
{
    if (c == NULL)
        return true;
    if (fclose(c->file) != 0)
        keep_error(c);
    if (c->error != 0)
        fprintf(stderr, "nst replay: cannot write all of %s (%s): free some space\n", c->path,
                attach_text_errno(c->error));
    const bool is_whole = c->error == 0;
    free(c->bytes);
    free(c->block);
    free(c);
    return is_whole;
}
