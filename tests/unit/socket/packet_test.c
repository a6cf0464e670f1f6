/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#define TYPE 0x88b5 /* a local experiment (RFC 9542 B.2) */

static const struct nst_frame_to to_peer = {
    .nic = 1, .dst = {{2, 0, 0, 0, 0, 9}}, .ethertype = TYPE};

static size_t frame_of(uint8_t *out, const char *text)
{
    return frame_eth(out, WORLD_MAC(55), RIG_PEER, TYPE, text, strlen(text));
}

static void inject(struct rig *l, int nic, const char *text)
{
    rig_inject(l, nic, WORLD_MAC((uint8_t)(1 + nic)), TYPE, text, strlen(text));
}

static void sends_frames_as_given(void **state)
{
    struct rig l;
    uint8_t frame[100];
    rig_begin(&l, 2, NULL);
    const nst_socket s = rig_bind(&l, NST_PACKET_RAW, TYPE, 1),
                     other = rig_bind(&l, NST_PACKET_RAW, 0, -1),
                     own = rig_bind(&l, NST_PACKET_RAW, 0, 1);
    const size_t n = frame_of(frame, "as it is");
    assert_int_equal(nst_socket_send(l.stack, s, frame, n, 0), n);
    rig_run(&l);
    assert_int_equal(l.link[1].count, 1);
    assert_int_equal(l.link[1].frames[0].len, n);
    assert_memory_equal(l.link[1].frames[0].data, frame, n);
    assert_int_equal(rig_counter(&l, 1, "tx_bytes"), n - 14);
    assert_int_equal(rig_counter(&l, 1, "tx_segments"), 1 + rig_counter(&l, 1, "tx_packets") - 1);
    /* The NIC can be named, and the sender does not hear itself. */
    assert_int_equal(nst_frame_send(l.stack, own, frame, n, &to_peer), n);
    rig_run(&l);
    assert_int_equal(l.link[0].count, 1);
    assert_int_equal(nst_socket_send(l.stack, own, frame, n, 0), n);
    rig_run(&l);
    assert_int_equal(rig_drain(&l, own), 1); /* what s sent */
    assert_int_equal(rig_drain(&l, other), 3);
    rig_end(&l);
}

static void pushes_the_header_of_cooked_ones(void **state)
{
    struct rig l;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_bind(&l, NST_PACKET_COOKED, TYPE, 0),
                     loose = rig_open(&l, NST_PACKET_COOKED);
    struct nst_frame_to to = {.dst = RIG_PEER};
    assert_int_equal(nst_frame_send(l.stack, s, "body", 4, &to), 4);
    assert_int_equal(nst_frame_send(l.stack, loose, "body", 4, &to), -NST_ENOTCONN);
    to.nic = 1;
    assert_int_equal(nst_frame_send(l.stack, loose, "body", 4, &to), -NST_EINVAL);
    to.ethertype = TYPE + 1;
    assert_int_equal(nst_frame_send(l.stack, loose, "body", 4, &to), 4);
    assert_int_equal(nst_frame_send(l.stack, s, "body", 4, NULL), -NST_ENOTCONN);
    assert_int_equal(nst_socket_send(l.stack, s, "body", 4, 0), -NST_ENOTCONN);
    assert_int_equal(nst_socket_sendto(l.stack, s, "body", 4, 0, &(struct nst_endpoint){.nic = 1}),
                     -NST_EPROTOTYPE);
    rig_run(&l);
    assert_int_equal(l.link[0].count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const uint8_t *frame = l.link[0].frames[i].data;
        assert_memory_equal(frame, RIG_PEER.b, 6);
        assert_memory_equal(frame + 6, WORLD_MAC(1).b, 6);
        assert_int_equal(be16_get(frame + 12), TYPE + i);
        assert_memory_equal(frame + 14, "body", 4);
    }
    rig_end(&l);
}

