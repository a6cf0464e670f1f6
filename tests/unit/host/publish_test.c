/* SPDX-License-Identifier: Apache-2.0 */
/* Publications: clients on the host's loopback are led to a stack inside, over a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "gate.h"

#define PORT 8080

struct port {
    struct gate w;
    struct nst_publication *publication;
    struct sockaddr_in at;     /* of the host's socket */
    struct nst_endpoint shown; /* what admit makes of every client; port 0: its own port */
    int refuse;                /* what admit says */
    struct nst_endpoint client;
    nst_socket server; /* inside */
};

static int admit(void *context, const struct nst_endpoint *client, struct nst_endpoint *ret_source)
{
    struct port *p = context;
    p->client = *client;
    ret_source->addr = p->shown.addr;
    if (p->shown.port != 0)
        ret_source->port = p->shown.port;
    return p->refuse;
}

static int publish(struct port *p, int type)
{
    socklen_t len = sizeof(p->at);
    p->at = (struct sockaddr_in){.sin_family = AF_INET};
    if (type == SOCK_STREAM)
        p->at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&p->at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&p->at, &len), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 64), 0);
    const struct nst_publish_config config = {
        .size = sizeof(config),
        .fd = fd,
        .inside = {.addr = p->w.hosts.hosts[0].addr, .port = PORT},
        .admit = admit,
        .udp_timeout = p->w.udp_timeout,
        .context = p,
    };
    return nst_gateway_publish(p->w.gateway, &config, &p->publication);
}

/* A server inside, unless it shall be closed. */
static void serve(struct port *p, enum nst_socket_type type)
{
    const struct nst_endpoint at = {.addr = p->w.hosts.hosts[0].addr, .port = PORT};
    assert_int_equal(nst_socket_open(p->w.inside, type, &p->server), 0);
    assert_int_equal(nst_socket_bind(p->w.inside, p->server, &at), 0);
    if (type == NST_STREAM)
        assert_int_equal(nst_socket_listen(p->w.inside, p->server, 64), 0);
}

static void port_init(struct port *p, int type, uint32_t flows_max)
{
    *p = (struct port){.shown.addr = OUTSIDE};
    gate_init(&p->w, flows_max);
    assert_int_equal(publish(p, type), 0);
}

static void port_fini(struct port *p)
{
    gate_fini(&p->w);
}

static int client_of(const struct port *p)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&p->at, sizeof(p->at)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static nst_socket accept_inside(struct port *p, struct nst_endpoint *ret_peer)
{
    nst_socket s = 0;
    WAIT_FOR(&p->w, nst_socket_accept(p->w.inside, p->server, &s, ret_peer) == 0);
    return s;
}

/* What the host says to a client whose connection was reset. */
static int wait_for_error(struct port *p, int fd)
{
    char byte;
    ssize_t n;
    WAIT_FOR(&p->w, (n = recv(fd, &byte, 1, 0)) == 0 || (n < 0 && errno != EAGAIN));
    return n == 0 ? 0 : errno;
}

/* ---- Streams ---- */

static void a_client_is_led_inside_as_itself(void **state)
{
    struct port p;
    struct nst_endpoint peer;
    char text[16] = "";
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    const uint16_t port = port_of(fd);
    nst_socket s = accept_inside(&p, &peer);
    const struct nst_addr loopback = nst_addr_v4(127, 0, 0, 1), outside = OUTSIDE;
    assert_true(nst_addr_equal(&p.client.addr, &loopback));
    assert_int_equal(p.client.port, port);
    assert_true(nst_addr_equal(&peer.addr, &outside));
    assert_int_equal(peer.port, port);
    assert_int_equal(send(fd, "request", 7, 0), 7);
    WAIT_FOR(&p.w, nst_socket_recv(p.w.inside, s, text, sizeof(text), 0) == 7);
    assert_string_equal(text, "request");
    assert_int_equal(nst_socket_send(p.w.inside, s, "answer", 6, 0), 6);
    WAIT_FOR(&p.w, recv(fd, text, sizeof(text), 0) == 6);
    assert_memory_equal(text, "answer", 6);
    assert_int_equal(stats(&p.w).published_flows, 1);
    assert_int_equal(stats(&p.w).tcp_flows, 1);
    assert_int_equal(stats(&p.w).active_tcp, 1);
    close(fd);
    WAIT_FOR(&p.w, recv_inside(&p.w, s) == 0);
    nst_socket_close(p.w.inside, s);
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(p.w.last.error, 0);
    assert_true(p.w.last.published);
    assert_int_equal(p.w.last.bytes_in, 7);
    assert_int_equal(p.w.last.bytes_out, 6);
    assert_int_equal(p.w.last.inside.port, PORT);
    assert_int_equal(p.w.last.outside.port, port);
    assert_true(nst_addr_equal(&p.w.last.outside.addr, &loopback));
    port_fini(&p);
}

