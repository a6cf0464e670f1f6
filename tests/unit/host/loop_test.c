/* SPDX-License-Identifier: Apache-2.0 */
#include <nicstack/host.h>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testing.h"

struct event {
    struct nst_watch watch; /* first */
    struct nst_loop_timer timer;
    struct nst_loop *loop;
    int calls;
    int order; /* of its last call, among those of all timers */
    uint32_t events;
    struct event *victim;
};

static struct event *of_timer(struct nst_loop_timer *timer)
{
    return (struct event *)(void *)((char *)timer - offsetof(struct event, timer));
}

static void count_events(struct nst_watch *watch, uint32_t events)
{
    struct event *e = (struct event *)watch;
    e->calls++;
    e->events = events;
    if (e->victim != NULL)
        nst_loop_remove(e->loop, &e->victim->watch);
}

static int timer_calls;

static void count_timer(struct nst_loop_timer *timer)
{
    struct event *e = of_timer(timer);
    e->calls++;
    e->order = ++timer_calls;
}

static struct nst_loop *new_loop(void)
{
    struct nst_loop *loop;
    assert_int_equal(nst_loop_new(&loop), 0);
    return loop;
}

static void make_pipe(struct event *e, struct nst_loop *loop, int *ret_other)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    *e = (struct event){.watch = {.fd = fds[0], .on_events = count_events}, .loop = loop};
    *ret_other = fds[1];
}

static void a_watch_is_called_while_its_descriptor_is_ready(void **state)
{
    struct nst_loop *loop = new_loop();
    struct event e;
    int other;
    char byte;
    make_pipe(&e, loop, &other);
    assert_int_equal(nst_loop_add(loop, &e.watch, EPOLLIN), 0);
    assert_int_equal(nst_loop_turn(loop, 0), 0);
    assert_int_equal(e.calls, 0);
    assert_int_equal(write(other, "x", 1), 1);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(nst_loop_turn(loop, 0), 0);
        assert_int_equal(e.calls, i);
        assert_int_equal(e.events, EPOLLIN);
    }
    assert_int_equal(nst_loop_change(loop, &e.watch, 0), 0);
    nst_loop_turn(loop, 0);
    assert_int_equal(e.calls, 3);
    assert_int_equal(nst_loop_change(loop, &e.watch, EPOLLIN), 0);
    assert_int_equal(read(e.watch.fd, &byte, 1), 1);
    nst_loop_turn(loop, 0);
    assert_int_equal(e.calls, 3);
    close(other);
    nst_loop_turn(loop, 0);
    assert_int_equal(e.events, EPOLLHUP);
    nst_loop_remove(loop, &e.watch);
    nst_loop_turn(loop, 0);
    assert_int_equal(e.calls, 4);
    close(e.watch.fd);
    nst_loop_free(loop);
}

static void a_removed_watch_is_not_called_in_the_same_turn(void **state)
{
    struct nst_loop *loop = new_loop();
    struct event a, b;
    int other_a, other_b;
    make_pipe(&a, loop, &other_a);
    make_pipe(&b, loop, &other_b);
    a.victim = &b;
    b.victim = &a;
    assert_int_equal(nst_loop_add(loop, &a.watch, EPOLLIN), 0);
    assert_int_equal(nst_loop_add(loop, &b.watch, EPOLLIN), 0);
    assert_int_equal(write(other_a, "x", 1) + write(other_b, "x", 1), 2);
    nst_loop_turn(loop, 0);
    assert_int_equal(a.calls + b.calls, 1); /* whichever was first removed the other */
    struct event *left = a.calls != 0 ? &a : &b;
    nst_loop_remove(loop, &left->watch);
    nst_loop_turn(loop, 0);
    assert_int_equal(a.calls + b.calls, 1);
    close(a.watch.fd), close(b.watch.fd), close(other_a), close(other_b);
    nst_loop_free(loop);
}

static void errors_of_watching_are_told(void **state)
{
    struct nst_loop *loop = new_loop();
    struct nst_watch closed = {.fd = 9999, .on_events = count_events};
    assert_int_equal(nst_loop_add(loop, &closed, EPOLLIN), -NST_EIO);
    nst_loop_remove(loop, &closed);
    nst_loop_free(loop);
    nst_loop_free(NULL);
}

