/* SPDX-License-Identifier: Apache-2.0 */
/* nst run: its options and its summary. See run.h. */
#include "run.h"

#include <stdio.h>

#include "commands.h"
#include "descriptors.h"
#include "options.h"
#include "run_instance.h"

#define MEMORY_DEFAULT (256u << 20)
#define MEMORY_MIN     (1u << 20)
#define MTU_MIN        68
#define MTU_MIN6       1280 /* under it there is no IPv6 (RFC 8200 5) */
#define MTU_MAX        65535

#define MEMBER(name) offsetof(struct run_options, name)

static const struct option_spec specs[] = {
    {"attach", 0, OPTION_TEXT, "tun|veth", "how; default the first that works", MEMBER(attach)},
    {"dns", 0, OPTION_TEXT, "ADDR[:PORT]", "where names are resolved; default the host's resolver",
     MEMBER(dns)},
    {"mtu", 0, OPTION_SIZE, "BYTES", "of the program's interface; default 65520", MEMBER(mtu)},
    {"memory", 0, OPTION_SIZE, "SIZE", "ceiling of the stack's memory, such as 8m; default 256m",
     MEMBER(memory)},
    {"no-host-loopback", 0, OPTION_FLAG, NULL, "10.0.2.2 is not the host's loopback",
     MEMBER(no_host_loopback)},
    {"name", 0, OPTION_TEXT, "NAME", "how nst capture calls this run; default PROGRAM-PID",
     MEMBER(name)},
    {"pcap", 0, OPTION_TEXT, "FILE|-", "capture every packet into a pcapng file",
     MEMBER(capture.file)},
    {"pcap-filter", 0, OPTION_TEXT, "EXPR", "only packets that match, as tcpdump spells it",
     MEMBER(capture.filter)},
    {"pcap-size", 0, OPTION_SIZE, "SIZE", "a ring of files of this size",
     MEMBER(capture.file_size)},
    {"pcap-files", 0, OPTION_SIZE, "N", "how many files the ring has; default 2",
     MEMBER(capture.files)},
    {"snaplen", 0, OPTION_SIZE, "BYTES", "capture only so much of each packet",
     MEMBER(capture.snaplen)},
    {"verbose", 'v', OPTION_FLAG, NULL, "say how the program is attached, and each flow",
     MEMBER(verbose)},
    {"quiet", 'q', OPTION_FLAG, NULL, "no summary", MEMBER(quiet)},
    {"json", 0, OPTION_FLAG, NULL, "the summary as one JSON object on stderr", MEMBER(json)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

static void print_summary(struct run *run, int status)
{
    if (run->gateway == NULL || (run->options.quiet && !run->options.json))
        return;
    run->summary.ended = nst_host_now();
    run->summary.exit_status = status;
    run->summary.denied = run->upstream.denied;
    run->summary.overrun = run_link_overrun(run);
    nst_gateway_get_stats(run->gateway, &run->summary.gateway);
    if (run->options.json)
        summary_print_json(&run->summary, run->stack, stderr);
    else
        summary_print(&run->summary, run->stack, stderr);
}

static int run_program(struct run *run, char **argv)
{
    char message[ATTACH_TEXT_SIZE];
    const struct attach_options attach = {
        .argv = argv,
        .mtu = (uint32_t)run->options.mtu,
        .address6 = run->upstream.has_ipv6 ? "fd00:0:0:2::15/64" : NULL,
        .gateway6 = run->upstream.has_ipv6 ? "fd00:0:0:2::2" : NULL,
        .method = run->options.attach,
        .verbose = run->options.verbose,
    };
    if (attach_start(&attach, message, &run->attach) < 0) {
        fprintf(stderr, "nst: %s\n", message);
        return ATTACH_EXIT_FAILED;
    }
    int status = run_serve(run);
    const char *why = attach_message(&run->attach);
    if (why != NULL)
        fprintf(stderr, "nst: %s\n", why);
    print_summary(run, status);
    run_tear_down(run);
    attach_fini(&run->attach);
    return status;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: nst run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n");
    if (out == stdout) {
        printf("\nRuns PROGRAM with nicstack as its network; its exit status is that of nst.\n"
               "Inside: 10.0.2.15/24 and fd00:0:0:2::15/64, the host's loopback is 10.0.2.2 and "
               "fd00:0:0:2::2,\nnames are asked of 10.0.2.3.\n\n");
        options_print(specs);
    }
    return out == stdout ? 0 : ATTACH_EXIT_FAILED;
}

/* Checks and completes the options. */
static bool complete_options(struct run *run)
{
    struct run_options *o = &run->options;
    struct upstream *u = &run->upstream;
    u->network = nst_addr_v4(10, 0, 2, 0);
    u->prefix_len = 24;
    u->gateway = nst_addr_v4(10, 0, 2, 2);
    u->dns = nst_addr_v4(10, 0, 2, 3);
    u->has_ipv6 = o->mtu >= MTU_MIN6;
    u->network6 = (struct nst_addr){{{0xfd, [7] = 2}}};
    u->prefix_len6 = 64;
    u->gateway6 = (struct nst_addr){{{0xfd, [7] = 2, [15] = 2}}};
    u->dns6 = (struct nst_addr){{{0xfd, [7] = 2, [15] = 3}}};
    u->no_host_loopback = o->no_host_loopback;
    if (o->mtu < MTU_MIN || o->mtu > MTU_MAX) {
        fprintf(stderr, "nst run: --mtu must be %d to %d\n", MTU_MIN, MTU_MAX);
        return false;
    }
    if (o->memory < MEMORY_MIN) {
        fprintf(stderr, "nst run: --memory must be at least 1m\n");
        return false;
    }
    if (o->attach != NULL && !attach_has_method(o->attach)) {
        fprintf(stderr, "nst run: --attach %s: is neither tun nor veth\n", o->attach);
        return false;
    }
    if (!upstream_set_resolver(u, o->dns)) {
        if (o->dns != NULL) {
            fprintf(stderr,
                    "nst run: --dns %s: is no ADDR[:PORT], such as 192.0.2.1 or [2001:db8::1]:53\n",
                    o->dns);
            return false;
        }
        if (o->verbose)
            fprintf(stderr, "nst: no name server in /etc/resolv.conf: names will not resolve; "
                            "--dns ADDR gives one\n");
    }
    return true;
}

int command_run(int argc, char **argv)
{
    static struct run run = {.options = {.mtu = ATTACH_DEFAULT_MTU, .memory = MEMORY_DEFAULT}};
    int first = options_parse(specs, "nst run", argc, argv, &run.options);
    if (first < 0)
        return ATTACH_EXIT_FAILED;
    if (run.options.help)
        return usage(stdout);
    if (first >= argc)
        return usage(stderr);
    run.program = argv[first];
    /* A closed stderr must not become a file that we say things into. */
    descriptors_reserve_standard();
    int status = ATTACH_EXIT_FAILED;
    if (complete_options(&run) && run_capture_open(&run) && run_instance_open(&run))
        status = run_program(&run, argv + first);
    run_instance_close(&run);
    run_capture_close(&run);
    return status;
}
