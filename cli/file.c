/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: see file.h. */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *file_read(const char *name, size_t *ret_len)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    char *text = NULL;
    size_t len = 0, size = 0;
    if (in == NULL)
        return NULL;
    for (;;) {
        if (len == size) {
            size = size != 0 ? size * 2 : 16384;
            char *more = realloc(text, size);
            if (more == NULL)
                break;
            text = more;
        }
        const size_t n = fread(text + len, 1, size - len, in);
        if (n == 0)
            break;
        len += n;
    }
    const int error = ferror(in) ? errno : 0;
    if (in != stdin)
        fclose(in);
    if (error != 0) {
        free(text);
        errno = error;
        return NULL;
    }
    *ret_len = len;
    return text;
}