static void timers_come_in_time_and_in_order(void **state)
{
    struct nst_loop *loop = new_loop();
    struct event early = {0}, late = {0}, never = {0};
    early.timer.on_timer = late.timer.on_timer = never.timer.on_timer = count_timer;
    nst_time now = nst_host_now();
    nst_loop_arm(loop, &late.timer, now + 20 * NST_MSEC);
    nst_loop_arm(loop, &early.timer, now + NST_SEC);
    nst_loop_arm(loop, &early.timer, now + 5 * NST_MSEC); /* moves it */
    nst_loop_arm(loop, &never.timer, now + 5 * NST_MSEC);
    nst_loop_disarm(loop, &never.timer);
    nst_loop_disarm(loop, &never.timer);
    while (early.calls == 0)
        assert_int_equal(nst_loop_turn(loop, -1), 0);
    assert_true(nst_loop_now(loop) >= now + 5 * NST_MSEC);
    while (late.calls == 0) /* it may have been the same turn, if this process had to wait */
        assert_int_equal(nst_loop_turn(loop, -1), 0);
    assert_true(nst_loop_now(loop) >= now + 20 * NST_MSEC);
    assert_true(early.order < late.order);
    nst_loop_turn(loop, NST_MSEC);
    assert_int_equal(early.calls, 1);
    assert_int_equal(late.calls, 1);
    assert_int_equal(never.calls, 0);
    nst_loop_free(loop);
}

static void arm_again(struct nst_loop_timer *timer)
{
    struct event *e = of_timer(timer);
    e->calls++;
    nst_loop_arm(e->loop, timer, 0);
}

static void a_timer_that_arms_itself_waits_for_the_next_turn(void **state)
{
    struct nst_loop *loop = new_loop();
    struct event e = {.loop = loop, .timer.on_timer = arm_again};
    nst_loop_arm(loop, &e.timer, 0);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(nst_loop_turn(loop, -1), 0);
        assert_int_equal(e.calls, i);
    }
    nst_loop_free(loop);
}

static struct nst_loop *signalled;

static void on_alarm(int signal)
{
    nst_loop_stop(signalled); /* NOLINT(bugprone-signal-handler): safe there, host.h says */
}

static void stop_ends_run_from_a_signal_and_before(void **state)
{
    signalled = new_loop();
    nst_loop_stop(signalled);
    assert_int_equal(nst_loop_run(signalled), 0); /* at once */
    signal(SIGALRM, on_alarm);
    alarm(1);
    nst_time begun = nst_host_now();
    assert_int_equal(nst_loop_run(signalled), 0);
    assert_in_range(nst_host_now() - begun, NST_SEC / 2, 60 * NST_SEC);
    nst_loop_free(signalled);
}

static void a_turn_waits_no_longer_than_it_may(void **state)
{
    struct nst_loop *loop = new_loop();
    nst_time begun = nst_host_now();
    assert_int_equal(nst_loop_turn(loop, 3 * NST_MSEC), 0);
    assert_in_range(nst_host_now() - begun, 3 * NST_MSEC, 60 * NST_SEC);
    nst_loop_free(loop);
}

/* ---- With a stack over a TUN that the test plays ---- */

struct host {
    struct nst_loop *loop;
    struct nst_stack *stack;
    struct nst_link *link;
    uint32_t nic;
    nst_socket socket;
    int device, fd;
    int ready;
};

static void on_ready(void *context, const struct nst_ready *ready)
{
    struct host *h = context;
    h->ready++;
    assert_ptr_equal(ready->context, h);
}

static void host_init(struct host *h)
{
    int fds[2];
    *h = (struct host){.loop = new_loop()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    h->device = fds[1], h->fd = fds[0];
    const struct nst_tuntap_config tun = {.size = sizeof(tun), .fd = h->fd, .mtu = 1500};
    assert_int_equal(nst_tuntap_new(nst_host_allocator(), &tun, &h->link), 0);
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = *nst_host_allocator(),
                                            .seed = {1},
                                            .now = nst_host_now()};
    assert_int_equal(nst_stack_new(&config, &h->stack), 0);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = h->link};
    assert_int_equal(nst_nic_add(h->stack, &nic, &h->nic), 0);
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    assert_int_equal(nst_nic_addr_add(h->stack, h->nic, &addr), 0);
    const struct nst_endpoint local = {.port = 7};
    assert_int_equal(nst_socket_open(h->stack, NST_DATAGRAM, &h->socket), 0);
    assert_int_equal(nst_socket_bind(h->stack, h->socket, &local), 0);
    nst_socket_watch(h->stack, h->socket, NST_READY_IN, h);
    assert_int_equal(nst_loop_add_stack(h->loop, h->stack, on_ready, h), 0);
    assert_int_equal(nst_loop_add_link(h->loop, h->link, h->fd, nst_tuntap_receive), 0);
}