static void refuses_frames_that_cannot_be_sent(void **state)
{
    static uint8_t frame[1515];
    struct rig l;
    rig_begin(&l, 1, NULL);
    frame_of(frame, "");
    const nst_socket raw = rig_bind(&l, NST_PACKET_RAW, 0, 0), loose = rig_open(&l, NST_PACKET_RAW),
                     cooked = rig_bind(&l, NST_PACKET_COOKED, 0, 0), u = rig_open(&l, NST_DATAGRAM);
    struct nst_frame_to nowhere = {.nic = 9};
    for (size_t n = 0; n < 14; n++) /* every truncation of a link header */
        assert_int_equal(nst_socket_send(l.stack, raw, frame, n, 0), -NST_EINVAL);
    assert_int_equal(nst_socket_send(l.stack, raw, frame, 14, 0), 14);
    assert_int_equal(nst_socket_send(l.stack, raw, frame, 1514, 0), 1514);
    assert_int_equal(nst_socket_send(l.stack, raw, frame, 1515, 0), -NST_EMSGSIZE);
    assert_int_equal(nst_socket_send(l.stack, raw, frame, SIZE_MAX, 0), -NST_EMSGSIZE);
    assert_int_equal(nst_frame_send(l.stack, cooked, frame, 1501, &to_peer), -NST_EMSGSIZE);
    assert_int_equal(nst_frame_send(l.stack, cooked, frame, 0, &to_peer), -NST_EINVAL);
    assert_int_equal(nst_frame_send(l.stack, raw, frame, 20, &nowhere), -NST_ENOENT);
    assert_int_equal(nst_socket_send(l.stack, loose, frame, 20, 0), -NST_ENOTCONN);
    assert_int_equal(nst_frame_send(l.stack, raw, NULL, 20, NULL), -NST_EFAULT);
    assert_int_equal(nst_frame_send(l.stack, u, frame, 20, NULL), -NST_EPROTOTYPE);
    assert_int_equal(nst_frame_send(l.stack, 0, frame, 20, NULL), -NST_EBADHANDLE);
    rig_run(&l);
    assert_int_equal(l.link[0].count, 2);
    nst_nic_disable(l.stack, 1);
    assert_int_equal(nst_socket_send(l.stack, raw, frame, 20, 0), -NST_ENETDOWN);
    rig_end(&l);
}

static void a_full_nic_pushes_back(void **state)
{
    struct rig l;
    uint8_t frame[100];
    struct nst_ready ready[2];
    rig_begin(&l, 1, &(struct rig_config){.tx_queue_packets = 8});
    const nst_socket s = rig_bind(&l, NST_PACKET_RAW, TYPE, 0);
    const size_t n = frame_of(frame, "x");
    memlink_set_room(&l.link[0], 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(nst_socket_send(l.stack, s, frame, n, 0), n);
    assert_int_equal(nst_socket_send(l.stack, s, frame, n, 0), -NST_EAGAIN);
    assert_int_equal(nst_socket_events(l.stack, s), 0);
    assert_int_equal(nst_socket_watch(l.stack, s, NST_READY_OUT, NULL), 0);
    rig_run(&l);
    assert_int_equal(nst_ready_list(l.stack, ready, 2), 0);
    memlink_set_room(&l.link[0], UINT32_MAX);
    rig_run(&l);
    assert_int_equal(nst_ready_list(l.stack, ready, 2), 1);
    assert_int_equal(ready[0].events, NST_READY_OUT);
    assert_int_equal(nst_socket_send(l.stack, s, frame, n, 0), n);
    rig_end(&l);
}

static void the_receive_buffer_is_bounded(void **state)
{
    struct rig l;
    int64_t value;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_bind(&l, NST_PACKET_RAW, 0, 0);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_RECEIVE_BUFFER, 4096), 0);
    for (int i = 0; i < 100; i++)
        inject(&l, 0, "bounded");
    assert_int_equal(nst_socket_get(l.stack, s, NST_OPT_RECEIVE_DROPPED, &value), 0);
    const int got = rig_drain(&l, s);
    assert_true(got > 4 && value > 0);
    assert_int_equal(got + value, 100);
    assert_int_equal(rig_stack_counter(&l, "packet_buffer_full"), value);
    inject(&l, 0, "again"); /* there is room */
    assert_int_equal(rig_drain(&l, s), 1);
    assert_int_equal(nst_socket_get(l.stack, s, NST_OPT_RECEIVE_QUEUED, &value), 0);
    assert_int_equal(value, 0);
    rig_end(&l);
}

