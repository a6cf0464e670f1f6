/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "base/check.h"
#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ipproto.h"
#include "wire/tcp.h"

#define PEER(port)    GUEST_END(GUEST_PEER, port)
#define FOREIGN(port) GUEST_END(GUEST_FOREIGN, port)

static struct guest *start_with(uint32_t pending_max, uint64_t memory)
{
    struct guest *g = guest_new(&(struct guest_config){.open = true, .memory = memory});
    const struct nst_forwarder_config config = {.size = sizeof(config),
                                                .tcp = true,
                                                .udp = true,
                                                .icmp_echo = true,
                                                .pending_max = pending_max};
    assert_int_equal(nst_forwarder_start(g->stack, &config), 0);
    return g;
}

static struct guest *start(void)
{
    return start_with(0, 0);
}

static void inject_datagram(struct guest *g, uint16_t port, const char *text)
{
    guest_inject_udp(g, &PEER(port), &FOREIGN(53), text, strlen(text));
}

static void inject_segment(struct guest *g, uint16_t port, uint32_t seq, uint16_t flags)
{
    uint8_t body[TCP_HDR_LEN];
    const struct nst_addr peer = GUEST_PEER, foreign = GUEST_FOREIGN;
    tcp_build(body, &(struct tcp_hdr){.src_port = port,
                                      .dst_port = 80,
                                      .seq = seq,
                                      .flags = flags,
                                      .wnd = 1000,
                                      .hdr_len = TCP_HDR_LEN});
    const uint32_t pseudo = csum_pseudo(&peer, &foreign, IP_PROTO_TCP, TCP_HDR_LEN);
    tcp_csum_put(body, csum_short(body, sizeof(body), pseudo));
    guest_inject(g, &peer, &foreign, IP_PROTO_TCP, body, sizeof(body));
}

static void inject_ping(struct guest *g, uint16_t id, uint16_t seq)
{
    const struct nst_addr foreign = GUEST_FOREIGN;
    guest_inject_echo(g, ICMP4_ECHO_REQUEST, &PEER(id), &foreign, seq, "data");
}

/* The next request, which has to be there. */
static struct nst_request_info next(struct guest *g)
{
    struct nst_request_info info;
    assert_true(nst_request_next(g->stack, &info));
    return info;
}

static void assert_none(struct guest *g)
{
    struct nst_request_info info;
    assert_false(nst_request_next(g->stack, &info));
}

static nst_socket accept(struct guest *g, nst_request request)
{
    nst_socket s;
    assert_int_equal(nst_request_accept(g->stack, request, &s), 0);
    assert_false(nst_request_is_alive(g->stack, request));
    return s;
}

static void a_datagram_becomes_a_request_and_then_a_socket(void **state)
{
    struct guest *g = start();
    struct nst_endpoint end;
    struct nst_message m;
    char text[16];

    inject_datagram(g, 1000, "one");
    inject_datagram(g, 1000, "two");
    const struct nst_request_info info = next(g);
    assert_none(g);
    assert_int_equal(info.type, NST_DATAGRAM);
    assert_memory_equal(&info.local.addr, &FOREIGN(0).addr, 16);
    assert_memory_equal(&info.remote.addr, &PEER(0).addr, 16);
    assert_int_equal(info.local.port, 53);
    assert_int_equal(info.remote.port, 1000);
    assert_int_equal(info.remote.nic, g->nic);
    assert_int_equal(guest_count(g), 0);
    const nst_socket s = accept(g, info.request);
    inject_datagram(g, 1000, "three");
    assert_none(g);
    assert_int_equal(nst_socket_recvfrom(g->stack, s, text, 16, 0, &m), 3);
    assert_memory_equal(text, "one", 3);
    assert_int_equal(m.local.port, 53);
    assert_int_equal(m.ttl, 61);
    assert_int_equal(nst_socket_recv(g->stack, s, text, 16, 0), 3);
    assert_int_equal(nst_socket_recv(g->stack, s, text, 16, 0), 5);
    assert_int_equal(nst_socket_get_local(g->stack, s, &end), 0);
    assert_memory_equal(&end.addr, &FOREIGN(0).addr, 16);
    /* The answer comes from whom the guest asked. */
    assert_int_equal(nst_socket_send(g->stack, s, "reply", 5, 0), 5);
    guest_run(g);
    assert_int_equal(guest_proto(guest_last(g)), IP_PROTO_UDP);
    assert_memory_equal(guest_last(g)->data + 12, &FOREIGN(0).addr.b[12], 4);
    assert_memory_equal(guest_last(g)->data + 16, &PEER(0).addr.b[12], 4);
    /* After the close the flow is a new one. */
    assert_int_equal(nst_socket_close(g->stack, s), 0);
    inject_datagram(g, 1000, "again");
    assert_true(next(g).request != info.request);
    guest_free(g);
}

