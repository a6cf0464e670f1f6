/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a topology: it is read or the error has a place within the text; what is read is
 * written, and reads the same again; what is small is made and runs for a moment. */
#include <nicstack/host.h>
#include <nicstack/sim.h>

#include <stdlib.h>
#include <string.h>

#include "input.h"

#define WORLD_MAX 12 /* nodes, links, flows: larger ones are slow */

static void check_place(const uint8_t *data, size_t size, const struct nst_sim_error *error)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    check(error->line >= 1 && error->line <= lines && error->column >= 1);
    check(error->column <= size + 1 && error->text[0] != '\0');
    check(memchr(error->text, '\0', sizeof(error->text)) != NULL);
}

static char *write_text(const struct nst_sim_topology *t, size_t *ret_len)
{
    *ret_len = nst_sim_topology_write(t, NULL, 0);
    char *text = malloc(*ret_len + 1);
    check(text != NULL);
    check(nst_sim_topology_write(t, text, *ret_len + 1) == *ret_len);
    return text;
}

static void check_written(const struct nst_sim_topology *t)
{
    struct nst_sim_topology *again;
    struct nst_sim_error error;
    size_t len, len_again;
    char *text = write_text(t, &len);
    check(nst_sim_topology_new(nst_host_allocator(), &again) == 0);
    check(nst_sim_topology_read(again, text, len, &error) == 0);
    char *text_again = write_text(again, &len_again);
    check(len == len_again && memcmp(text, text_again, len) == 0);
    free(text);
    free(text_again);
    nst_sim_topology_free(again);
}

static void run(const struct nst_sim_topology *t)
{
    struct nst_sim_error error;
    struct nst_sim *sim;
    if (nst_sim_new(nst_host_allocator(), t, &error, &sim) < 0) {
        check(error.text[0] != '\0');
        return;
    }
    nst_sim_run(sim, NST_MSEC);
    nst_sim_free(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nst_sim_topology *t;
    struct nst_sim_error error;
    if (size > 4096 || nst_sim_topology_new(nst_host_allocator(), &t) < 0)
        return 0;
    if (nst_sim_topology_read(t, (const char *)data, size, &error) < 0) {
        check_place(data, size, &error);
    } else if (t->node_count < 500) {
        check_written(t);
        if (t->node_count <= WORLD_MAX && t->link_count <= WORLD_MAX && t->flow_count <= WORLD_MAX)
            run(t);
    }
    nst_sim_topology_free(t);
    return 0;
}
