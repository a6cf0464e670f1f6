/* SPDX-License-Identifier: Apache-2.0 */
/* Command-line options: see options.h. */
#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "8m" to bytes. */
static bool parse_size(const char *text, uint64_t *ret_size)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = 0;
    switch (*end) {
    case 'g':
    case 'G':
        shift = 30;
        break;
    case 'm':
    case 'M':
        shift = 20;
        break;
    case 'k':
    case 'K':
        shift = 10;
        break;
    default:
        break;
    }
    if (shift != 0)
        end++;
    if (errno != 0 || *end != '\0' || n > UINT64_MAX >> shift)
        return false;
    *ret_size = (uint64_t)n << shift;
    return true;
}

static bool store(const struct option_spec *spec, const char *value, void *options)
{
    void *at = (char *)options + spec->offset;
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)at = true;
        return true;
    case OPTION_TEXT:
        *(const char **)at = value;
        return true;
    case OPTION_SIZE:
        return parse_size(value, at);
    }
    return false;
}

/* The option of a word that begins with "--"; *ret_value is what follows its "=", or NULL. */
static const struct option_spec *find_long(const struct option_spec *specs, const char *word,
                                           const char **ret_value)
{
    for (const struct option_spec *s = specs; s->name != NULL; s++) {
        size_t n = strlen(s->name);
        if (strncmp(word + 2, s->name, n) == 0 && (word[2 + n] == '\0' || word[2 + n] == '=')) {
            *ret_value = word[2 + n] == '=' ? word + 3 + n : NULL;
            return s;
        }
    }
    return NULL;
}

/* The option of the letter; *ret_value is what follows it, which may be more letters, or NULL. */
static const struct option_spec *find_short(const struct option_spec *specs, const char *letter,
                                            const char **ret_value)
{
    for (const struct option_spec *s = specs; s->name != NULL; s++) {
        if (s->letter == *letter) {
            *ret_value = letter[1] != '\0' ? letter + 1 : NULL;
            return s;
        }
    }
    return NULL;
}

static int complain(const char *command, const char *word, const char *what)
{
    fprintf(stderr, "%s: %s: %s; see %s --help\n", command, word, what, command);
    return -1;
}

/* Takes the option at argv[i] in, flags of one letter together too. The index of its last word, or
 * -1. */
static int parse_word(const struct option_spec *specs, const char *command, char **argv, int i,
                      void *options)
{
    const char *word = argv[i], *value, *letter = word[1] == '-' ? NULL : word + 1;
    const struct option_spec *spec;
    do {
        spec = letter == NULL ? find_long(specs, word, &value) : find_short(specs, letter, &value);
        if (spec == NULL)
            return complain(command, word, "no such option");
        if (spec->kind != OPTION_FLAG)
            break;
        if (letter == NULL && value != NULL)
            return complain(command, word, "takes no argument");
        store(spec, NULL, options);
        letter = value;
    } while (letter != NULL);
    if (spec->kind == OPTION_FLAG)
        return i;
    if (value == NULL)
        value = argv[++i];
    if (value == NULL)
        return complain(command, word, "needs an argument");
    return store(spec, value, options) ? i : complain(command, value, "is no size, such as 8m");
}

int options_parse(const struct option_spec *specs, const char *command, int argc, char **argv,
                  void *options)
{
    int i = 1;
    for (; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0')
            return i;
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        i = parse_word(specs, command, argv, i, options);
        if (i < 0)
            return -1;
    }
    return i;
}

void options_print(const struct option_spec *specs)
{
    for (const struct option_spec *s = specs; s->name != NULL; s++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%c%s--%s%s%s", s->letter != 0 ? "-" : " ",
                 s->letter != 0 ? s->letter : ' ', s->letter != 0 ? ", " : "  ", s->name,
                 s->argument != NULL ? " " : "", s->argument != NULL ? s->argument : "");
        printf("  %-28s %s\n", left, s->help);
    }
}