static void host_fini(struct host *h)
{
    nst_loop_free(h->loop); /* its link is taken out */
    nst_stack_free(h->stack);
    nst_tuntap_free(h->link);
    close(h->fd);
    if (h->device >= 0)
        close(h->device);
}

/* A datagram of one byte from 10.0.0.2:9 to 10.0.0.1:7, without UDP checksum. */
static const uint8_t datagram[29] = {0x45, 0,  0, 29, 0, 0, 0, 0, 64, 17, 0x66, 0xce, 10, 0,  0,
                                     2,    10, 0, 0,  1, 0, 9, 0, 7,  0,  9,    0,    0,  'x'};

static void what_a_tun_receives_makes_sockets_ready(void **state)
{
    struct host h;
    char byte;
    host_init(&h);
    assert_int_equal(write(h.device, datagram, sizeof(datagram)), sizeof(datagram));
    assert_int_equal(nst_loop_turn(h.loop, NST_SEC), 0);
    assert_int_equal(h.ready, 1);
    assert_int_equal(nst_socket_recv(h.stack, h.socket, &byte, 1, 0), 1);
    assert_int_equal(byte, 'x');
    const struct nst_endpoint to = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 9};
    uint8_t packet[100];
    assert_int_equal(nst_socket_sendto(h.stack, h.socket, "yz", 2, 0, &to), 2);
    assert_int_equal(nst_loop_turn(h.loop, NST_SEC), 0); /* what is due does not wait */
    assert_int_equal(read(h.device, packet, sizeof(packet)), 30);
    assert_memory_equal(packet + 28, "yz", 2);
    host_fini(&h);
}

static void a_full_tun_is_written_to_when_there_is_room(void **state)
{
    struct host h;
    uint8_t packet[2000];
    const int size = 4096;
    const struct nst_endpoint to = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 9};
    host_init(&h);
    setsockopt(h.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    memset(packet, 0, sizeof(packet));
    for (int i = 0; i < 100; i++)
        assert_int_equal(nst_socket_sendto(h.stack, h.socket, packet, 1000, 0, &to), 1000);
    nst_loop_turn(h.loop, 0);
    assert_true(h.link->tx_blocked);
    int received = 0;
    for (int turn = 0; turn < 1000 && received < 100; turn++) {
        while (read(h.device, packet, sizeof(packet)) == 1028)
            received++;
        nst_loop_turn(h.loop, NST_MSEC);
    }
    assert_int_equal(received, 100);
    assert_false(h.link->tx_blocked);
    host_fini(&h);
}

static void a_tun_that_is_gone_costs_nothing(void **state)
{
    struct host h;
    host_init(&h);
    close(h.device);
    h.device = -1;
    for (int i = 0; i < 3; i++)
        nst_loop_turn(h.loop, 0);
    /* Were it still watched, this would not wait. */
    nst_time begun = nst_host_now();
    nst_loop_turn(h.loop, 20 * NST_MSEC);
    assert_true(nst_host_now() - begun >= 10 * NST_MSEC ||
                nst_stack_next_deadline(h.stack) < begun + 20 * NST_MSEC);
    host_fini(&h);
}

static void stop_working(void *context, const struct nst_ready *ready)
{
    struct host *h = context;
    nst_loop_remove_stack(h->loop, h->stack);
    h->ready++;
}

static void the_stack_may_be_taken_out_in_a_callback(void **state)
{
    struct host h;
    host_init(&h);
    nst_loop_remove_stack(h.loop, h.stack);
    assert_int_equal(nst_loop_add_stack(h.loop, h.stack, stop_working, &h), 0);
    assert_int_equal(write(h.device, datagram, sizeof(datagram)), sizeof(datagram));
    nst_loop_turn(h.loop, NST_SEC);
    nst_loop_turn(h.loop, 0);
    assert_int_equal(h.ready, 1);
    host_fini(&h);
}

/* Two stacks that one loop runs, joined by a pipe: a datagram of the first is at the second, and
 * its answer back, in the turn in which it was sent. */
struct duo {
    struct nst_loop *loop;
    struct nst_stack *stacks[2];
    nst_socket sockets[2];
    int ready[2];
    bool removes_other;
};