static void an_echo_request_becomes_a_responder(void **state)
{
    struct guest *g = start();
    uint8_t message[32];
    struct icmp4_hdr hdr;
    size_t len;

    inject_ping(g, 7, 1);
    const struct nst_request_info info = next(g);
    assert_int_equal(info.type, NST_PING);
    assert_int_equal(info.remote.port, 7);
    const nst_socket s = accept(g, info.request);
    inject_ping(g, 7, 2);
    inject_ping(g, 8, 1); /* another flow */
    assert_int_equal(next(g).remote.port, 8);
    assert_none(g);
    for (uint16_t seq = 1; seq <= 2; seq++) {
        assert_int_equal(nst_socket_recv(g->stack, s, message, 32, 0), 12);
        assert_int_equal(message[0], ICMP4_ECHO_REQUEST);
        assert_int_equal(be16_get(message + 6), seq);
    }
    assert_int_equal(nst_socket_recv(g->stack, s, message, 32, 0), -NST_EAGAIN);
    /* A reply as the host's own ping socket gives it: another identifier. */
    be16_put(message + 4, 4711);
    assert_int_equal(nst_socket_send(g->stack, s, message, 12, 0), 12);
    guest_run(g);
    const uint8_t *body = guest_body(guest_last(g), &len);
    assert_true(icmp4_parse(body, len, &hdr) != 0);
    assert_int_equal(hdr.type, ICMP4_ECHO_REPLY);
    assert_int_equal(hdr.id, 7);
    assert_int_equal(hdr.seq, 2);
    assert_memory_equal(body + 8, "data", 4);
    assert_memory_equal(guest_last(g)->data + 12, &FOREIGN(0).addr.b[12], 4);
    assert_int_equal(nst_socket_sendto(g->stack, s, message, 12, 0, &PEER(0)), -NST_EISCONN);
    guest_free(g);
}

static void our_own_address_is_answered_and_not_forwarded(void **state)
{
    struct guest *g = start();
    const struct nst_addr ours = GUEST_OURS;

    guest_inject_echo(g, ICMP4_ECHO_REQUEST, &PEER(7), &ours, 1, "data");
    assert_none(g);
    assert_int_equal(guest_body(guest_last(g), &(size_t){0})[0], ICMP4_ECHO_REPLY);
    /* A closed UDP port of ours is asked for too: the gateway stands for the host. */
    guest_inject_udp(g, &PEER(7), &GUEST_END(GUEST_OURS, 99), "x", 1);
    assert_int_equal(next(g).local.port, 99);
    guest_free(g);
}

