/* SPDX-License-Identifier: Apache-2.0 */
/* See replay_capture.h. */
#include "replay/replay_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <nicstack/trace.h>

#include "attach/attach_text.h"
#include "tool/pcap_file.h"

struct replay_capture {
    const char *path;
    struct pcap_file *file;
    struct nst_record_header header;
    uint32_t *nics; /* whose interface has the number of the place */
    uint32_t count, room;
};

struct replay_capture *replay_capture_new(const char *path, const struct nst_record_header *header)
{
    struct replay_capture *c = calloc(1, sizeof(*c));
    if (c != NULL)
        c->file = pcap_file_new(path, "nst replay");
    if (c == NULL || c->file == NULL) {
        fprintf(stderr, "nst replay: cannot write %s (%s): choose another place\n", path,
                attach_text_errno(errno));
        free(c);
        return NULL;
    }
    c->path = path;
    c->header = *header;
    return c;
}

/* Room for one more NIC. */
static bool make_room(struct replay_capture *c)
{
    if (c->count < c->room)
        return true;
    const uint32_t room = c->room != 0 ? c->room * 2 : 16;
    uint32_t *nics = realloc(c->nics, room * sizeof(*nics));
    if (nics == NULL) {
        pcap_file_fail(c->file, ENOMEM);
        return false;
    }
    c->nics = nics;
    c->room = room;
    return true;
}

/* The interface of a NIC, which is described before its first packet. False: no memory. */
static bool get_interface(struct replay_capture *c, const struct nst_replay_packet *p,
                          uint32_t *ret_interface)
{
    char name[24];
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->nics[i] == p->nic) {
            *ret_interface = i;
            return true;
        }
    }
    if (!make_room(c))
        return false;
    snprintf(name, sizeof(name), "nic%u", p->nic);
    c->nics[c->count++] = p->nic;
    *ret_interface = pcap_file_add_interface(c->file, name, p->ethernet);
    return true;
}

void replay_capture_see(struct replay_capture *c, const struct nst_replay_packet *p)
{
    struct pcap_file_packet packet = {
        .packet = p->packet,
        .outgoing = p->outgoing,
        .time = (uint64_t)(c->header.epoch + p->time - c->header.started),
    };
    if (p->outgoing && p->packet->note != NST_NOTE_NONE)
        packet.comment = nst_note_name(p->packet->note);
    if (get_interface(c, p, &packet.interface))
        pcap_file_write(c->file, &packet);
}

bool replay_capture_free(struct replay_capture *c)
{
    if (c == NULL)
        return true;
    const int error = pcap_file_free(c->file);
    if (error != 0)
        fprintf(stderr, "nst replay: cannot write all of %s (%s): free some space\n", c->path,
                attach_text_errno(error));
    free(c->nics);
    free(c);
    return error == 0;
}