static void each_direction_ends_for_itself(void **state)
{
    struct port p;
    char text[16] = "";
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    /* Before anything inside knows of it. */
    assert_int_equal(send(fd, "all", 3, 0), 3);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    nst_socket s = accept_inside(&p, NULL);
    WAIT_FOR(&p.w, nst_socket_recv(p.w.inside, s, text, sizeof(text), 0) == 3);
    WAIT_FOR(&p.w, recv_inside(&p.w, s) == 0);
    assert_int_equal(nst_socket_send(p.w.inside, s, "answer", 6, 0), 6);
    WAIT_FOR(&p.w, recv(fd, text, sizeof(text), 0) == 6);
    assert_int_equal(p.w.ended, 0);
    nst_socket_close(p.w.inside, s);
    assert_int_equal(wait_for_error(&p, fd), 0);
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(p.w.last.error, 0);
    close(fd);
    port_fini(&p);
}

static void nobody_listens_inside(void **state)
{
    struct port p;
    port_init(&p, SOCK_STREAM, 0);
    int fd = client_of(&p);
    assert_int_equal(wait_for_error(&p, fd), ECONNRESET);
    assert_int_equal(p.w.last.error, -NST_ECONNREFUSED);
    assert_int_equal(stats(&p.w).failed, 1);
    assert_int_equal(stats(&p.w).active, 0);
    close(fd);
    serve(&p, NST_STREAM); /* and then somebody does */
    fd = client_of(&p);
    nst_socket_close(p.w.inside, accept_inside(&p, NULL));
    close(fd);
    port_fini(&p);
}

static void a_client_that_gives_up_early_ends_the_flow(void **state)
{
    struct port p;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    while (stats(&p.w).active == 0) /* the stack inside does not run */
        nst_loop_turn(p.w.loop, 0);
    reset_by_host(fd);
    while (p.w.ended == 0)
        nst_loop_turn(p.w.loop, 0);
    assert_int_equal(p.w.last.error, -NST_ECONNRESET);
    port_fini(&p);
}

static void a_reset_outside_is_a_reset_inside(void **state)
{
    struct port p;
    int error = 0;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    nst_socket s = accept_inside(&p, NULL);
    reset_by_host(fd);
    WAIT_FOR(&p.w, (error = nst_socket_error(p.w.inside, s)) != 0);
    assert_int_equal(error, -NST_ECONNRESET);
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(p.w.last.error, -NST_ECONNRESET);
    port_fini(&p);
}

static void a_reset_inside_is_a_reset_outside(void **state)
{
    struct port p;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    nst_socket_abort(p.w.inside, accept_inside(&p, NULL));
    assert_int_equal(wait_for_error(&p, fd), ECONNRESET);
    close(fd);
    port_fini(&p);
}

static void slow_readers_hold_their_senders_back(void **state)
{
    static uint8_t data[65536];
    struct port p;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    nst_socket s = accept_inside(&p, NULL);
    uint64_t in = 0, out = 0, got_in = 0, got_out = 0;
    for (int idle = 0; idle < 200;) { /* until nothing moves any more, either way */
        ssize_t n = send(fd, data, sizeof(data), MSG_NOSIGNAL);
        int64_t m = nst_socket_send(p.w.inside, s, data, sizeof(data), 0);
        in += n > 0 ? (uint64_t)n : 0;
        out += m > 0 ? (uint64_t)m : 0;
        idle = n > 0 || m > 0 ? 0 : idle + 1;
        turn(&p.w);
    }
    assert_in_range(in, 1, 64 << 20);
    assert_in_range(out, 1, 64 << 20);
    shutdown(fd, SHUT_WR);
    nst_socket_shutdown(p.w.inside, s, NST_SHUT_SEND);
    WAIT_FOR(&p.w, ({
        int64_t n = recv_inside(&p.w, s);
        ssize_t m = recv(fd, data, sizeof(data), 0);
        got_in += n > 0 ? (uint64_t)n : 0;
        got_out += m > 0 ? (uint64_t)m : 0;
        n == 0 && m == 0;
    }));
    assert_true(got_in == in && got_out == out);
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(p.w.last.error, 0);
    close(fd);
    port_fini(&p);
}

