/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options from one table, which also makes --help.
 */
#ifndef NICSTACK_CLI_OPTIONS_H
#define NICSTACK_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* const char *: the argument as it stands */
    OPTION_SIZE, /* uint64_t: bytes, with k, m or g */
};

struct option_spec {
    const char *name; /* long, without dashes; NULL ends the table */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *argument; /* what --help calls it; NULL for flags */
    const char *help;
    size_t offset; /* of the member in the command's options */
};

/*
 * Fills `options` from argv[1...] up to the first word that is no option, or "--". Returns the
 * index of the word behind them, or -1 after it said on stderr what is wrong, with `command` in
 * front.
 */
int options_parse(const struct option_spec *specs, const char *command, int argc, char **argv,
                  void *options);

/* One line an option, on stdout. */
void options_print(const struct option_spec *specs);

#endif
