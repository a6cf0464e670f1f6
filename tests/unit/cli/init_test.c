/* SPDX-License-Identifier: Apache-2.0 */
/* What init tells of its program on the control line, on which this test is nst. */
#include "testing.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/control.h"
#include "attach/init.h"

enum {
    PATIENCE_MS = 30000
};

struct line {
    int control_fd;
    int wake_fd;
    pid_t init;
    pid_t program;
};

static void run_init(int control_fd, int wake_fd, int output_fd)
{
    static char sh[] = "sh", c[] = "-c", text[] = "echo $$; exec sleep 1000";
    char *argv[] = {sh, c, text, NULL};
    struct signals signals;
    struct init init;
    dup2(output_fd, STDOUT_FILENO);
    if (signals_start(&signals) < 0)
        _exit(1);
    struct init_program program = {.argv = argv,
                                   .descriptors = {.rlim_cur = 1024, .rlim_max = 1024},
                                   .signals = &signals,
                                   .wake_fd = wake_fd};
    if (init_fork(&program, control_fd, &init) < 0)
        _exit(1);
    init_serve(&init);
}

static void command(const struct line *line, enum control_kind kind, int signal)
{
    struct control_record record = {.kind = kind, .a = signal};
    assert_int_equal(control_send(line->control_fd, &record, NULL, 0, 0), 0);
}

static int start(void **state)
{
    static struct line line;
    int control[2], wake[2], output[2];
    char text[32] = "";
    assert_int_equal(control_pair(control), 0);
    assert_int_equal(control_pair(wake), 0);
    assert_int_equal(pipe(output), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(control[0]);
        close(wake[0]);
        run_init(control[1], wake[1], output[1]);
    }
    close(control[1]);
    close(wake[1]);
    close(output[1]);
    line = (struct line){.control_fd = control[0], .wake_fd = wake[0], .init = pid};
    command(&line, CONTROL_GO, 0);
    assert_true(read(output[0], text, sizeof(text) - 1) > 0);
    close(output[0]);
    line.program = (pid_t)strtol(text, NULL, 10);
    assert_true(line.program > 0);
    *state = &line;
    return 0;
}

static int stop(void **state)
{
    struct line *line = *state;
    kill(line->program, SIGKILL);
    waitpid(line->init, NULL, 0);
    close(line->control_fd);
    close(line->wake_fd);
    return 0;
}

/* proc_pid_stat(5): the letter after the name. */
static bool is_stopped(const struct line *line)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", line->program);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    return strstr(text, ") T ") != NULL;
}

static void stop_or_continue(const struct line *line, int signal)
{
    kill(line->program, signal);
    for (int waited = 0; is_stopped(line) != (signal == SIGSTOP); waited++) {
        assert_in_range(waited, 0, PATIENCE_MS);
        poll(NULL, 0, 1);
    }
}

/* More than the line has room for, unread, and after it what signal brings. */
static void fill(const struct line *line, int signal)
{
    for (int i = 0; i < 600; i++) {
        stop_or_continue(line, SIGSTOP);
        stop_or_continue(line, SIGCONT);
    }
    if (signal == SIGSTOP)
        stop_or_continue(line, SIGSTOP);
}

static bool is_readable(int fd, int timeout)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, timeout) == 1;
}

/* Reads on until nothing comes, and, should what came last not be `kind`, until that comes. */
static void assert_last(const struct line *line, enum control_kind kind)
{
    struct control_record record = {0};
    while (is_readable(line->control_fd, record.kind == kind ? 0 : PATIENCE_MS))
        assert_int_equal(control_receive(line->control_fd, 0, &record, NULL, NULL), 1);
    assert_int_equal(record.kind, kind);
}

static void the_last_stop_is_told_when_the_line_was_full(void **state)
{
    fill(*state, SIGSTOP);
    assert_last(*state, CONTROL_STOPPED);
}

static void the_last_continuation_is_told_when_the_line_was_full(void **state)
{
    fill(*state, SIGCONT);
    assert_last(*state, CONTROL_CONTINUED);
}

static void the_wake_line_speaks_of_continuations_only(void **state)
{
    const struct line *line = *state;
    struct control_record record;
    stop_or_continue(line, SIGSTOP);
    assert_true(is_readable(line->control_fd, PATIENCE_MS));
    assert_int_equal(control_receive(line->control_fd, 0, &record, NULL, NULL), 1);
    assert_int_equal(record.kind, CONTROL_STOPPED);
    assert_int_equal(record.a, SIGSTOP);
    stop_or_continue(line, SIGCONT);
    assert_true(is_readable(line->wake_fd, PATIENCE_MS));
    /* Told before the other line wakes nst. */
    assert_int_equal(control_receive(line->control_fd, MSG_DONTWAIT, &record, NULL, NULL), 1);
    assert_int_equal(record.kind, CONTROL_CONTINUED);
    assert_int_equal(control_receive(line->wake_fd, 0, &record, NULL, NULL), 1);
    assert_false(is_readable(line->wake_fd, 0));
}

static void the_wake_line_ends_with_init(void **state)
{
    const struct line *line = *state;
    struct control_record record;
    kill(line->program, SIGKILL);
    assert_true(is_readable(line->wake_fd, PATIENCE_MS));
    assert_int_equal(control_receive(line->wake_fd, 0, &record, NULL, NULL), 0);
    assert_int_equal(control_receive(line->control_fd, 0, &record, NULL, NULL), 1);
    assert_int_equal(record.kind, CONTROL_EXITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_stop_is_told_when_the_line_was_full, start, stop),
        cmocka_unit_test_setup_teardown(the_last_continuation_is_told_when_the_line_was_full, start,
                                        stop),
        cmocka_unit_test_setup_teardown(the_wake_line_speaks_of_continuations_only, start, stop),
        cmocka_unit_test_setup_teardown(the_wake_line_ends_with_init, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
