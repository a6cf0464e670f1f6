/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds, one seed after the other. One that fails is made smaller while it still does, and
 * printed as a topology, with the commands that repeat it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <nicstack/host.h>

#include "sim/shrink.h"
#include "simulate/sim.h"
#include "tool/json.h"

#define PATIENCE (1800 * NST_SEC)
#define TRIES    400 /* runs to shrink one */

struct outcome {
    bool ok;
    uint64_t events, bytes;
    char fault[NST_SIM_ERROR_TEXT];
};

static void run_one(const struct nst_sim_topology *t, struct outcome *ret)
{
    struct nst_sim_error error;
    struct nst_sim *sim;
    struct nst_sim_flow_result flow;
    *ret = (struct outcome){.ok = true};
    if (nst_sim_new(nst_host_allocator(), t, &error, &sim) < 0) {
        ret->ok = false;
        snprintf(ret->fault, sizeof(ret->fault), "%s", error.text);
        return;
    }
    nst_sim_run(sim, nst_sim_duration(sim));
    ret->ok = nst_sim_settle(sim, PATIENCE);
    ret->events = nst_sim_events(sim);
    for (uint32_t i = 0; nst_sim_get_flow(sim, i, &flow); i++)
        ret->bytes += flow.received;
    if (!ret->ok)
        snprintf(ret->fault, sizeof(ret->fault), "%s", nst_sim_get_fault(sim, 0));
    nst_sim_free(sim);
}

static bool fails(void *context, const struct nst_sim_topology *t)
{
    struct outcome outcome;
    (void)context;
    run_one(t, &outcome);
    return !outcome.ok;
}

static void print_smaller(struct nst_sim_topology *t, uint64_t seed)
{
    struct outcome outcome;
    const uint32_t tries = sim_shrink(t, fails, NULL, TRIES);
    run_one(t, &outcome);
    const size_t len = nst_sim_topology_write(t, NULL, 0);
    char *text = malloc(len + 1);
    if (text == NULL)
        return;
    nst_sim_topology_write(t, text, len + 1);
    fprintf(stderr,
            "# repeat: nst sim --random %llu\n"
            "# smaller, after %u runs; save it and repeat: nst sim --settle FILE\n# %s\n%s",
            (unsigned long long)seed, tries, outcome.fault, text);
    free(text);
}

/* One world. False: it failed, and was printed. */
static bool try_seed(uint64_t seed, struct outcome *sum)
{
    struct nst_sim_topology *t;
    struct outcome outcome = {0};
    if (nst_sim_topology_new(nst_host_allocator(), &t) < 0)
        return false;
    if (nst_sim_topology_random(t, seed) == 0)
        run_one(t, &outcome);
    sum->events += outcome.events;
    sum->bytes += outcome.bytes;
    if (!outcome.ok) {
        fprintf(stderr, "nst sim: world %llu: %s\n", (unsigned long long)seed, outcome.fault);
        print_smaller(t, seed);
    }
    nst_sim_topology_free(t);
    return outcome.ok;
}

int sim_worlds(const struct sim_options *options)
{
    struct outcome sum = {0};
    uint64_t failed = 0;
    const bool is_terminal = isatty(2) && !options->quiet;
    for (uint64_t i = 0; i < options->worlds; i++) {
        if (is_terminal)
            fprintf(stderr, "\rworld %" PRIu64, options->random + i);
        failed += try_seed(options->random + i, &sum) ? 0 : 1;
    }
    if (is_terminal)
        fprintf(stderr, "\r\033[K");
    if (options->json) {
        struct json j = {.out = stdout, .is_pretty = options->pretty};
        json_begin(&j, NULL, '{');
        json_number(&j, "worlds", options->worlds);
        json_number(&j, "failed", failed);
        json_number(&j, "events", sum.events);
        json_number(&j, "bytes", sum.bytes);
        json_end(&j, '}');
    } else if (!options->quiet) {
        printf("%llu worlds, %llu failed, %llu events, %llu bytes checked\n",
               (unsigned long long)options->worlds, (unsigned long long)failed,
               (unsigned long long)sum.events, (unsigned long long)sum.bytes);
    }
    return failed == 0 ? 0 : 1;
}