static void a_socket_of_ours_comes_first(void **state)
{
    struct guest *g = start();
    nst_socket s;
    char c;

    assert_int_equal(nst_socket_open(g->stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_bind(g->stack, s, &(struct nst_endpoint){.port = 53}), 0);
    inject_datagram(g, 1000, "x");
    assert_none(g);
    assert_int_equal(nst_socket_recv(g->stack, s, &c, 1, 0), 1);
    guest_free(g);
}

static void a_syn_makes_one_request_however_often_it_comes(void **state)
{
    struct guest *g = start();

    inject_segment(g, 1000, 77, TCP_SYN);
    inject_segment(g, 1000, 77, TCP_SYN);
    const struct nst_request_info info = next(g);
    assert_int_equal(info.type, NST_STREAM);
    assert_int_equal(info.local.port, 80);
    inject_segment(g, 1000, 99, TCP_SYN); /* begun anew */
    inject_segment(g, 1001, 77, TCP_SYN);
    assert_int_equal(next(g).remote.port, 1001);
    assert_none(g);
    assert_true(nst_request_is_alive(g->stack, info.request));
    assert_int_equal(guest_count(g), 0);
    assert_int_equal(guest_counter(g, "requests_made"), 2);
    guest_free(g);
}

static void a_reset_kills_a_request_if_it_knows_its_number(void **state)
{
    struct guest *g = start();
    nst_socket s;

    inject_segment(g, 1000, 77, TCP_SYN);
    const nst_request request = next(g).request;
    inject_segment(g, 1000, 500, TCP_RST);
    inject_segment(g, 1001, 78, TCP_RST);
    assert_true(nst_request_is_alive(g->stack, request));
    inject_segment(g, 1000, 78, TCP_RST);
    assert_false(nst_request_is_alive(g->stack, request));
    assert_int_equal(nst_request_accept(g->stack, request, &s), -NST_EBADHANDLE);
    assert_int_equal(nst_request_refuse(g->stack, request, NST_REFUSE_RESET), -NST_EBADHANDLE);
    assert_int_equal(guest_counter(g, "requests_expired"), 1);
    guest_free(g);
}

static void a_request_that_was_never_shown_dies_unseen(void **state)
{
    struct guest *g = start();
    inject_segment(g, 1000, 77, TCP_SYN);
    inject_segment(g, 1000, 78, TCP_RST);
    assert_none(g);
    guest_free(g);
}

static void requests_expire_after_a_minute_oldest_first(void **state)
{
    struct guest *g = start();

    inject_datagram(g, 1000, "a");
    guest_wait(g, 30 * NST_SEC);
    inject_segment(g, 1000, 77, TCP_SYN);
    const nst_request first = next(g).request, second = next(g).request;
    guest_wait(g, 30 * NST_SEC - 1);
    assert_true(nst_request_is_alive(g->stack, first));
    guest_wait(g, NST_MSEC);
    assert_false(nst_request_is_alive(g->stack, first));
    assert_true(nst_request_is_alive(g->stack, second));
    assert_true(nst_stack_next_deadline(g->stack) <= WORLD_START + 90 * NST_SEC);
    guest_wait(g, 30 * NST_SEC);
    assert_false(nst_request_is_alive(g->stack, second));
    assert_int_equal(guest_counter(g, "requests_expired"), 2);
    assert_int_equal(guest_counter(g, "drop_request_ended"), 2);
    guest_free(g);
}

static void the_cap_evicts_the_oldest_of_its_kind(void **state)
{
    struct guest *g = start_with(4, 0);
    nst_request r[6];

    inject_segment(g, 1000, 77, TCP_SYN);
    const nst_request stream = next(g).request;
    for (uint16_t i = 0; i < 6; i++) {
        inject_datagram(g, (uint16_t)(1000 + i), "x");
        r[i] = next(g).request;
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(nst_request_is_alive(g->stack, r[i]), i >= 2);
    assert_true(nst_request_is_alive(g->stack, stream));
    assert_int_equal(guest_counter(g, "drop_request_limit"), 2);
    guest_free(g);
}

static void a_flow_holds_at_most_sixteen_datagrams(void **state)
{
    struct guest *g = start();
    char c;

    for (int i = 0; i < 20; i++)
        inject_datagram(g, 1000, "x");
    const nst_socket s = accept(g, next(g).request);
    for (int i = 0; i < 16; i++)
        assert_int_equal(nst_socket_recv(g->stack, s, &c, 1, 0), 1);
    assert_int_equal(nst_socket_recv(g->stack, s, &c, 1, 0), -NST_EAGAIN);
    assert_int_equal(guest_counter(g, "drop_request_limit"), 4);
    guest_free(g);
}

static void a_flood_leaves_the_budget_alone(void **state)
{
    struct guest *g = start_with(0, 4 << 20);
    static uint8_t data[1400];
    struct nst_memory before, m;

    nst_stack_get_memory(g->stack, &before);
    for (uint32_t i = 0; i < 30000; i++) {
        const struct nst_endpoint to =
            GUEST_END(nst_addr_v4(198, 18, (uint8_t)(i >> 8), (uint8_t)i), 9);
        guest_inject_udp(g, &PEER((uint16_t)(1024 + i)), &to, data, sizeof(data));
    }
    nst_stack_get_memory(g->stack, &m);
    assert_true(m.used < m.limit / 2);
    nst_forwarder_stop(g->stack);
    guest_wait(g, 10 * NST_SEC);
    guest_wait(g, 10 * NST_SEC);
    nst_stack_get_memory(g->stack, &m);
    assert_true(m.used <= before.used + 64 * 1024);
    guest_free(g);
}

static void refusals_answer_as_they_say(void **state)
{
    const struct {
        enum nst_refusal how;
        int type, code;
    } cases[] = {
        {NST_REFUSE_RESET, ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE},
        {NST_REFUSE_HOST_UNREACHABLE, ICMP4_UNREACHABLE, ICMP4_HOST_UNREACHABLE},
        {NST_REFUSE_NET_UNREACHABLE, ICMP4_UNREACHABLE, ICMP4_NET_UNREACHABLE},
        {NST_REFUSE_PROHIBITED, ICMP4_UNREACHABLE, ICMP4_ADMIN_PROHIBITED},
        {NST_REFUSE_DROP, -1, -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest *g = start();
        size_t len;
        inject_datagram(g, 1000, "x");
        assert_int_equal(nst_request_refuse(g->stack, next(g).request, cases[i].how), 0);
        guest_run(g);
        assert_int_equal(guest_count(g), cases[i].type >= 0);
        if (guest_count(g) > 0) {
            const uint8_t *body = guest_body(guest_last(g), &len);
            assert_int_equal(body[0], cases[i].type);
            assert_int_equal(body[1], cases[i].code);
            assert_memory_equal(body + 8 + 16, &FOREIGN(0).addr.b[12], 4);
            assert_int_equal(be16_get(body + 8 + 20), 1000);
        }
        assert_int_equal(guest_counter(g, "drop_request_ended"), 1);
        guest_free(g);
    }
}

static void a_socket_of_a_request_can_still_be_refused(void **state)
{
    static const struct {
        enum nst_refusal how;
        int code, code_of_ping;
    } cases[] = {
        {NST_REFUSE_RESET, ICMP4_PORT_UNREACHABLE, ICMP4_HOST_UNREACHABLE},
        {NST_REFUSE_HOST_UNREACHABLE, ICMP4_HOST_UNREACHABLE, ICMP4_HOST_UNREACHABLE},
        {NST_REFUSE_NET_UNREACHABLE, ICMP4_NET_UNREACHABLE, ICMP4_NET_UNREACHABLE},
        {NST_REFUSE_PROHIBITED, ICMP4_ADMIN_PROHIBITED, ICMP4_ADMIN_PROHIBITED},
    };
    struct guest *g = start();
    char text[16];
    size_t len;

    inject_datagram(g, 1000, "first");
    const nst_socket udp = accept(g, next(g).request);
    inject_ping(g, 7, 1);
    const nst_socket ping = accept(g, next(g).request);
    inject_datagram(g, 1000, "the last one");
    inject_ping(g, 7, 2);
    assert_int_equal(nst_socket_recv(g->stack, udp, text, 16, 0), 5);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        const bool is_udp = i % 2 == 0;
        memlink_clear(&g->w.memlink);
        assert_int_equal(nst_socket_refuse(g->stack, is_udp ? udp : ping, cases[i / 2].how), 0);
        guest_run(g);
        const uint8_t *body = guest_body(guest_last(g), &len);
        assert_int_equal(guest_proto(guest_last(g)), IP_PROTO_ICMP);
        assert_int_equal(body[0], ICMP4_UNREACHABLE);
        assert_int_equal(body[1], is_udp ? cases[i / 2].code : cases[i / 2].code_of_ping);
        /* The quote: the IP header and 8 bytes, of the last packet that came. */
        assert_int_equal(len, 8 + 20 + 8);
        assert_memory_equal(body + 8 + 12, &PEER(0).addr.b[12], 4);
        assert_memory_equal(body + 8 + 16, &FOREIGN(0).addr.b[12], 4);
        assert_int_equal(be16_get(body + 8 + 2), is_udp ? 20 + 8 + 12 : 20 + 12);
        assert_int_equal(be16_get(body + 8 + 20 + (is_udp ? 0 : 4)), is_udp ? 1000 : 7);
    }
    memlink_clear(&g->w.memlink);
    assert_int_equal(nst_socket_refuse(g->stack, udp, NST_REFUSE_DROP), 0);
    guest_run(g);
    assert_int_equal(guest_count(g), 0);
    /* It lives on. */
    assert_int_equal(nst_socket_recv(g->stack, udp, text, 16, 0), 12);
    assert_int_equal(nst_socket_send(g->stack, udp, "x", 1, 0), 1);
    guest_free(g);
}

static void what_was_no_request_cannot_be_refused(void **state)
{
    struct guest *g = start();
    nst_socket s;

    assert_int_equal(nst_socket_refuse(g->stack, 0, NST_REFUSE_RESET), -NST_EBADHANDLE);
    for (int type = NST_STREAM; type <= NST_PING; type++) {
        assert_int_equal(nst_socket_open(g->stack, (enum nst_socket_type)type, &s), 0);
        assert_int_equal(nst_socket_refuse(g->stack, s, NST_REFUSE_RESET),
                         type == NST_STREAM ? -NST_EPROTOTYPE : -NST_EINVAL);
        assert_int_equal(nst_socket_close(g->stack, s), 0);
        assert_int_equal(nst_socket_refuse(g->stack, s, NST_REFUSE_RESET), -NST_EBADHANDLE);
    }
    guest_free(g);
}

static void refusing_sockets_keeps_to_the_limits_of_icmp(void **state)
{
    struct guest *g = start();

    inject_datagram(g, 1000, "x");
    const nst_socket s = accept(g, next(g).request);
    for (int i = 0; i < 200; i++)
        assert_int_equal(nst_socket_refuse(g->stack, s, NST_REFUSE_RESET), 0);
    guest_run(g);
    assert_int_equal(guest_count(g), 50); /* N106 */
    assert_int_equal(guest_counter(g, "icmp4_errors_limited"), 150);
    guest_free(g);
}

static void announces_itself_on_the_ready_list(void **state)
{
    struct guest *g = start();
    struct nst_ready ready[4];

    assert_int_equal(nst_ready_list(g->stack, ready, 4), 0);
    inject_datagram(g, 1000, "x");
    inject_datagram(g, 1001, "x");
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 1);
    assert_int_equal(ready[0].socket, 0);
    assert_int_equal(ready[0].events, NST_READY_REQUEST);
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 0);
    inject_datagram(g, 1002, "x");
    assert_int_equal(nst_ready_list(g->stack, ready, 4), 1);
    guest_free(g);
}

