/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst sim: runs a network in virtual time and tells how its flows went.
 */
#include "simulate/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/host.h>

#include "commands.h"
#include "tool/file.h"
#include "tool/options.h"
#include "tool/units.h"

#define SAMPLES  400
#define PATIENCE (1800 * NST_SEC)

#define AT(member) offsetof(struct sim_options, member)

static const struct option_spec specs[] = {
    {"capture", 'w', OPTION_TEXT, "FILE", "write the frames of all links into a pcapng file",
     AT(capture)},
    {"link", 'l', OPTION_TEXT, "A--B", "of this link only", AT(links)},
    {"plot", 0, OPTION_TEXT, "FILE", "goodput, windows, round trips and queues over time, an SVG",
     AT(plot)},
    {"seed", 0, OPTION_NUMBER, "N", "instead of the topology's", AT(seed)},
    {"duration", 0, OPTION_TIMES, "TIME", "instead of the topology's", AT(duration)},
    {"settle", 0, OPTION_FLAG, NULL, "then end all flows, and check that nothing is left",
     AT(settle)},
    {"print", 0, OPTION_FLAG, NULL, "print the topology, and do not run it", AT(print)},
    {"random", 'r', OPTION_TEXT, "SEED", "a random world instead of a topology", AT(random_text)},
    {"worlds", 'n', OPTION_NUMBER, "N", "so many random worlds, from --random SEED on", AT(worlds)},
    {"json", 'j', OPTION_FLAG, NULL, "results as JSON", AT(json)},
    {"pretty", 'p', OPTION_FLAG, NULL, "indented", AT(pretty)},
    {"quiet", 'q', OPTION_FLAG, NULL, "faults alone", AT(quiet)},
    {"verbose", 'v', OPTION_FLAG, NULL, "how many events there were, and how long it took",
     AT(verbose)},
    {"help", 'h', OPTION_FLAG, NULL, "this", AT(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

static int usage(void)
{
    printf(
        "usage: nst sim [options] TOPOLOGY\n"
        "       nst sim [options] --random SEED\n\n"
        "Runs a network of nicstack's stacks in virtual time. TOPOLOGY is a file, - is stdin.\n\n");
    options_print(specs);
    printf(
        "\nExit status: 0 all is well, 1 something happened that must not, 2 the command line or "
        "the\ntopology is wrong.\n");
    return 0;
}

static int read_file(const char *name, struct nst_sim_topology *topology)
{
    size_t len = 0;
    struct nst_sim_error error;
    char *text = file_read(name, FILE_ANY_SIZE, &len);
    if (text == NULL) {
        fprintf(stderr, "nst sim: cannot read %s: %s\n", name, strerror(errno));
        return 2;
    }
    const int r = nst_sim_topology_read(topology, text, len, &error);
    free(text);
    if (r < 0)
        fprintf(stderr, "%s:%u:%u: %s\n", strcmp(name, "-") == 0 ? "stdin" : name, error.line,
                error.column, error.text);
    return r < 0 ? 2 : 0;
}

static int print(const struct nst_sim_topology *topology)
{
    const size_t len = nst_sim_topology_write(topology, NULL, 0);
    char *text = malloc(len + 1);
    if (text == NULL)
        return 2;
    nst_sim_topology_write(topology, text, len + 1);
    fputs(text, stdout);
    free(text);
    return 0;
}

/* Runs up to the end, in steps where samples are wanted. */
static void run(struct nst_sim *sim, nst_time duration, struct sim_samples *samples)
{
    if (samples == NULL) {
        nst_sim_run(sim, duration);
        return;
    }
    for (uint32_t i = 1; i <= SAMPLES; i++) {
        nst_sim_run(sim, duration / SAMPLES * i);
        sim_samples_take(samples, sim);
    }
    nst_sim_run(sim, duration);
}

static bool finish(struct nst_sim *sim, const struct nst_sim_topology *topology,
                   const struct sim_options *o, struct sim_samples *samples)
{
    if (o->settle)
        nst_sim_settle(sim, PATIENCE);
    sim_report(sim, topology, o);
    bool ok = nst_sim_get_fault(sim, 0) == NULL;
    if (samples != NULL && !sim_samples_plot(samples, topology, o->plot))
        ok = false;
    return ok;
}

static int run_world(const struct nst_sim_topology *topology, const struct sim_options *o)
{
    struct nst_sim_error error;
    struct nst_sim *sim;
    if (nst_sim_new(nst_host_allocator(), topology, &error, &sim) < 0) {
        fprintf(stderr, "nst sim: %s\n", error.text);
        return 2;
    }
    struct sim_capture *capture = NULL;
    struct sim_samples *samples = NULL;
    bool ok = true;
    if (o->capture != NULL) {
        capture = sim_capture_open(sim, topology, o->capture, o->links);
        ok = capture != NULL;
    }
    if (ok && o->plot != NULL) {
        samples = sim_samples_new(topology, SAMPLES);
        ok = samples != NULL;
        if (!ok)
            fprintf(stderr, "nst sim: no memory for the plot %s (ENOMEM): free some\n", o->plot);
    }
    if (ok) {
        const nst_time began = nst_host_now();
        run(sim, nst_sim_duration(sim), samples);
        ok = finish(sim, topology, o, samples);
        if (o->verbose)
            fprintf(stderr, "nst sim: %llu events in %.3f s\n",
                    (unsigned long long)nst_sim_events(sim),
                    (double)(nst_host_now() - began) / (double)NST_SEC);
    }
    nst_sim_free(sim);
    sim_samples_free(samples);
    return sim_capture_close(capture) && ok ? 0 : 1;
}

static int make_and_run(const struct sim_options *o, const char *file)
{
    struct nst_sim_topology *topology;
    if (nst_sim_topology_new(nst_host_allocator(), &topology) < 0)
        return 2;
    int status = 0;
    if (file != NULL)
        status = read_file(file, topology);
    else if (nst_sim_topology_random(topology, o->random) < 0)
        status = 2;
    if (o->seed != 0)
        topology->seed = o->seed;
    if (o->duration[0] != 0)
        topology->duration = o->duration[0];
    if (status == 0)
        status = o->print ? print(topology) : run_world(topology, o);
    nst_sim_topology_free(topology);
    return status;
}

/* What is given has to go together. */
static bool check(struct sim_options *o, const char *file)
{
    if (o->random_text != NULL && !units_parse_number(o->random_text, &o->random)) {
        fprintf(stderr, "nst sim: --random %s: is no number, such as 7\n", o->random_text);
        return false;
    }
    if ((o->random_text != NULL || o->worlds != 0) == (file != NULL)) {
        fprintf(stderr, "nst sim: name one topology, or --random SEED; see nst sim --help\n");
        return false;
    }
    if (o->links != NULL && o->capture == NULL) {
        fprintf(stderr, "nst sim: --link says what --capture FILE is to have; give both\n");
        return false;
    }
    return true;
}

/* Options, a topology, and more options. False: it said what is wrong. */
static bool parse(int argc, char **argv, struct sim_options *o, const char **ret_file)
{
    int i = options_parse(specs, "nst sim", argc, argv, o);
    *ret_file = NULL;
    if (i >= 0 && i < argc) {
        *ret_file = argv[i];
        const int more = options_parse(specs, "nst sim", argc - i, argv + i, o);
        i = more < 0 ? more : i + more;
    }
    if (i >= 0 && i < argc)
        fprintf(stderr, "nst sim: %s: one topology at a time; see nst sim --help\n", argv[i]);
    return i == argc;
}

int command_sim(int argc, char **argv)
{
    struct sim_options o = {0};
    const char *file;
    if (!parse(argc, argv, &o, &file))
        return 2;
    if (o.help)
        return usage();
    if (!check(&o, file))
        return 2;
    if (o.worlds != 0)
        return sim_worlds(&o);
    if (o.random_text != NULL)
        o.settle = true;
    return make_and_run(&o, file);
}
