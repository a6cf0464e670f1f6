/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run was: flows, bytes, names, round trips, retransmissions, drops; as a line for people or
 * as one JSON object.
 */
#ifndef NICSTACK_CLI_RUN_SUMMARY_H
#define NICSTACK_CLI_RUN_SUMMARY_H

#include <stdio.h>

#include <nicstack/host.h>

#define SUMMARY_NAMES_MAX 256

struct summary {
    const char *attached; /* "tun" or "veth" */
    int exit_status;
    nst_time begun, ended;
    struct nst_gateway_stats gateway;
    bool is_impaired;
    struct nst_impair_stats impairments; /* both ways together */
    uint64_t denied;                     /* flows that the options refused */
    uint64_t overrun; /* packets that came faster than the link could hold them */
    uint64_t retransmits;
    nst_time srtt_min; /* over all TCP flows; 0: unknown */
    nst_time srtt_max;
    unsigned name_count;
    bool names_lost; /* there were more */
    char *names[SUMMARY_NAMES_MAX];
};

/* A flow ended. */
void summary_add_flow(struct summary *s, const struct nst_flow_summary *flow);
/* A DNS message passed: keeps the name that it asks for. Hostile bytes are fine. */
void summary_add_dns(struct summary *s, const uint8_t *message, size_t len);

void summary_print(const struct summary *s, const struct nst_stack *stack, FILE *out);
void summary_print_json(const struct summary *s, const struct nst_stack *stack, FILE *out);
void summary_fini(struct summary *s);

#endif