static void takes_only_what_it_is_told_to(void **state)
{
    struct guest *g = guest_new(&(struct guest_config){.open = true});
    struct nst_forwarder_config config = {.size = sizeof(config), .udp = true};

    assert_int_equal(nst_forwarder_start(g->stack, &config), 0);
    inject_segment(g, 1000, 1, TCP_SYN);
    inject_ping(g, 7, 1);
    assert_none(g);
    config.nic = g->nic + 1;
    assert_int_equal(nst_forwarder_start(g->stack, &config), 0);
    inject_datagram(g, 1000, "x");
    assert_none(g);
    config.nic = g->nic;
    assert_int_equal(nst_forwarder_start(g->stack, &config), 0);
    inject_datagram(g, 1000, "x");
    next(g);
    config.size = 1;
    assert_int_equal(nst_forwarder_start(g->stack, &config), -NST_EINVAL);
    guest_free(g);
}

static void stop_drops_requests_and_spares_sockets(void **state)
{
    struct guest *g = start();
    char c;

    inject_datagram(g, 1000, "x");
    inject_ping(g, 7, 1);
    const nst_socket datagram = accept(g, next(g).request);
    const nst_socket ping = accept(g, next(g).request);
    inject_datagram(g, 1001, "x");
    const nst_request request = next(g).request;
    nst_forwarder_stop(g->stack);
    nst_forwarder_stop(g->stack);
    assert_false(nst_request_is_alive(g->stack, request));
    inject_datagram(g, 1000, "x");
    inject_ping(g, 7, 2);
    assert_none(g);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nst_socket_recv(g->stack, datagram, &c, 1, 0), 1);
        assert_int_equal(nst_socket_recv(g->stack, ping, &c, 1, 0), 1);
    }
    guest_free(g);
}

