/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of a world's links: an interface a link, seen from its first end. Times are the world's,
 * so a file begins at 1970. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/trace.h>

#include "simulate/sim.h"
#include "tool/pcap_file.h"

struct sim_capture {
    const char *path;
    struct pcap_file *file;
    struct nst_sim *sim;
    uint32_t *interface; /* by link, of those that are captured */
};

static void see(void *context, uint32_t link, const struct nst_pkt *p, bool outgoing)
{
    const struct sim_capture *c = context;
    const struct pcap_file_packet packet = {
        .packet = p,
        .time = (uint64_t)nst_sim_now(c->sim),
        .interface = c->interface[link],
        .outgoing = outgoing,
        .comment = outgoing && p->note != NST_NOTE_NONE ? nst_note_text(p->note) : NULL,
    };
    pcap_file_write(c->file, &packet);
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
        c->interface[i] = pcap_file_add_interface(c->file, own, true);
        count++;
        nst_sim_watch(c->sim, i, see, c);
    }
    return count;
}

struct sim_capture *sim_capture_open(struct nst_sim *sim, const struct nst_sim_topology *topology,
                                     const char *file, const char *name)
{
    struct sim_capture *c = calloc(1, sizeof(*c));
    if (c != NULL) {
        c->sim = sim;
        c->path = file;
        c->interface = calloc(topology->link_count + 1, sizeof(*c->interface));
    }
    if (c != NULL && c->interface != NULL)
        c->file = pcap_file_new(file, "nst sim " NST_VERSION_STRING);
    if (c == NULL || c->file == NULL) {
        fprintf(stderr, "nst sim: cannot write %s: %s\n", file, strerror(errno));
        sim_capture_close(c);
        return NULL;
    }
    if (add_links(c, topology, name) > 0)
        return c;
    fprintf(stderr, "nst sim: there is no link %s; write it as its line in the topology has it\n",
            name != NULL ? name : "to capture");
    sim_capture_close(c);
    return NULL;
}

bool sim_capture_close(struct sim_capture *c)
{
    if (c == NULL)
        return true;
    const int error = pcap_file_free(c->file);
    if (error != 0)
        fprintf(stderr, "nst sim: cannot write all of %s: %s\n", c->path, strerror(error));
    free(c->interface);
    free(c);
    return error == 0;
}
