/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

bool terminal_is_ours(void)
{
    int fd = open_terminal();
    if (fd < 0)
        return false;
    bool ours = tcgetpgrp(fd) == getpgrp();
    close(fd);
    return ours;
}

void terminal_take_back(void)
{
    int fd = open_terminal();
    if (fd < 0)
        return;
    pid_t owner = tcgetpgrp(fd);
    /* Linux: 0 or a failed kill says that nobody is left in the group. */
    if (owner != getpgrp() && (owner <= 0 || (kill(-owner, 0) < 0 && errno == ESRCH)))
        tcsetpgrp(fd, getpgrp());
    close(fd);
}