static void a_removed_nic_takes_its_requests_along(void **state)
{
    struct guest *g = start();
    nst_socket s;

    inject_datagram(g, 1000, "x");
    inject_datagram(g, 1001, "x");
    const nst_request a = next(g).request, b = next(g).request;
    assert_int_equal(nst_nic_remove(g->stack, g->nic), 0);
    assert_int_equal(nst_request_accept(g->stack, a, &s), -NST_EBADHANDLE);
    assert_int_equal(nst_request_refuse(g->stack, b, NST_REFUSE_RESET), 0);
    guest_free(g);
}

static void refused_memory_never_hurts_and_accept_can_be_tried_again(void **state)
{
    for (int n = 0; n < 40; n++) {
        struct guest *g = guest_new(&(struct guest_config){.open = true});
        const struct nst_forwarder_config config = {
            .size = sizeof(config), .tcp = true, .udp = true, .icmp_echo = true};
        struct nst_request_info info;
        nst_socket s;
        guest_fail_after(g, n);
        const int r = nst_forwarder_start(g->stack, &config);
        assert_true(r == 0 || r == -NST_ENOMEM);
        inject_datagram(g, 1000, "x");
        inject_ping(g, 7, 1);
        inject_segment(g, 1000, 1, TCP_SYN);
        guest_fail_after(g, 0);
        while (nst_request_next(g->stack, &info)) {
            if (info.type == NST_STREAM)
                continue;
            const int first = nst_request_accept(g->stack, info.request, &s);
            assert_true(first == 0 || first == -NST_ENOMEM);
            guest_fail_after(g, -1);
            if (first < 0) {
                assert_true(nst_request_is_alive(g->stack, info.request));
                accept(g, info.request);
            }
            guest_fail_after(g, 0);
        }
        guest_free(g);
    }
}

