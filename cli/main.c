/* SPDX-License-Identifier: Apache-2.0 */
/* nst: finds the command and runs it. */
#include <stdio.h>
#include <string.h>

#include <nicstack/types.h>

#include "commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"capture", command_capture, "watch the packets of a running nst"},
    {"run", command_run, "run a program with nicstack as its network"},
    {"replay", command_replay, "repeat what nst run --record kept"},
    {"doctor", command_doctor, "what works on this machine, and what would help"},
    {"sim", command_sim, "run a network in virtual time"},
    {"test", command_test, "run packet scripts in virtual time"},
    {"up", command_up, "a stack that stays, as a config says"},
    {"nic", command_order, "show and set the NICs of a running nst"},
    {"addr", command_order, "the addresses of its NICs"},
    {"route", command_order, "its routes"},
    {"neigh", command_order, "its neighbours"},
    {"stats", command_order, "its counters"},
    {"bridge", command_order, "its bridges"},
    {"vlan", command_order, "its VLANs"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int usage(FILE *out)
{
    fprintf(out, "usage: nst COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\nnst COMMAND --help tells more; nst --version the version.\n");
    return out == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "--version") == 0) {
        printf("nst %s\n", NST_VERSION_STRING);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return usage(stdout);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "nst: no command '%s'; nst --help lists them\n", argv[1]);
    return 2;
}
