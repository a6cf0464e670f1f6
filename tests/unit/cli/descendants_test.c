/* SPDX-License-Identifier: Apache-2.0 */
/* Every process that comes from this one is ended, however far it went. */
#include "testing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/descendants.h"

/* A child that is a group of its own, ignores what it may, and has a child and an orphan. Each
 * holds the pipe open. */
static void grow(int ready)
{
    if (fork() != 0)
        return;
    setsid();
    signal(SIGTERM, SIG_IGN);
    pid_t child = fork();
    if (child == 0) {
        pid_t orphan = fork();
        if (orphan != 0)
            _exit(0);
    }
    (void)!write(ready, "x", 1);
    for (;;)
        pause();
}

static void whoever_is_left_behind_is_ended(void **state)
{
    int fds[2];
    char bytes[6];
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < 3; i++)
        grow(fds[1]);
    close(fds[1]);
    for (size_t got = 0; got < sizeof(bytes);)
        got += (size_t)read(fds[0], bytes, sizeof(bytes) - got);
    descendants_kill(0);
    assert_int_equal(read(fds[0], bytes, 1), 0); /* nobody holds it */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    close(fds[0]);
    descendants_kill(0); /* and with nobody there it returns */
}

static void who_was_there_before_is_left_alone(void **state)
{
    assert_true(descendants_birth(getpid()) > 0);
    assert_int_equal(descendants_birth(0x7ffffff0), 0);
    pid_t before = fork();
    if (before == 0)
        for (;;)
            pause();
    descendants_kill(descendants_birth(before) + 1);
    assert_int_equal(waitpid(before, NULL, WNOHANG), 0);
    kill(before, SIGKILL);
    assert_int_equal(waitpid(before, NULL, 0), before);
}

TESTS({"whoever is left behind is ended", whoever_is_left_behind_is_ended},
      {"who was there before is left alone", who_was_there_before_is_left_alone})
