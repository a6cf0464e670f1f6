/* SPDX-License-Identifier: Apache-2.0 */
/* Command-line options: see options.h. */
#include "tool/options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tool/units.h"

#define WIDTH 28 /* of what --help has on the left */

static bool add_text(struct option_texts *texts, const char *value)
{
    if (texts->count == OPTION_TEXTS_MAX)
        return false;
    texts->text[texts->count++] = value;
    return true;
}

/* False: the value is nothing of this kind. */
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
    case OPTION_TEXTS:
        return add_text(at, value);
    case OPTION_SIZE:
        return units_parse_size(value, at);
    case OPTION_NUMBER:
        return units_parse_number(value, at);
    case OPTION_TIMES:
        return units_parse_time(value, at);
    case OPTION_RATE:
        return units_parse_rate(value, at);
    case OPTION_PERCENT:
        return units_parse_percent(value, at);
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

static int complain_of_value(const struct option_spec *spec, const char *command, const char *value)
{
    static const char *const what[] = {
        [OPTION_TEXTS] = "was given too often",
        [OPTION_SIZE] = "is no size, such as 8m",
        [OPTION_NUMBER] = "is no number, such as 7",
        [OPTION_TIMES] = "is no time with its unit, such as 80ms, up to an hour",
        [OPTION_RATE] = "is no rate, such as 20mbit",
        [OPTION_PERCENT] = "is no percentage, such as 1%",
    };
    char word[128];
    snprintf(word, sizeof(word), "--%s %.80s", spec->name, value);
    return complain(command, word, what[spec->kind]);
}

/* Two times are one option where the second word is one. True: it was. */
static bool store_second(const struct option_spec *spec, const char *value, void *options)
{
    nst_time *at = (nst_time *)(void *)((char *)options + spec->offset);
    return spec->kind == OPTION_TIMES && value != NULL && units_parse_time(value, &at[1]);
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
    if (!store(spec, value, options))
        return complain_of_value(spec, command, value);
    return store_second(spec, argv[i + 1], options) ? i + 1 : i;
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
        if (strlen(left) > WIDTH)
            printf("  %s\n  %-*s %s\n", left, WIDTH, "", s->help);
        else
            printf("  %-*s %s\n", WIDTH, left, s->help);
    }
}
