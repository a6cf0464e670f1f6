/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of lines at the bottom of a terminal that others write to as well.
 *
 * Theory of operation. The lines above the block are made the terminal's scrolling region, so that
 * what the program writes scrolls there and the block stays where it is. Each drawing saves the
 * cursor, sets the region once more (a program may have reset it), writes the block and restores
 * the cursor, in one piece of output. The block grows when it is given more lines and never
 * shrinks; it is laid anew when the terminal has another size.
 *
 * Limits: a program that fills the screen itself (an editor) is drawn over; its own saved cursor
 * position is lost.
 */
#ifndef NICSTACK_CLI_TOOL_SCREEN_H
#define NICSTACK_CLI_TOOL_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

struct screen {
    int fd; /* of the terminal */
    unsigned rows, columns;
    unsigned height; /* of the block; 0: there is none */
};

/* False: fd is no terminal. */
bool screen_init(struct screen *screen, int fd);
/* How many lines the block may have, a third of the terminal's; 0: the terminal is too small, or is
 * another process group's now. *ret_columns: how long they may be. */
unsigned screen_measure(struct screen *screen, unsigned *ret_columns);
/* Writes to `out` what draws the block: `count` lines, each ended by a newline, no longer than what
 * screen_measure gave. */
void screen_draw(struct screen *screen, const char *lines, unsigned count, FILE *out);
/* Writes to `out` what takes the block away. */
void screen_clear(struct screen *screen, FILE *out);

#endif
