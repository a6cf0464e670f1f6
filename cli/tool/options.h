/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options from one table, which also makes --help.
 */
#ifndef NICSTACK_CLI_TOOL_OPTIONS_H
#define NICSTACK_CLI_TOOL_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,    /* bool */
    OPTION_TEXT,    /* const char *: the argument as it stands */
    OPTION_TEXTS,   /* struct option_texts: the arguments of all, in their order */
    OPTION_SIZE,    /* uint64_t: bytes, with k, m or g */
    OPTION_NUMBER,  /* uint64_t: decimal, or hexadecimal with 0x */
    OPTION_TIMES,   /* nst_time[2]: one or two words, the second if it is a time; see units.h */
    OPTION_RATE,    /* uint64_t: bits a second */
    OPTION_PERCENT, /* uint32_t: in parts per million */
};

#define OPTION_TEXTS_MAX 64

struct option_texts {
    const char *text[OPTION_TEXTS_MAX];
    unsigned count;
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
