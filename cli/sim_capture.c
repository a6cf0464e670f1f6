/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of a world's links: an interface a link, seen from its first end. Times are the world's,
 * so a file begins at 1970. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/host.h>
#include <nicstack/trace.h>

#include "sim.h"
#include "wire/pcapng.h"

#define SNAPLEN 65600

struct sim_capture {
    FILE *out;
    const char *file;
    struct nst_sim *sim;
    uint32_t *interface; /* by link, from 1; 0: it is not captured */
    int error;           /* errno */
    uint8_t data[SNAPLEN];
    uint8_t block[SNAPLEN + PCAPNG_OVERHEAD];
};

static void write_block(struct sim_capture *c, const struct pcapng *block)
{
    if (c->error == 0 && fwrite(block->data, 1, block->len, c->out) != block->len)
        c->error = errno != 0 ? errno : EIO;
}

static void see(void *context, uint32_t link, const struct nst_pkt *p, bool outgoing)
{
    struct sim_capture *c = context;
    struct pcapng block;
    const uint32_t n = nst_pkt_copy_out(p, 0, c->data, sizeof(c->data));
    struct pcapng_packet packet = {
        .interface = c->interface[link] - 1,
        .direction = outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
        .time = (uint64_t)nst_sim_now(c->sim),
        .captured = n,
        .len = p->len,
        .data = c->data,
    };
    if (outgoing && p->note != NST_NOTE_NONE)
        packet.comments[packet.comment_count++] = nst_note_text(p->note);
    pcapng_init(&block, c->block, sizeof(c->block));
    pcapng_packet(&block, &packet);
    write_block(c, &block);
}

static void write_interface(struct sim_capture *c, const char *name)
{
    struct pcapng block;
    const struct pcapng_interface interface = {
        .link = PCAPNG_ETHERNET, .snaplen = SNAPLEN, .name = name};
    pcapng_init(&block, c->block, sizeof(c->block));
    pcapng_interface(&block, &interface);
    write_block(c, &block);
}

/* How many links are captured. */
static uint32_t add_links(struct sim_capture *c, const struct nst_sim_topology *t, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->link_count; i++) {
        char own[2 * NST_SIM_NAME_MAX + 3];
        snprintf(own, sizeof(own), "%s--%s", t->nodes[t->links[i].from].name,
                 t->nodes[t->links[i].to].name);
        if (name != NULL && strcmp(name, own) != 0)
            continue;
        c->interface[i] = ++count;
        write_interface(c, own);
        nst_sim_watch(c->sim, i, see, c);
    }
    return count;
}

struct sim_capture *sim_capture_open(struct nst_sim *sim, const struct nst_sim_topology *topology,
                                     const char *file, const char *name)
{
    struct sim_capture *c = calloc(1, sizeof(*c));
    struct pcapng block;
    if (c == NULL)
        return NULL;
    c->sim = sim;
    c->file = file;
    c->interface = calloc(topology->link_count + 1, sizeof(*c->interface));
    c->out = strcmp(file, "-") == 0 ? stdout : fopen(file, "wb");
    if (c->out == NULL || c->interface == NULL) {
        fprintf(stderr, "nst sim: cannot write %s: %s\n", file, strerror(errno));
        free(c->interface);
        free(c);
        return NULL;
    }
    pcapng_init(&block, c->block, sizeof(c->block));
    pcapng_section(&block, NULL, NULL, "nst sim " NST_VERSION_STRING);
    write_block(c, &block);
    if (add_links(c, topology, name) > 0)
        return c;
    fprintf(stderr, "nst sim: there is no link %s; write it as its line in the topology has it\n",
            name != NULL ? name : "to capture");
    sim_capture_close(c);
    return NULL;
}

bool sim_capture_close(struct sim_capture *capture)
{
    if (capture == NULL)
        return true;
    const int r = capture->out == stdout ? fflush(stdout) : fclose(capture->out);
    const int error = capture->error != 0 ? capture->error : r != 0 ? errno : 0;
    if (error != 0)
        fprintf(stderr, "nst sim: cannot write all of %s: %s\n", capture->file, strerror(error));
    free(capture->interface);
    free(capture);
    return error == 0;
}
