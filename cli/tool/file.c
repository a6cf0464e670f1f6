/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: see file.h. */
#include "tool/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 16384

/* Reads on to the end, into memory that grows. 0, or an errno with *text and *len as far as they
 * came. */
static int read_on(FILE *in, size_t max, char **text, size_t *len)
{
    size_t size = 0, n;
    do {
        if (*len + 1 >= size) { /* a byte is kept for the NUL */
            size = size != 0 ? size * 2 : SIZE_FIRST;
            char *more = realloc(*text, size);
            if (more == NULL)
                return ENOMEM;
            *text = more;
        }
        errno = 0;
        n = fread(*text + *len, 1, size - *len - 1, in);
        *len += n;
        if (*len > max)
            return EFBIG;
    } while (n > 0);
    (*text)[*len] = '\0';
    return ferror(in) != 0 ? errno : 0;
}

char *file_read(const char *name, size_t max, size_t *ret_len)
{
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    char *text = NULL;
    size_t len = 0;
    if (in == NULL)
        return NULL;
    const int error = read_on(in, max, &text, &len);
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