static void without_memory_a_frame_is_lost(void **state)
{
    struct rig l;
    static char text[1400];
    rig_begin(&l, 1, NULL);
    memset(text, 'x', sizeof(text) - 1);
    const nst_socket s = rig_bind(&l, NST_PACKET_RAW, 0, 0), u = rig_bind(&l, NST_DATAGRAM, 7, 0);
    struct nst_pktq q = {0};
    const size_t n =
        rig_build_udp(l.bytes, 0, RIG_V4, &(struct rig_udp){.dst_port = 7, .text = text});
    const size_t whole = frame_eth(l.frame, RIG_PEER, WORLD_MAC(1), NST_ETHERTYPE_IPV4, l.bytes, n);
    for (int i = 0; i < 20; i++)
        nst_pktq_push(&q, memlink_packet(&l.link[0], l.frame, whole));
    memlink_deliver(&l.link[0], &q);
    alloc_fail_after(&l.alloc, 0);
    rig_run(&l);
    alloc_fail_after(&l.alloc, -1);
    const uint64_t lost = rig_stack_counter(&l, "packet_buffer_full");
    assert_true(lost > 0);
    assert_int_equal(rig_drain(&l, s), 20 - lost);
    assert_int_equal(rig_drain(&l, u), 20); /* who was meant has all */
    rig_end(&l);
}

static void long_frames_are_cut(void **state)
{
    struct rig l;
    char data[8];
    struct nst_frame_info info;
    struct nst_message m;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_bind(&l, NST_PACKET_COOKED, TYPE, 0);
    for (int i = 0; i < 3; i++)
        inject(&l, 0, "0123456789");
    assert_int_equal(nst_frame_recv(l.stack, s, data, 8, NST_MSG_PEEK, &info), 8);
    assert_true(info.truncated && info.len == 10);
    assert_int_equal(nst_frame_recv(l.stack, s, data, 8, 0, &info), 8);
    assert_memory_equal(data, "01234567", 8);
    assert_int_equal(nst_frame_recv(l.stack, s, NULL, 0, 0, NULL), 0);
    assert_int_equal(nst_frame_recv(l.stack, s, NULL, 1, 0, NULL), -NST_EFAULT);
    assert_int_equal(nst_socket_recvfrom(l.stack, s, data, 8, 0, &m), 8);
    assert_true(m.truncated && m.local.nic == 1 && m.local.port == TYPE);
    assert_int_equal(nst_frame_recv(l.stack, s, data, 8, 0, &info), -NST_EAGAIN);
    rig_end(&l);
}

/* N8: a state, not an error. */
static void hears_of_its_nic(void **state)
{
    struct rig l;
    struct nst_ready ready[4];
    rig_begin(&l, 2, NULL);
    const nst_socket one = rig_bind(&l, NST_PACKET_RAW, 0, 0),
                     every = rig_bind(&l, NST_PACKET_RAW, 0, -1);
    nst_socket_watch(l.stack, one, NST_READY_DOWN, NULL);
    nst_socket_watch(l.stack, every, NST_READY_DOWN, NULL);
    assert_int_equal(nst_nic_disable(l.stack, 1), 0);
    rig_run(&l);
    assert_int_equal(nst_ready_list(l.stack, ready, 4), 1);
    assert_true(ready[0].socket == one && ready[0].events == NST_READY_DOWN);
    assert_int_equal(nst_socket_error(l.stack, one), 0);
    assert_int_equal(nst_nic_enable(l.stack, 1), 0);
    rig_run(&l);
    rig_drain(&l, one);
    inject(&l, 0, "again"); /* it is still registered */
    assert_int_equal(rig_drain(&l, one), 1);
    assert_int_equal(nst_socket_events(l.stack, one), NST_READY_OUT);
    rig_drain(&l, every);
    assert_int_equal(nst_nic_remove(l.stack, 1), 0);
    rig_run(&l);
    assert_true((nst_socket_events(l.stack, one) & NST_READY_DOWN) != 0);
    assert_int_equal(nst_socket_events(l.stack, every), NST_READY_OUT);
    inject(&l, 1, "other");
    assert_int_equal(nst_socket_recv(l.stack, one, NULL, 0, 0), -NST_EAGAIN);
    assert_int_equal(rig_drain(&l, every), 1);
    rig_end(&l);
}