static void who_is_not_admitted_is_reset(void **state)
{
    struct port p;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    p.refuse = -NST_EPERM;
    int fd = client_of(&p);
    assert_int_equal(wait_for_error(&p, fd), ECONNRESET);
    assert_int_equal(stats(&p.w).refused, 1);
    assert_int_equal(stats(&p.w).tcp_flows, 0);
    assert_int_equal(p.w.ended, 1);
    assert_int_equal(p.w.last.error, -NST_EPERM);
    assert_true(p.w.last.published);
    close(fd);
    port_fini(&p);
}

static void clients_that_look_alike_get_ports_of_their_own(void **state)
{
    struct port p;
    struct nst_endpoint peer[3];
    int fd[3];
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    p.shown.port = 5555;
    for (int i = 0; i < 3; i++) {
        fd[i] = client_of(&p);
        accept_inside(&p, &peer[i]);
    }
    assert_int_equal(peer[0].port, 5555);
    assert_true(peer[1].port != 5555 && peer[2].port != 5555 && peer[1].port != peer[2].port);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    port_fini(&p);
}

static void a_port_is_kept_in_connection_after_connection(void **state)
{
    struct port p;
    struct nst_endpoint peer;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    p.shown.port = 5555;
    for (uint32_t i = 0; i < 3; i++) {
        int fd = client_of(&p);
        nst_socket s = accept_inside(&p, &peer);
        assert_int_equal(peer.port, 5555);
        nst_socket_close(p.w.inside, s); /* the program's side waits out the old packets */
        assert_int_equal(wait_for_error(&p, fd), 0);
        close(fd);
        WAIT_FOR(&p.w, p.w.ended == i + 1);
        const nst_time until = nst_host_now() + 20 * NST_MSEC;
        WAIT_FOR(&p.w, nst_host_now() >= until);
    }
    port_fini(&p);
}

static void more_than_allowed_wait_in_the_backlog(void **state)
{
    struct port p;
    int fd[6];
    nst_socket s[6];
    port_init(&p, SOCK_STREAM, 2);
    serve(&p, NST_STREAM);
    for (int i = 0; i < 6; i++)
        fd[i] = client_of(&p);
    for (int i = 0; i < 6; i++) {
        s[i] = accept_inside(&p, NULL);
        assert_in_range(stats(&p.w).active, 1, 2);
        if (i == 0)
            continue;
        close(fd[i - 1]);
        nst_socket_close(p.w.inside, s[i - 1]);
    }
    close(fd[5]);
    nst_socket_close(p.w.inside, s[5]);
    WAIT_FOR(&p.w, p.w.ended == 6);
    port_fini(&p);
}

static void without_descriptors_nothing_spins(void **state)
{
    struct port p;
    struct rlimit old, none;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const nst_time until = nst_host_now() + 300 * NST_MSEC;
    int turns = 0;
    for (; nst_host_now() < until; turns++)
        nst_loop_turn(p.w.loop, 50 * NST_MSEC);
    assert_true(turns < 30);
    assert_int_equal(stats(&p.w).active, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0); /* one came free, and no flow had ended */
    accept_inside(&p, NULL);
    close(fd);
    port_fini(&p);
}

static void unpublishing_keeps_connections(void **state)
{
    struct port p;
    char byte;
    port_init(&p, SOCK_STREAM, 0);
    serve(&p, NST_STREAM);
    int fd = client_of(&p);
    nst_socket s = accept_inside(&p, NULL);
    nst_gateway_unpublish(p.publication);
    nst_gateway_unpublish(NULL);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&p.at, sizeof(p.at)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(late);
    assert_int_equal(nst_socket_send(p.w.inside, s, "x", 1, 0), 1);
    WAIT_FOR(&p.w, recv(fd, &byte, 1, 0) == 1);
    close(fd);
    port_fini(&p);
}

static void the_gateway_is_freed_in_the_middle(void **state)
{
    struct port p;
    int fd[3];
    port_init(&p, SOCK_STREAM, 2);
    serve(&p, NST_STREAM);
    for (int i = 0; i < 3; i++)
        fd[i] = client_of(&p);
    while (stats(&p.w).active < 2) /* two are being connected, one waits */
        nst_loop_turn(p.w.loop, 0);
    port_fini(&p);
    assert_int_equal(p.w.ended, 2);
    for (int i = 0; i < 3; i++) {
        char byte;
        assert_int_equal(recv(fd[i], &byte, 1, 0), -1);
        assert_int_equal(errno, ECONNRESET);
        close(fd[i]);
    }
}

/* ---- Datagrams ---- */

