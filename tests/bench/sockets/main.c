/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol on sockets of the kernel: the other end of nicstack and of gVisor on a TAP, both
 * ends of what the kernel does over a veth pair, and what runs within a user-mode network.
 *
 *     sockets serve ADDRESS [spin]                    prints "ready"; ends with stdin
 *     sockets control                                 which congestion control it gets
 *     sockets send ADDRESS SECONDS [STREAMS]          bulk to the server
 *     sockets receive ADDRESS SECONDS [STREAMS]       bulk from the server
 *     sockets ask ADDRESS SECONDS [spin]              64 bytes to and fro
 *     sockets connect ADDRESS SECONDS                 connect, ask, reset
 *     sockets connect-fin ADDRESS SECONDS [FROM N]    connect, ask, the server closes; from N
 * addresses
 *
 * Clients print one line of JSON. SECONDS may be a fraction. Nothing takes longer than it should by
 * more than 20 s: an alarm ends it.
 */
#include "sockets.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/protocol.h"

#define SERVER_SECONDS 600

void socket_use_cubic(int fd)
{
    static const char cubic[] = "cubic";
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cubic, sizeof(cubic) - 1);
}

/* Which one sockets get here. */
static void print_control(void)
{
    char name[64] = "";
    socklen_t len = sizeof(name) - 1;
    if (getsockopt(socket_new(), IPPROTO_TCP, TCP_CONGESTION, name, &len) < 0)
        give_up("congestion control");
    printf("{\"control\": \"%s\"}\n", name);
}

int socket_new(void)
{
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        give_up("socket");
    socket_use_cubic(fd);
    return fd;
}

int socket_connect(struct in_addr server, uint16_t port, struct in_addr source)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr = server, .sin_port = htons(port)};
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = source};
    const int on = 1;
    const int fd = socket_new();
    if (source.s_addr != 0 &&
        (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
         bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0))
        give_up("bind");
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        give_up("connect");
    return fd;
}

static struct in_addr address_of(const char *text)
{
    struct in_addr a;
    if (inet_pton(AF_INET, text, &a) != 1) {
        errno = 0;
        give_up("an IPv4 address is needed");
    }
    return a;
}

static int streams_of(const char *text)
{
    const long n = text != NULL ? strtol(text, NULL, 10) : 1;
    if (n < 1 || n > STREAMS_MAX) {
        errno = 0;
        give_up("number of streams");
    }
    return (int)n;
}

static struct sources sources_of(char **argv)
{
    struct sources s = {.count = 1};
    if (argv[0] != NULL && argv[1] != NULL)
        s = (struct sources){address_of(argv[0]), (uint32_t)streams_of(argv[1])};
    return s;
}

/* argv: what to do, with which server, for how long, and more. */
static void client(char **argv)
{
    const struct in_addr server = address_of(argv[1]);
    const double seconds = strtod(argv[2], NULL);
    const uint64_t span = (uint64_t)(seconds * 1e9);

    alarm((unsigned)seconds + 20);
    if (strcmp(argv[0], "send") == 0)
        client_send(server, streams_of(argv[3]), span);
    else if (strcmp(argv[0], "receive") == 0)
        client_receive(server, streams_of(argv[3]), span);
    else if (strcmp(argv[0], "ask") == 0)
        client_ask(server, span, argv[3] != NULL && strcmp(argv[3], "spin") == 0);
    else if (strcmp(argv[0], "connect") == 0)
        client_connect(server, span, false, (struct sources){.count = 1});
    else if (strcmp(argv[0], "connect-fin") == 0)
        client_connect(server, span, true, sources_of(argv + 3));
    else
        give_up("see the head of tests/bench/sockets/main.c");
}

int main(int argc, char **argv)
{
    pattern_fill();
    signal(SIGPIPE, SIG_IGN);
    if (argc >= 3 && strcmp(argv[1], "serve") == 0) {
        alarm(SERVER_SECONDS);
        serve(address_of(argv[2]), argv[3] != NULL && strcmp(argv[3], "spin") == 0);
    }
    if (argc == 2 && strcmp(argv[1], "control") == 0)
        print_control();
    else if (argc >= 4)
        client(argv + 1);
    else
        give_up("see the head of tests/bench/sockets/main.c");
    return 0;
}
