/* SPDX-License-Identifier: Apache-2.0 */
/* The process that opens devices for nst up: what it is asked amiss, and its end. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nicstack/types.h>

#include "attach/control.h"
#include "up/opener.h"

static void start(struct opener *o)
{
    *o = (struct opener){0};
    assert_int_equal(opener_start(o), 0);
    assert_true(o->pid > 0);
}

static void an_interface_that_is_not_there_is_an_error(void **state)
{
    struct opener o;
    uint32_t mtu = 7;
    start(&o);
    assert_true(opener_open(&o, TYPE_PACKET, "nst-none", &mtu) < 0);
    assert_int_equal(opener_open(&o, TYPE_PIPE, "a", &mtu), -NST_EINVAL);
    assert_int_equal(opener_open(&o, TYPE_TAP, "a-name-that-is-too-long", &mtu), -NST_EINVAL);
    assert_true(opener_open(&o, TYPE_PACKET, "nst-none", &mtu) != -NST_EPIPE);
    opener_stop(&o);
}

/* A device's type, and a name that fills its room without an end. */
static void refuses_a_name_without_end(struct opener *o)
{
    uint8_t request[20];
    const uint32_t type = TYPE_TAP;
    struct control_record record;
    int fds[CONTROL_MAX_FDS];
    size_t count = 0;
    memset(request, 'a', sizeof(request));
    memcpy(request, &type, sizeof(type));
    assert_int_equal(send(o->fd, request, sizeof(request), 0), sizeof(request));
    assert_int_equal(control_receive(o->fd, 0, &record, fds, &count), 1);
    assert_int_equal(record.a, -NST_EINVAL);
    assert_int_equal(count, 0);
}

/* Every length but the right one, and a name without an end. */
static void what_is_no_request_ends_it_or_is_refused(void **state)
{
    uint8_t request[64];
    struct opener o;
    uint32_t mtu;
    memset(request, 'a', sizeof(request));
    for (size_t len = 1; len <= sizeof(request); len++) {
        start(&o);
        if (len == 20) {
            refuses_a_name_without_end(&o);
        } else {
            assert_int_equal(send(o.fd, request, len, 0), (ssize_t)len);
            assert_int_equal(opener_open(&o, TYPE_TAP, "a", &mtu), -NST_EPIPE);
        }
        opener_stop(&o);
    }
}

static void it_ends_with_the_last_who_can_ask(void **state)
{
    struct opener o;
    int status;
    uint32_t mtu;
    start(&o);
    assert_int_equal(opener_open(&o, TYPE_PIPE, "a", &mtu), -NST_EINVAL); /* it is there */
    kill(o.pid, SIGINT);                                                  /* Ctrl-C is not for it */
    close(o.fd);
    assert_int_equal(waitpid(o.pid, &status, 0), o.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct opener none = {0};
    opener_stop(&none);
}

TESTS({"an interface that is not there is an error", an_interface_that_is_not_there_is_an_error},
      {"what is no request ends it or is refused", what_is_no_request_ends_it_or_is_refused},
      {"it ends with the last who can ask", it_ends_with_the_last_who_can_ask})