TESTS({"a datagram becomes a request, and then a socket",
       a_datagram_becomes_a_request_and_then_a_socket},
      {"an echo request becomes a responder", an_echo_request_becomes_a_responder},
      {"pings of our own address are answered, its closed ports forwarded",
       our_own_address_is_answered_and_not_forwarded},
      {"a socket of ours comes first", a_socket_of_ours_comes_first},
      {"a SYN makes one request however often it comes",
       a_syn_makes_one_request_however_often_it_comes},
      {"a reset kills a request if it knows its sequence number",
       a_reset_kills_a_request_if_it_knows_its_number},
      {"a request that was never shown dies unseen", a_request_that_was_never_shown_dies_unseen},
      {"requests expire after a minute, oldest first", requests_expire_after_a_minute_oldest_first},
      {"the cap evicts the oldest of its kind", the_cap_evicts_the_oldest_of_its_kind},
      {"a flow holds at most sixteen datagrams", a_flow_holds_at_most_sixteen_datagrams},
      {"a flood leaves the budget alone", a_flood_leaves_the_budget_alone},
      {"refusals answer as they say", refusals_answer_as_they_say},
      {"a socket of a request can still be refused", a_socket_of_a_request_can_still_be_refused},
      {"what was no request cannot be refused", what_was_no_request_cannot_be_refused},
      {"refusing sockets keeps to the limits of ICMP",
       refusing_sockets_keeps_to_the_limits_of_icmp},
      {"announces itself on the ready list", announces_itself_on_the_ready_list},
      {"takes only what it is told to", takes_only_what_it_is_told_to},
      {"stop drops requests and spares sockets", stop_drops_requests_and_spares_sockets},
      {"a removed NIC takes its requests along", a_removed_nic_takes_its_requests_along},
      {"refused memory never hurts, and accept can be tried again",
       refused_memory_never_hurts_and_accept_can_be_tried_again})