static void on_first_ready(void *context, const struct nst_ready *ready)
{
    ((struct duo *)context)->ready[0]++;
}

static void on_second_ready(void *context, const struct nst_ready *ready)
{
    struct duo *duo = context;
    struct nst_message message;
    char byte;
    duo->ready[1]++;
    if (duo->removes_other)
        nst_loop_remove_stack(duo->loop, duo->stacks[0]);
    assert_int_equal(nst_socket_recvfrom(duo->stacks[1], ready->socket, &byte, 1, 0, &message), 1);
    nst_socket_sendto(duo->stacks[1], ready->socket, &byte, 1, 0, &message.remote);
}

static void add_duo_stack(struct duo *duo, int i, struct nst_link *link)
{
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = *nst_host_allocator(),
                                            .seed = {1},
                                            .now = nst_host_now()};
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, (uint8_t)(i + 1)),
                                      .prefix_len = 24};
    const struct nst_endpoint local = {.port = 7};
    uint32_t id;
    assert_int_equal(nst_stack_new(&config, &duo->stacks[i]), 0);
    assert_int_equal(nst_nic_add(duo->stacks[i], &nic, &id), 0);
    assert_int_equal(nst_nic_addr_add(duo->stacks[i], id, &addr), 0);
    assert_int_equal(nst_socket_open(duo->stacks[i], NST_DATAGRAM, &duo->sockets[i]), 0);
    assert_int_equal(nst_socket_bind(duo->stacks[i], duo->sockets[i], &local), 0);
    nst_socket_watch(duo->stacks[i], duo->sockets[i], NST_READY_IN, duo);
    assert_int_equal(nst_loop_add_stack(duo->loop, duo->stacks[i],
                                        i == 0 ? on_first_ready : on_second_ready, duo),
                     0);
}

static void one_loop_runs_several_stacks(void **state)
{
    struct nst_link *ends[2];
    const struct nst_pipe_config pipe = {.size = sizeof(pipe)};
    const struct nst_endpoint to = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 7};
    struct duo duo = {.loop = new_loop()};
    assert_int_equal(nst_pipe_new(nst_host_allocator(), &pipe, ends), 0);
    add_duo_stack(&duo, 0, ends[0]);
    add_duo_stack(&duo, 1, ends[1]);
    nst_socket_sendto(duo.stacks[0], duo.sockets[0], "x", 1, 0, &to);
    assert_int_equal(nst_loop_turn(duo.loop, NST_SEC), 0);
    assert_int_equal(duo.ready[1], 1);
    assert_int_equal(duo.ready[0], 1);
    duo.removes_other = true;
    nst_socket_sendto(duo.stacks[0], duo.sockets[0], "x", 1, 0, &to);
    for (int i = 0; i < 3; i++)
        assert_int_equal(nst_loop_turn(duo.loop, 0), 0);
    assert_int_equal(duo.ready[1], 2);
    assert_int_equal(duo.ready[0], 1); /* it was taken out before the answer came */
    nst_loop_remove_stack(duo.loop, duo.stacks[0]);
    nst_loop_free(duo.loop);
    nst_stack_free(duo.stacks[0]);
    nst_stack_free(duo.stacks[1]);
    nst_pipe_free(ends);
}

TESTS({"a watch is called while its descriptor is ready",
       a_watch_is_called_while_its_descriptor_is_ready},
      {"a watch that was removed is not called, also in the same turn",
       a_removed_watch_is_not_called_in_the_same_turn},
      {"errors of watching are told", errors_of_watching_are_told},
      {"timers come in time and in order", timers_come_in_time_and_in_order},
      {"a timer that arms itself again waits for the next turn",
       a_timer_that_arms_itself_waits_for_the_next_turn},
      {"stop ends a run, from a signal and before it", stop_ends_run_from_a_signal_and_before},
      {"a turn waits no longer than it may", a_turn_waits_no_longer_than_it_may},
      {"what a TUN receives makes sockets ready, and answers leave",
       what_a_tun_receives_makes_sockets_ready},
      {"a full TUN is written to when there is room", a_full_tun_is_written_to_when_there_is_room},
      {"a TUN that is gone costs nothing", a_tun_that_is_gone_costs_nothing},
      {"the stack may be taken out in a callback", the_stack_may_be_taken_out_in_a_callback},
      {"one loop runs several stacks", one_loop_runs_several_stacks})
