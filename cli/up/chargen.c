/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern of RFC 864: lines of 72 printable characters, each a character on. */
#include "up/services.h"

#define PRINTABLE 95

void chargen_fill(char *to, size_t size, uint64_t at)
{
    for (size_t i = 0; i < size; i++, at++) {
        const uint64_t line = at / CHARGEN_LINE, column = at % CHARGEN_LINE;
        if (column < CHARGEN_LINE - 2)
            to[i] = (char)(' ' + (line + column) % PRINTABLE);
        else
            to[i] = column == CHARGEN_LINE - 2 ? '\r' : '\n';
    }
}
