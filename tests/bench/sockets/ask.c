/* SPDX-License-Identifier: Apache-2.0 */
/* Small exchanges from a client: on one connection, and each on its own. One at a time. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../common/protocol.h"
#include "sockets.h"

#define WARM_UP 100

/* Receives a whole message, sleeping or spinning. */
static void receive_message(int fd, uint8_t *data, bool spin)
{
    size_t have = 0;
    while (have < MESSAGE) {
        const ssize_t n = recv(fd, data + have, MESSAGE - have, spin ? MSG_DONTWAIT : 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            give_up("receive");
        have += n > 0 ? (size_t)n : 0;
    }
}

/* Message `number` there and back. */
static void exchange(int fd, uint64_t number, bool spin)
{
    uint8_t answer[MESSAGE];
    if (send(fd, pattern_at(number), MESSAGE, 0) != MESSAGE)
        give_up("send");
    receive_message(fd, answer, spin);
    if (!pattern_matches(answer, MESSAGE, number)) {
        errno = 0;
        give_up("the answer is not what was asked");
    }
}

void client_ask(struct in_addr server, uint64_t nanoseconds, bool spin)
{
    const int fd = socket_connect(server, PORT_ECHO, (struct in_addr){0});
    struct latencies l;
    latencies_init(&l);
    for (uint64_t i = 0; i < WARM_UP; i++)
        exchange(fd, i, spin);
    uint64_t now = clock_now();
    const uint64_t end = now + nanoseconds;
    for (uint64_t i = 0; now < end; i++) {
        exchange(fd, i, spin);
        const uint64_t then = clock_now();
        latencies_add(&l, then - now);
        now = then;
    }
    print_latencies(&l);
}

/* Ends a connection: by RST, or after the server's FIN. */
static void finish(int fd, bool fin)
{
    const struct linger at_once = {.l_onoff = 1};
    char none;
    if (fin && recv(fd, &none, 1, 0) != 0)
        give_up("the server does not close");
    if (!fin && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0)
        give_up("linger");
    close(fd);
}

static struct in_addr source_at(struct sources sources, uint64_t i)
{
    const uint32_t first = ntohl(sources.first.s_addr);
    return (struct in_addr){first == 0 ? 0 : htonl(first + (uint32_t)(i % sources.count))};
}

void client_connect(struct in_addr server, uint64_t nanoseconds, bool fin, struct sources sources)
{
    const uint64_t begin = clock_now();
    uint64_t count = 0, now = begin;
    for (; now < begin + nanoseconds; now = clock_now()) {
        const int fd =
            socket_connect(server, fin ? PORT_ONCE : PORT_ECHO, source_at(sources, count));
        exchange(fd, count, false);
        finish(fd, fin);
        count++;
    }
    print_rate(count, now - begin);
}
