/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an order, for whoever wrote it. */
#ifndef NICSTACK_CLI_ORDER_FAULT_H
#define NICSTACK_CLI_ORDER_FAULT_H

#include <stdbool.h>

enum {
    FAULT_TEXT = 320
};

struct fault {
    unsigned column;       /* of the word that is wrong, from 1; 0: the order as a whole */
    char text[FAULT_TEXT]; /* the thing, the cause, the next step; no newline */
};

/* Fills it in, as printf does, and is false, so that `return fault_set(...)` says both. */
bool fault_set(struct fault *fault, unsigned column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
