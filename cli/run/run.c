/* SPDX-License-Identifier: Apache-2.0 */
/* nst run: its options and its summary. See run.h. */
#include "run/run.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "run/run_instance.h"
#include "tool/descriptors.h"
#include "tool/options.h"

#define MEMORY_DEFAULT (256u << 20)
#define MEMORY_MIN     (1u << 20)
#define MTU_MIN        68
#define MTU_MIN6       1280 /* under it there is no IPv6 (RFC 8200 5) */
#define MTU_MAX        65535
#define MTU_IMPAIRED   1500
#define NOT_GIVEN      UINT64_MAX

#define MEMBER(name) offsetof(struct run_options, name)

static const struct option_spec specs[] = {
    {"attach", 0, OPTION_TEXT, "tun|veth|notify", "how; default the first that works",
     MEMBER(attach)},
    {"dns", 0, OPTION_TEXT, "ADDR[:PORT]", "where names are resolved; default the host's resolver",
     MEMBER(dns)},
    {"publish", 'p', OPTION_TEXTS, "[ADDR:]HOST:GUEST[/udp]",
     "lead who comes to this port of the host to the program's; repeatable", MEMBER(publish)},
    {"mtu", 0, OPTION_SIZE, "BYTES", "of the program's interface; default 65520, impaired 1500",
     MEMBER(mtu)},
    {"memory", 0, OPTION_SIZE, "SIZE", "ceiling of the stack's memory, such as 8m; default 256m",
     MEMBER(memory)},
    {"delay", 0, OPTION_TIMES, "TIME [JITTER]", "each packet is under way so long, each way",
     MEMBER(delay)},
    {"loss", 0, OPTION_PERCENT, "PERCENT", "so many packets are lost, each way", MEMBER(loss)},
    {"rate", 0, OPTION_RATE, "RATE", "of the line, each way, such as 20mbit", MEMBER(rate)},
    {"duplicate", 0, OPTION_PERCENT, "PERCENT", "so many packets come twice", MEMBER(duplicate)},
    {"corrupt", 0, OPTION_PERCENT, "PERCENT", "so many packets have a bit flipped",
     MEMBER(corrupt)},
    {"reorder", 0, OPTION_PERCENT, "PERCENT", "so many packets are not delayed, and overtake",
     MEMBER(reorder)},
    {"seed", 0, OPTION_NUMBER, "N", "of all that chance decides; default another each time",
     MEMBER(seed)},
    {"no-host-loopback", 0, OPTION_FLAG, NULL, "10.0.2.2 is not the host's loopback",
     MEMBER(no_host_loopback)},
    {"top", 0, OPTION_FLAG, NULL, "show the flows once a second, with --json as JSON", MEMBER(top)},
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
    {"record", 0, OPTION_TEXT, "FILE", "keep all that goes into the stack, for nst replay",
     MEMBER(record)},
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
    run->summary.is_impaired = run_impair_get_stats(run, &run->summary.impairments);
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
        .single_segments = run_is_impaired(&run->options),
        .address6 = run->upstream.has_ipv6 ? "fd00:0:0:2::15/64" : NULL,
        .gateway6 = run->upstream.has_ipv6 ? "fd00:0:0:2::2" : NULL,
        .method = run->options.attach,
        .verbose = run->options.verbose,
    };
    if (!listeners_open(&run->options.publish, &run->listeners))
        return ATTACH_EXIT_FAILED;
    if (attach_start(&attach, message, &run->attach) < 0) {
        fprintf(stderr, "nst: %s\n", message);
        listeners_fini(&run->listeners);
        return ATTACH_EXIT_FAILED;
    }
    if (run->options.verbose)
        listeners_print(&run->listeners);
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

/* The MTU of a real line where one is played, the largest where not; and a seed. */
static bool complete_impairments(struct run_options *o)
{
    uint8_t seed[32];
    if (o->mtu == NOT_GIVEN)
        o->mtu = run_is_impaired(o) ? MTU_IMPAIRED : ATTACH_DEFAULT_MTU;
    if (o->reorder != 0 && o->delay[0] == 0) {
        fprintf(stderr, "nst run: --reorder needs a --delay that some packets skip, such as "
                        "--delay 10ms\n");
        return false;
    }
    if (o->seed == NOT_GIVEN) {
        o->seed = 0;
        if (nst_host_seed(seed) == 0)
            memcpy(&o->seed, seed, sizeof(uint32_t)); /* short enough to be typed */
    }
    return true;
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
    u->program = nst_addr_v4(10, 0, 2, 15);
    u->network6 = (struct nst_addr){{{0xfd, [7] = 2}}};
    u->prefix_len6 = 64;
    u->program6 = (struct nst_addr){{{0xfd, [7] = 2, [15] = 0x15}}};
    u->gateway6 = (struct nst_addr){{{0xfd, [7] = 2, [15] = 2}}};
    u->dns6 = (struct nst_addr){{{0xfd, [7] = 2, [15] = 3}}};
    u->no_host_loopback = o->no_host_loopback;
    if (!complete_impairments(o))
        return false;
    u->has_ipv6 = o->mtu >= MTU_MIN6;
    if (o->mtu < MTU_MIN || o->mtu > MTU_MAX) {
        fprintf(stderr, "nst run: --mtu must be %d to %d\n", MTU_MIN, MTU_MAX);
        return false;
    }
    if (o->memory < MEMORY_MIN) {
        fprintf(stderr, "nst run: --memory must be at least 1m\n");
        return false;
    }
    if (o->attach != NULL && !attach_has_method(o->attach)) {
        fprintf(stderr, "nst run: --attach %s: is none of tun, veth and notify\n", o->attach);
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

/* The C library would give blocks back to the kernel and have it clear them again, many times a
 * second; the stack's memory is bounded anyway. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

int command_run(int argc, char **argv)
{
    static struct run run = {
        .options = {.mtu = NOT_GIVEN, .memory = MEMORY_DEFAULT, .seed = NOT_GIVEN}};
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
    keep_memory();
    int status = ATTACH_EXIT_FAILED;
    if (complete_options(&run) && run_capture_open(&run) && run_record_open(&run) &&
        run_instance_open(&run))
        status = run_program(&run, argv + first);
    run_instance_close(&run);
    run_capture_close(&run);
    run_record_close(&run);
    return status;
}
