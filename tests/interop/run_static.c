/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the echo servers outside: static PORT-TCP PORT-UDP. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int ask(int type, long port)
{
    char answer[6] = "";
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(0x0a000202)};
    int s = socket(AF_INET, type, 0);
    if (connect(s, (struct sockaddr *)&to, sizeof(to)) < 0 || write(s, "hello", 5) != 5 ||
        read(s, answer, 5) != 5)
        return 1;
    close(s);
    return strcmp(answer, "hello");
}

int main(int argc, char **argv)
{
    return argc < 3 ? 3
                    : ask(SOCK_STREAM, strtol(argv[1], NULL, 10)) +
                          2 * ask(SOCK_DGRAM, strtol(argv[2], NULL, 10));
}
