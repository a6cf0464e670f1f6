/* SPDX-License-Identifier: Apache-2.0 */
/* A block at the bottom of a terminal: see screen.h. The sequences are those of the VT100. */
#include "tool/screen.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROWS_MIN    12
#define COLUMNS_MIN 40

#define SAVE    "\0337"
#define RESTORE "\0338"
#define INDEX   "\033D" /* down, scrolling at the bottom, in the same column */

bool screen_init(struct screen *screen, int fd)
{
    *screen = (struct screen){.fd = fd};
    return isatty(fd) == 1;
}

unsigned screen_measure(struct screen *screen, unsigned *ret_columns)
{
    struct winsize size = {0};
    if (ioctl(screen->fd, TIOCGWINSZ, &size) < 0 || tcgetpgrp(screen->fd) != getpgrp() ||
        size.ws_row < ROWS_MIN || size.ws_col < COLUMNS_MIN)
        return 0;
    if (size.ws_row != screen->rows || size.ws_col != screen->columns)
        screen->height = 0; /* what was drawn has moved: it scrolls away */
    screen->rows = size.ws_row;
    screen->columns = size.ws_col;
    *ret_columns = size.ws_col;
    return size.ws_row / 3;
}

/* Makes room below the cursor, which stays in its line of text. */
static void grow(struct screen *screen, unsigned height, FILE *out)
{
    screen_clear(screen, out);
    for (unsigned i = 0; i < height; i++)
        fputs(INDEX, out);
    fprintf(out, "\033[%uA", height);
    screen->height = height;
}

void screen_draw(struct screen *screen, const char *lines, unsigned count, FILE *out)
{
    if (count > screen->height)
        grow(screen, count, out);
    const unsigned top = screen->rows - screen->height;
    fprintf(out, SAVE "\033[1;%ur", top);
    for (unsigned i = 0; i < screen->height; i++) {
        const char *end = strchr(lines, '\n');
        const size_t len = end != NULL ? (size_t)(end - lines) : 0;
        fprintf(out, "\033[%u;1H\033[K%.*s", top + 1 + i, (int)len, lines);
        lines += end != NULL ? len + 1 : 0;
    }
    fputs(RESTORE, out);
}

void screen_clear(struct screen *screen, FILE *out)
{
    if (screen->height == 0)
        return;
    fprintf(out, SAVE "\033[r\033[%u;1H\033[J" RESTORE, screen->rows - screen->height + 1);
    screen->height = 0;
}
