/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway between a stack inside, over a pipe, and sockets of the host on its loopback. What
 * comes from inside goes to one target; what is published is led to the stack inside.
 */
#ifndef TESTS_UNIT_HOST_GATE_H
#define TESTS_UNIT_HOST_GATE_H

#include <nicstack/host.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"
#include "world.h"

#define OUTSIDE nst_addr_v4(203, 0, 113, 9)

struct gate {
    struct world hosts;
    struct nst_stack *inside, *stack; /* of the two hosts; the second is the gateway's */
    struct nst_loop *loop;
    struct nst_gateway *gateway;
    struct sockaddr_in target; /* of every flow */
    int refuse;                /* what decide says; 0: accept */
    bool no_target;
    nst_time udp_timeout;
    uint32_t decided, ended;
    struct nst_flow_summary last;
    uint32_t observed_out, observed_in;
};

static inline int decide(void *context, const struct nst_request_info *request,
                         struct nst_target *ret_target)
{
    struct gate *w = context;
    w->decided++;
    if (w->refuse != 0)
        return w->refuse;
    const struct nst_addr outside = OUTSIDE;
    assert_true(nst_addr_equal(&request->local.addr, &outside));
    *ret_target =
        (struct nst_target){.address = w->no_target ? NULL : (const struct sockaddr *)&w->target,
                            .address_len = sizeof(w->target),
                            .udp_timeout = w->udp_timeout,
                            .observe = true,
                            .flow_context = w};
    return 0;
}

static inline void on_end(void *context, const struct nst_flow_summary *summary)
{
    struct gate *w = context;
    w->ended++;
    w->last = *summary;
}

static inline void observe(void *context, const struct nst_flow_summary *flow, bool outgoing,
                           const uint8_t *data, size_t len)
{
    struct gate *w = context;
    if (outgoing)
        w->observed_out++;
    else
        w->observed_in++;
}

static inline void on_ready(void *context, const struct nst_ready *ready)
{
    assert_true(nst_gateway_ready(((struct gate *)context)->gateway, ready));
}

static inline void gate_init(struct gate *w, uint32_t flows_max)
{
    const struct world_config hosts = {.start = nst_host_now(),
                                       .bare_ip = true,
                                       .mtu = 65535,
                                       .caps = NST_LINK_CSUM_TX | NST_LINK_TSO4};
    *w = (struct gate){.target = {.sin_family = AF_INET}};
    w->target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world_init_pair(&w->hosts, &hosts);
    world_route_all(&w->hosts);
    w->inside = w->hosts.hosts[0].stack;
    w->stack = w->hosts.hosts[1].stack;
    assert_int_equal(nst_loop_new(&w->loop), 0);
    assert_int_equal(nst_loop_add_stack(w->loop, w->stack, on_ready, w), 0);
    const struct nst_gateway_config config = {.size = sizeof(config),
                                              .loop = w->loop,
                                              .stack = w->stack,
                                              .flows_max = flows_max,
                                              .decide = decide,
                                              .ended = on_end,
                                              .observe = observe,
                                              .context = w};
    assert_int_equal(nst_gateway_new(&config, &w->gateway), 0);
}

static inline void gate_fini(struct gate *w)
{
    nst_gateway_free(w->gateway);
    world_fini(&w->hosts);
    nst_loop_free(w->loop);
}

static inline void turn(struct gate *w)
{
    for (int i = 0; i < 4; i++) {
        nst_stack_run(w->inside, nst_host_now(), 0);
        assert_int_equal(nst_loop_turn(w->loop, 0), 0);
    }
    usleep(200);
}

#define WAIT_FOR(w, condition)                                  \
    do {                                                        \
        const nst_time begun_ = nst_host_now();                 \
        while (!(condition)) {                                  \
            turn(w);                                            \
            if (nst_host_now() - begun_ > 60 * NST_SEC)         \
                fail_msg("waited in vain for: %s", #condition); \
        }                                                       \
    } while (0)

static inline struct nst_gateway_stats stats(const struct gate *w)
{
    struct nst_gateway_stats s;
    nst_gateway_get_stats(w->gateway, &s);
    return s;
}

static inline int accept_host(struct gate *w, int listener)
{
    int fd = -1;
    WAIT_FOR(w, (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    return fd;
}

static inline void reset_by_host(int fd)
{
    const struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static inline int64_t recv_inside(struct gate *w, nst_socket s)
{
    static uint8_t data[65536];
    return nst_socket_recv(w->inside, s, data, sizeof(data), 0);
}

#endif
