/* SPDX-License-Identifier: Apache-2.0 */
/* nst sim: what its files share. */
#ifndef NICSTACK_CLI_SIMULATE_SIM_H
#define NICSTACK_CLI_SIMULATE_SIM_H

#include <nicstack/sim.h>

#include <stdio.h>

struct sim_options {
    const char *capture, *plot, *links;
    uint64_t seed, worlds, random;
    const char *random_text;
    nst_time duration[2];
    bool json, pretty, settle, print, quiet, verbose, help;
};

/* Samples over time, for plots. */
struct sim_samples;

/* ---- sim_report.c ---- */

/* Flows, links and faults, as tables or as one JSON object, on stdout. */
void sim_report(struct nst_sim *sim, const struct nst_sim_topology *topology,
                const struct sim_options *options);

/* ---- sim_capture.c ---- */

struct sim_capture;

/* Captures the links whose name ("a--b") is `name`, or all (NULL), into a pcapng file. NULL: it
 * said on stderr why not. */
struct sim_capture *sim_capture_open(struct nst_sim *sim, const struct nst_sim_topology *topology,
                                     const char *file, const char *name);
/* False: the file is not whole; it said so. NULL is fine. */
bool sim_capture_close(struct sim_capture *capture);

/* ---- sim_plot.c ---- */

/* Room for `count` samples of every flow and link. NULL: no memory. */
struct sim_samples *sim_samples_new(const struct nst_sim_topology *topology, uint32_t count);
/* Takes one. */
void sim_samples_take(struct sim_samples *samples, struct nst_sim *sim);
/* Writes an SVG: goodput, congestion window and round-trip time of flows, queues of links. False:
 * it said on stderr why not. */
bool sim_samples_plot(const struct sim_samples *samples, const struct nst_sim_topology *topology,
                      const char *file);
void sim_samples_free(struct sim_samples *samples);

/* ---- sim_worlds.c ---- */

/* Random worlds from a seed on; the exit status. */
int sim_worlds(const struct sim_options *options);

#endif
