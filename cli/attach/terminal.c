/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int terminal_open_ours(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && tcgetpgrp(fd) != getpgrp()) {
        close(fd);
        return -1;
    }
    return fd;
}

void terminal_take_back(int fd)
{
    pid_t owner = tcgetpgrp(fd);
    /* Linux: 0 or a failed kill says that nobody is left in the group. */
    if (owner != getpgrp() && (owner <= 0 || (kill(-owner, 0) < 0 && errno == ESRCH)))
        tcsetpgrp(fd, getpgrp());
}
