/* SPDX-License-Identifier: Apache-2.0 */
/* The config of nst up: see config.h. */
#include "up/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/attach_text.h"
#include "tool/file.h"

char *config_read(const char *command, const char *file, size_t *ret_len)
{
    char *text = file_read(file, CONFIG_SIZE_MAX, ret_len);
    if (text != NULL)
        return text;
    const int error = errno;
    const char *next = "is it a file of text?";
    if (error == EFBIG)
        next = "it is longer than 1 MiB: is it a config?";
    else if (error == ENOENT)
        next = "is that where the config is?";
    else if (error == ENOMEM)
        next = "free some memory";
    fprintf(stderr, "%s: cannot read %s (%s): %s\n", command, file, attach_text_errno(error), next);
    return NULL;
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

void config_add_stack(struct order *stack, const struct order *order)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (order->at[i] != 0)
            stack->at[i] = order->at[i];
    if (order->at[FIELD_NAME] != 0)
        stack->name = order->name;
    if (order->at[FIELD_MEMORY] != 0)
        stack->memory = order->memory;
    if (order->at[FIELD_SEED] != 0)
        stack->seed = order->seed;
    if (order->at[FIELD_WEAK_HOST] != 0)
        stack->weak_host = order->weak_host;
    if (order->at[FIELD_HANDLE_LOCAL] != 0)
        stack->handle_local = order->handle_local;
}