static void is_a_socket_like_others(void **state)
{
    struct rig l;
    struct nst_endpoint at = {.port = 0x5ff};
    int64_t value;
    nst_socket accepted;
    rig_begin(&l, 1, NULL);
    const nst_socket s = rig_open(&l, NST_PACKET_RAW);
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EINVAL);
    at = (struct nst_endpoint){.addr = rig_addr(0, RIG_V4, 1)};
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_EINVAL);
    at = (struct nst_endpoint){.nic = 7};
    assert_int_equal(nst_socket_bind(l.stack, s, &at), -NST_ENOENT);
    assert_int_equal(nst_socket_recv(l.stack, s, NULL, 0, 0), -NST_EAGAIN);
    at = (struct nst_endpoint){.nic = 1, .port = TYPE};
    assert_int_equal(nst_socket_bind(l.stack, s, &at), 0);
    at = (struct nst_endpoint){0};
    assert_int_equal(nst_socket_get_local(l.stack, s, &at), 0);
    assert_true(at.nic == 1 && at.port == TYPE);
    assert_int_equal(nst_socket_get_remote(l.stack, s, &at), -NST_ENOTCONN);
    assert_int_equal(nst_socket_connect(l.stack, s, &at), -NST_EPROTOTYPE);
    assert_int_equal(nst_socket_listen(l.stack, s, 1), -NST_EPROTOTYPE);
    assert_int_equal(nst_socket_accept(l.stack, s, &accepted, NULL), -NST_EPROTOTYPE);
    assert_int_equal(nst_socket_shutdown(l.stack, s, NST_SHUT_SEND), -NST_EINVAL);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_TTL, 1), -NST_ENOPROTOOPT);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_RECEIVE_BUFFER, -1), -NST_EINVAL);
    assert_int_equal(nst_socket_set(l.stack, s, NST_OPT_RECEIVE_DROPPED, 0), -NST_EOPNOTSUPP);
    assert_int_equal(nst_socket_get(l.stack, s, NST_OPT_RECEIVE_BUFFER, &value), 0);
    assert_int_equal(nst_socket_events(l.stack, s), NST_READY_OUT);
    inject(&l, 0, "x");
    assert_int_equal(nst_socket_events(l.stack, s), NST_READY_OUT | NST_READY_IN);
    assert_int_equal(nst_socket_shutdown(l.stack, s, NST_SHUT_RECV), 0);
    assert_int_equal(nst_socket_recv(l.stack, s, NULL, 0, 0),
                     0); /* what came, with nothing of it */
    assert_int_equal(nst_socket_bind(l.stack, s, &(struct nst_endpoint){0}), 0);
    inject(&l, 0, "unread");
    rig_end(&l);
}

TESTS({"a raw packet socket sends frames as given, and does not hear itself",
       sends_frames_as_given},
      {"a cooked packet socket's frames get their link header", pushes_the_header_of_cooked_ones},
      {"frames that cannot be sent are refused", refuses_frames_that_cannot_be_sent},
      {"a full NIC pushes back", a_full_nic_pushes_back},
      {"the receive buffer is bounded and what finds no room is counted",
       the_receive_buffer_is_bounded},
      {"without memory a frame is lost and the packet goes on", without_memory_a_frame_is_lost},
      {"long frames are cut and tell their length", long_frames_are_cut},
      {"a packet socket hears that its NIC goes down or away", hears_of_its_nic},
      {"a packet socket is a socket like others", is_a_socket_like_others})
