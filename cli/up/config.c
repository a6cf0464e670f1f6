/* SPDX-License-Identifier: Apache-2.0 */
/* The config of nst up: see config.h. */
#include "up/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach_text.h"

static char *fail(const char *command, const char *file, const char *what, const char *next)
{
    fprintf(stderr, "%s: cannot read %s (%s): %s\n", command, file, what, next);
    return NULL;
}

/* Reads all of `in`; NULL: errno says why, or 0: it is too long. */
static char *read_all(FILE *in, size_t *ret_len)
{
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    size_t len = 0, n;
    if (text == NULL)
        return NULL;
    while (len <= CONFIG_SIZE_MAX && (n = fread(text + len, 1, CONFIG_SIZE_MAX + 1 - len, in)) > 0)
        len += n;
    const int error = ferror(in) ? errno : 0;
    if (error != 0 || len > CONFIG_SIZE_MAX) {
        free(text);
        errno = error;
        return NULL;
    }
    text[len] = '\0';
    *ret_len = len;
    return text;
}

char *config_read(const char *command, const char *file, size_t *ret_len)
{
    const bool is_stdin = strcmp(file, "-") == 0;
    FILE *in = is_stdin ? stdin : fopen(file, "re");
    if (in == NULL)
        return fail(command, file, attach_text_errno(errno), "is that where the config is?");
    errno = 0;
    char *text = read_all(in, ret_len);
    const int error = errno;
    if (!is_stdin)
        fclose(in);
    if (text == NULL && error == 0)
        return fail(command, file, "EFBIG", "it is longer than 1 MiB: is it a config?");
    if (text == NULL)
        return fail(command, file, attach_text_errno(error), "is it a file of text?");
    return text;
}

static bool take_line(char *line, config_take *take, void *context, struct fault *fault)
{
    struct words words;
    struct order order;
    if (!words_split(line, &words, fault))
        return false;
    if (words.count == 0)
        return true;
    return order_parse(&words, &order, fault) && take(context, &order, fault);
}

bool config_parse(char *text, size_t len, config_take *take, void *context, unsigned *ret_line,
                  struct fault *fault)
{
    char *end = text + len;
    *ret_line = 0;
    while (text < end) {
        char *newline = memchr(text, '\n', (size_t)(end - text));
        char *line_end = newline != NULL ? newline : end;
        const char *nul = memchr(text, '\0', (size_t)(line_end - text));
        ++*ret_line;
        if (nul != NULL)
            return fault_set(fault, (unsigned)(nul - text) + 1,
                             "a byte 0x00 is no text: write words");
        *line_end = '\0';
        if (!take_line(text, take, context, fault))
            return false;
        text = line_end + 1;
    }
    return true;
}
