/* SPDX-License-Identifier: Apache-2.0 */
/* Message headers of a program. */
#include "testing.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "notify/notify_message.h"

static int parse(const struct msghdr *header, struct notify_message *ret)
{
    uint8_t bytes[sizeof(*header)];
    memcpy(bytes, header, sizeof(bytes));
    return notify_message_parse(bytes, ret);
}

static void a_header_is_taken_apart(void **state)
{
    struct iovec pieces[3];
    char name[16], control[32];
    const struct msghdr header = {.msg_name = name,
                                  .msg_namelen = sizeof(name),
                                  .msg_iov = pieces,
                                  .msg_iovlen = 3,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control)};
    struct notify_message message;
    assert_int_equal(parse(&header, &message), 0);
    assert_int_equal(message.name, (uintptr_t)name);
    assert_int_equal(message.name_len, 16);
    assert_int_equal(message.pieces, (uintptr_t)pieces);
    assert_int_equal(message.piece_count, 3);
    assert_int_equal(message.control, (uintptr_t)control);
    assert_int_equal(message.control_len, 32);
}

static void counts_and_lengths_are_bounded(void **state)
{
    struct notify_message message;
    assert_int_equal(parse(&(struct msghdr){.msg_iovlen = NOTIFY_PIECES_MAX}, &message), 0);
    assert_int_equal(parse(&(struct msghdr){.msg_iovlen = NOTIFY_PIECES_MAX + 1}, &message),
                     -EMSGSIZE);
    assert_int_equal(parse(&(struct msghdr){.msg_iovlen = SIZE_MAX}, &message), -EMSGSIZE);
    assert_int_equal(parse(&(struct msghdr){.msg_namelen = (socklen_t)-1}, &message), -EINVAL);
    char name;
    assert_int_equal(parse(&(struct msghdr){.msg_name = &name}, &message), 0);
    assert_int_equal(message.name, 0); /* without a length it is none */
}

static void pieces_are_cut_where_the_room_ends(void **state)
{
    struct iovec pieces[] = {{.iov_len = 10}, {.iov_len = 0}, {.iov_len = 20}, {.iov_len = 5}};
    size_t size;
    assert_int_equal(notify_message_measure(pieces, 4, 100, &size), 0);
    assert_int_equal(size, 35);
    assert_int_equal(pieces[2].iov_len, 20);
    assert_int_equal(notify_message_measure(pieces, 4, 12, &size), 0);
    assert_int_equal(size, 35);
    assert_int_equal(pieces[0].iov_len, 10);
    assert_int_equal(pieces[2].iov_len, 2);
    assert_int_equal(pieces[3].iov_len, 0);
    assert_int_equal(notify_message_measure(NULL, 0, 12, &size), 0);
    assert_int_equal(size, 0);
}

static void lengths_that_overflow_are_nonsense(void **state)
{
    struct iovec pieces[] = {{.iov_len = SSIZE_MAX}, {.iov_len = 1}};
    size_t size;
    assert_int_equal(notify_message_measure(pieces, 2, 100, &size), -EINVAL);
    pieces[0].iov_len = SIZE_MAX;
    assert_int_equal(notify_message_measure(pieces, 1, 100, &size), -EINVAL);
    pieces[0].iov_len = SSIZE_MAX;
    assert_int_equal(notify_message_measure(pieces, 1, 100, &size), 0);
    assert_int_equal(size, SSIZE_MAX);
    assert_int_equal(pieces[0].iov_len, 100);
}

TESTS({"a header is taken apart", a_header_is_taken_apart},
      {"counts and lengths are bounded", counts_and_lengths_are_bounded},
      {"pieces are cut where the room ends", pieces_are_cut_where_the_room_ends},
      {"lengths that overflow are nonsense", lengths_that_overflow_are_nonsense})
