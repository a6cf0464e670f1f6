/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

static nst_socket open_socket(struct guest *g)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(g->stack, NST_DATAGRAM, &s), 0);
    return s;
}

static int64_t value_of(struct guest *g, nst_socket s, enum nst_option option)
{
    int64_t value = -1;
    assert_int_equal(nst_socket_get(g->stack, s, option, &value), 0);
    return value;
}

static void what_is_set_can_be_read(void **state)
{
    const struct {
        enum nst_option option;
        int64_t initial, value;
    } cases[] = {
        {NST_OPT_REUSE_ADDRESS, 0, 1},
        {NST_OPT_REUSE_PORT, 0, 1},
        {NST_OPT_BROADCAST, 0, 1},
        {NST_OPT_TTL, 64, 1},
        {NST_OPT_TTL, 64, 255},
        {NST_OPT_TOS, 0, 255},
        {NST_OPT_RECEIVE_BUFFER, 262144, 65536},
        {NST_OPT_SEND_BUFFER, 262144, 10000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest *g = guest_new(NULL);
        const nst_socket s = open_socket(g);
        assert_int_equal(value_of(g, s, cases[i].option), cases[i].initial);
        assert_int_equal(nst_socket_set(g->stack, s, cases[i].option, cases[i].value), 0);
        assert_int_equal(value_of(g, s, cases[i].option), cases[i].value);
        guest_free(g);
    }
}

static void wrong_values_and_options_are_refused(void **state)
{
    const struct {
        enum nst_option option;
        int64_t value;
        int error;
    } cases[] = {
        {NST_OPT_REUSE_ADDRESS, 2, -NST_EINVAL},
        {NST_OPT_BROADCAST, -1, -NST_EINVAL},
        {NST_OPT_TTL, 0, -NST_EINVAL},
        {NST_OPT_TTL, 256, -NST_EINVAL},
        {NST_OPT_TOS, -1, -NST_EINVAL},
        {NST_OPT_TOS, 256, -NST_EINVAL},
        {NST_OPT_RECEIVE_BUFFER, -1, -NST_EINVAL},
        {NST_OPT_SEND_QUEUED, 0, -NST_EOPNOTSUPP},
        {NST_OPT_SEND_ROOM, 0, -NST_EOPNOTSUPP},
        {NST_OPT_RECEIVE_QUEUED, 0, -NST_EOPNOTSUPP},
        {NST_OPT_TCP_NODELAY, 1, -NST_ENOPROTOOPT},
        {NST_OPT_LINGER, 0, -NST_ENOPROTOOPT},
        {(enum nst_option)0, 0, -NST_ENOPROTOOPT},
        {(enum nst_option)99, 0, -NST_ENOPROTOOPT},
    };
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_socket(g);
    int64_t value = 77;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(nst_socket_set(g->stack, s, cases[i].option, cases[i].value),
                         cases[i].error);
    assert_int_equal(nst_socket_get(g->stack, s, NST_OPT_TCP_CORK, &value), -NST_ENOPROTOOPT);
    assert_int_equal(nst_socket_get(g->stack, s, (enum nst_option)99, &value), -NST_ENOPROTOOPT);
    assert_int_equal(value, 77);
    guest_free(g);
}

static void buffers_stay_within_reason(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_socket(g);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_BUFFER, 0), 0);
    assert_in_range(value_of(g, s, NST_OPT_RECEIVE_BUFFER), 1, 65536);
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_RECEIVE_BUFFER, INT64_MAX), 0);
    assert_in_range(value_of(g, s, NST_OPT_RECEIVE_BUFFER), 1, 1 << 30);
    guest_free(g);
}

static void the_send_buffer_bounds_a_datagram(void **state)
{
    struct guest *g = guest_new(NULL);
    const nst_socket s = open_socket(g);
    static uint8_t data[5001];
    assert_int_equal(nst_socket_set(g->stack, s, NST_OPT_SEND_BUFFER, 5000), 0);
    assert_int_equal(value_of(g, s, NST_OPT_SEND_ROOM), 5000);
    assert_int_equal(nst_socket_sendto(g->stack, s, data, 5001, 0, &GUEST_END(GUEST_PEER, 9)),
                     -NST_EMSGSIZE);
    assert_int_equal(nst_socket_sendto(g->stack, s, data, 5000, 0, &GUEST_END(GUEST_PEER, 9)),
                     5000);
    guest_free(g);
}

TESTS({"what is set can be read", what_is_set_can_be_read},
      {"wrong values and options are refused", wrong_values_and_options_are_refused},
      {"buffers stay within reason", buffers_stay_within_reason},
      {"the send buffer bounds a datagram", the_send_buffer_bounds_a_datagram})