/* A client's socket, connected to one of the loopback's many addresses. */
static int udp_client(const struct port *p, uint32_t address)
{
    struct sockaddr_in to = p->at;
    to.sin_addr.s_addr = htonl(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static struct nst_endpoint recv_datagram(struct port *p, const char *expected)
{
    char text[16] = "";
    struct nst_message message;
    WAIT_FOR(&p->w, nst_socket_recvfrom(p->w.inside, p->server, text, sizeof(text), 0, &message) ==
                        (int64_t)strlen(expected));
    assert_string_equal(text, expected);
    return message.remote;
}

static void datagrams_find_their_clients(void **state)
{
    struct port p;
    char text[16] = "";
    port_init(&p, SOCK_DGRAM, 0);
    serve(&p, NST_DATAGRAM);
    /* A connected socket takes only what comes from the address that it wrote to. */
    const int fd[3] = {udp_client(&p, 0x7f000001), udp_client(&p, 0x7f000001),
                       udp_client(&p, 0x7f000203)};
    const char *names[] = {"one", "two", "three"};
    struct nst_endpoint peers[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send(fd[i], names[i], strlen(names[i]), 0), strlen(names[i]));
        peers[i] = recv_datagram(&p, names[i]);
        assert_int_equal(peers[i].port, port_of(fd[i]));
    }
    for (int i = 2; i >= 0; i--) {
        nst_socket_sendto(p.w.inside, p.server, names[i], strlen(names[i]), 0, &peers[i]);
        WAIT_FOR(&p.w, recv(fd[i], text, sizeof(text), 0) == (ssize_t)strlen(names[i]));
        assert_memory_equal(text, names[i], strlen(names[i]));
    }
    send(fd[0], "again", 5, 0);
    recv_datagram(&p, "again");
    assert_int_equal(stats(&p.w).udp_flows, 3);
    assert_int_equal(stats(&p.w).published_flows, 3);
    assert_int_equal(stats(&p.w).bytes_in, 3 + 3 + 5 + 5);
    assert_int_equal(stats(&p.w).bytes_out, 3 + 3 + 5);
    nst_gateway_unpublish(p.publication);
    assert_int_equal(p.w.ended, 3);
    assert_int_equal(p.w.last.error, 0);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    port_fini(&p);
}

static void a_client_that_was_silent_begins_anew(void **state)
{
    struct port p = {.shown.addr = OUTSIDE};
    gate_init(&p.w, 0);
    p.w.udp_timeout = 50 * NST_MSEC;
    assert_int_equal(publish(&p, SOCK_DGRAM), 0);
    serve(&p, NST_DATAGRAM);
    int fd = udp_client(&p, INADDR_LOOPBACK);
    send(fd, "a", 1, 0);
    recv_datagram(&p, "a");
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(p.w.last.error, 0);
    assert_int_equal(stats(&p.w).active, 0);
    send(fd, "b", 1, 0);
    recv_datagram(&p, "b");
    assert_int_equal(stats(&p.w).udp_flows, 2);
    close(fd);
    port_fini(&p);
}

static void a_closed_port_inside_ends_the_flow(void **state)
{
    struct port p;
    port_init(&p, SOCK_DGRAM, 0);
    int fd = udp_client(&p, INADDR_LOOPBACK);
    send(fd, "a", 1, 0);
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(p.w.last.error, -NST_ECONNREFUSED);
    assert_int_equal(stats(&p.w).failed, 1);
    serve(&p, NST_DATAGRAM);
    send(fd, "b", 1, 0);
    recv_datagram(&p, "b");
    close(fd);
    port_fini(&p);
}

static void datagrams_of_who_is_not_admitted_are_lost(void **state)
{
    struct port p;
    port_init(&p, SOCK_DGRAM, 0);
    p.refuse = -NST_EPERM;
    int fd = udp_client(&p, INADDR_LOOPBACK);
    send(fd, "a", 1, 0);
    WAIT_FOR(&p.w, p.w.ended == 1);
    assert_int_equal(stats(&p.w).refused, 1);
    assert_int_equal(stats(&p.w).udp_flows, 0);
    close(fd);
    port_fini(&p);
}

/* The loopback has 2^24 addresses: each that is written to makes another client. */
static void a_flood_of_clients_is_bounded(void **state)
{
    struct port p;
    struct sockaddr_in to;
    port_init(&p, SOCK_DGRAM, 0);
    serve(&p, NST_DATAGRAM);
    p.shown.port = 7; /* they look alike, too: others get other ports */
    to = p.at;
    int first = udp_client(&p, INADDR_LOOPBACK), fd = socket(AF_INET, SOCK_DGRAM, 0);
    send(first, "first", 5, 0);
    assert_int_equal(recv_datagram(&p, "first").port, 7);
    for (uint32_t i = 0; i < 4100; i++) {
        to.sin_addr.s_addr = htonl(0x7f010000 + i);
        sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
        if (i % 50 == 0)
            turn(&p.w);
        if (i == 2000)
            send(first, "first", 5, 0); /* who talks stays */
    }
    WAIT_FOR(&p.w, stats(&p.w).udp_flows == 4101);
    assert_int_equal(stats(&p.w).active, 4096);
    assert_int_equal(p.w.ended, 5);
    send(first, "first", 5, 0);
    const nst_time until = nst_host_now() + 50 * NST_MSEC;
    WAIT_FOR(&p.w, nst_host_now() >= until);
    assert_int_equal(stats(&p.w).udp_flows, 4101);
    close(fd);
    close(first);
    port_fini(&p);
}

static void udp_obeys_the_number_of_flows(void **state)
{
    struct port p;
    port_init(&p, SOCK_DGRAM, 1);
    serve(&p, NST_DATAGRAM);
    int one = udp_client(&p, INADDR_LOOPBACK), two = udp_client(&p, INADDR_LOOPBACK);
    send(one, "one", 3, 0);
    recv_datagram(&p, "one");
    send(two, "two", 3, 0);
    send(one, "more", 4, 0);
    recv_datagram(&p, "more");
    assert_int_equal(stats(&p.w).udp_flows, 1);
    close(one);
    close(two);
    port_fini(&p);
}

/* ---- What cannot be ---- */

static void what_cannot_be_published(void **state)
{
    struct port p;
    struct nst_publication *publication = NULL;
    port_init(&p, SOCK_STREAM, 0);
    const int v4 = socket(AF_INET, SOCK_STREAM, 0), v6 = socket(AF_INET6, SOCK_STREAM, 0),
              local = socket(AF_UNIX, SOCK_STREAM, 0);
    struct nst_publish_config c = {.size = sizeof(c), .fd = v4, .inside.port = 1};
    c.size = 1;
    assert_int_equal(nst_gateway_publish(p.w.gateway, &c, &publication), -NST_EINVAL);
    c.size = sizeof(c);
    c.inside.port = 0;
    assert_int_equal(nst_gateway_publish(p.w.gateway, &c, &publication), -NST_EINVAL);
    c.inside.port = 1;
    c.fd = local;
    assert_int_equal(nst_gateway_publish(p.w.gateway, &c, &publication), -NST_EAFNOSUPPORT);
    if (v6 >= 0) {
        c.fd = v6;
        assert_int_equal(nst_gateway_publish(p.w.gateway, &c, &publication), -NST_EAFNOSUPPORT);
    }
    c.fd = -1;
    assert_int_equal(nst_gateway_publish(p.w.gateway, &c, &publication), -NST_EBADHANDLE);
    assert_null(publication);
    close(v4);
    close(v6);
    close(local);
    port_fini(&p);
}

TESTS({"a client is led inside, with the address that is chosen and its port",
       a_client_is_led_inside_as_itself},
      {"each direction of a stream ends for itself, also before it is connected inside",
       each_direction_ends_for_itself},
      {"nobody listens inside: the client is reset", nobody_listens_inside},
      {"a client that gives up early ends the flow", a_client_that_gives_up_early_ends_the_flow},
      {"a reset outside is a reset inside", a_reset_outside_is_a_reset_inside},
      {"a reset inside is a reset outside", a_reset_inside_is_a_reset_outside},
      {"slow readers hold their senders back, both ways", slow_readers_hold_their_senders_back},
      {"who is not admitted is reset", who_is_not_admitted_is_reset},
      {"clients that look alike get ports of their own",
       clients_that_look_alike_get_ports_of_their_own},
      {"a port is kept in connection after connection",
       a_port_is_kept_in_connection_after_connection},
      {"more flows than are allowed wait in the backlog", more_than_allowed_wait_in_the_backlog},
      {"without descriptors connections wait, and nothing spins",
       without_descriptors_nothing_spins},
      {"unpublishing keeps connections", unpublishing_keeps_connections},
      {"the gateway is freed in the middle of connecting", the_gateway_is_freed_in_the_middle},
      {"datagrams find their clients, and answers come from the right address",
       datagrams_find_their_clients},
      {"a UDP client that was silent begins anew", a_client_that_was_silent_begins_anew},
      {"a UDP port that is closed inside ends the flow", a_closed_port_inside_ends_the_flow},
      {"datagrams of who is not admitted are lost", datagrams_of_who_is_not_admitted_are_lost},
      {"a flood of UDP clients is bounded, and who talks stays", a_flood_of_clients_is_bounded},
      {"UDP obeys the number of flows", udp_obeys_the_number_of_flows},
      {"what cannot be published is refused", what_cannot_be_published})
