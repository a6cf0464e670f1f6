/* SPDX-License-Identifier: Apache-2.0 */
/* The config of nst up: a file of orders, one a line; see order/order.h and nst-up(1). */
#ifndef NICSTACK_CLI_UP_CONFIG_H
#define NICSTACK_CLI_UP_CONFIG_H

#include "order/order.h"

#define CONFIG_SIZE_MAX (1u << 20)

/* The bytes of a file ("-": standard input), with a NUL behind them: malloc's. NULL: it was said on
 * stderr, with `command` in front, why not. */
char *config_read(const char *command, const char *file, size_t *ret_len);

/* A line that is not empty. False: stop, *fault says why. */
typedef bool config_take(void *context, const struct order *order, struct fault *fault);

/*
 * Reads `text`, which it changes, line by line, and calls `take` for each order. The orders point
 * into the text. False: *ret_line is the line that is wrong, from 1, and *fault says why.
 */
bool config_parse(char *text, size_t len, config_take *take, void *context, unsigned *ret_line,
                  struct fault *fault);

/* Adds what one more line says of the stack to what was said of it: the later word counts. */
void config_add_stack(struct order *stack, const struct order *order);

#endif
