/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk from a client: some streams in one thread. What is timed begins when all are connected. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../common/protocol.h"
#include "sockets.h"

#define POLL_MS 100

struct streams {
    struct pollfd poll[STREAMS_MAX];
    uint64_t bytes[STREAMS_MAX];
    int count;
};

static void streams_open(struct streams *s, struct in_addr server, uint16_t port, int count)
{
    memset(s, 0, sizeof(*s));
    s->count = count;
    for (int i = 0; i < count; i++)
        s->poll[i].fd = socket_connect(server, port, (struct in_addr){0});
}

/* Moves what one stream can move now: so many bytes. */
static uint64_t send_some(int fd, uint64_t at)
{
    const ssize_t n = send(fd, pattern_at(at), CHUNK, MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN)
        give_up("send");
    return n > 0 ? (uint64_t)n : 0;
}

static uint64_t receive_some(int fd, uint64_t at)
{
    static uint8_t data[CHUNK];
    const ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        give_up("receive");
    if (n > 0 && !pattern_matches(data, (size_t)n, at)) {
        errno = 0;
        give_up("what was received is not what was sent");
    }
    return n > 0 ? (uint64_t)n : 0;
}

/* All streams, for so long; returns the bytes. */
static uint64_t streams_run(struct streams *s, short events, uint64_t end)
{
    uint64_t total = 0;
    for (int i = 0; i < s->count; i++)
        s->poll[i].events = events;
    while (clock_now() < end) {
        if (poll(s->poll, (nfds_t)s->count, POLL_MS) < 0 && errno != EINTR)
            give_up("poll");
        for (int i = 0; i < s->count; i++) {
            if (s->poll[i].revents == 0)
                continue;
            const uint64_t n = events == POLLOUT ? send_some(s->poll[i].fd, s->bytes[i])
                                                 : receive_some(s->poll[i].fd, s->bytes[i]);
            s->bytes[i] += n;
            total += n;
        }
    }
    return total;
}

/* The server says how many bytes of a stream were right. */
static void check_verdict(int fd, uint64_t sent)
{
    uint8_t verdict[VERDICT];
    const ssize_t n = recv(fd, verdict, sizeof(verdict), MSG_WAITALL);
    if (n < 0)
        give_up("no verdict");
    if (n == VERDICT && verdict_parse(verdict) == sent)
        return;
    errno = 0;
    if (n == VERDICT)
        fprintf(stderr, "%llu bytes sent, %llu received: ", (unsigned long long)sent,
                (unsigned long long)verdict_parse(verdict));
    give_up("what was received is not what was sent");
}

/* Timed until the last byte was received and compared. */
void client_send(struct in_addr server, int streams, uint64_t nanoseconds)
{
    struct streams s;
    streams_open(&s, server, PORT_SINK, streams);
    const uint64_t begin = clock_now();
    const uint64_t total = streams_run(&s, POLLOUT, begin + nanoseconds);
    for (int i = 0; i < s.count; i++)
        if (shutdown(s.poll[i].fd, SHUT_WR) < 0)
            give_up("shutdown");
    for (int i = 0; i < s.count; i++)
        check_verdict(s.poll[i].fd, s.bytes[i]);
    print_bulk(total, clock_now() - begin);
}

void client_receive(struct in_addr server, int streams, uint64_t nanoseconds)
{
    struct streams s;
    streams_open(&s, server, PORT_SOURCE, streams);
    const uint64_t begin = clock_now();
    const uint64_t total = streams_run(&s, POLLIN, begin + nanoseconds);
    print_bulk(total, clock_now() - begin);
}
