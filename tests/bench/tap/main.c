/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol on nicstack over a TAP, on the public API alone. The device is there already, and
 * its kernel's end has an address in the /24 of ours.
 *
 *     tap serve DEVICE ADDRESS [OPTION...]
 *         prints "ready"; ends with stdin, and a line of JSON: what hindered it
 *     tap ask DEVICE ADDRESS SERVER SECONDS [OPTION...]
 *         64 bytes to and fro
 *     tap connect DEVICE ADDRESS SERVER SECONDS [OPTION...]
 *         connect, ask, reset
 *     tap connect-fin DEVICE ADDRESS SERVER SECONDS
 *         connect, ask, the server closes
 *
 * OPTION: `plain` no virtio-net header, so no offload; `spin` never sleeps. Clients print one line
 * of JSON. Nothing takes longer than it should by more than 20 s: an alarm ends it.
 */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVER_SECONDS 600

static struct nst_addr address_of(const char *text)
{
    struct nst_addr a;
    must(nst_addr_parse(text, &a), text);
    return a;
}

static void parse_options(struct tap_config *config, char **options)
{
    for (; *options != NULL; options++) {
        config->plain |= strcmp(*options, "plain") == 0;
        config->spin |= strcmp(*options, "spin") == 0;
    }
}

static enum client_kind kind_of(const char *text)
{
    if (strcmp(text, "ask") == 0)
        return CLIENT_ASK;
    return strcmp(text, "connect") == 0 ? CLIENT_CONNECT : CLIENT_CONNECT_FIN;
}

int main(int argc, char **argv)
{
    const bool server = argc >= 4 && strcmp(argv[1], "serve") == 0;
    if (!server && argc < 6)
        give_up("see the head of tests/bench/tap/main.c");
    struct tap_config config = {.name = argv[2], .addr = address_of(argv[3])};
    struct world w;

    pattern_fill();
    parse_options(&config, argv + (server ? 4 : 6));
    world_init(&w, &config);
    if (server) {
        alarm(SERVER_SECONDS);
        serve(&w);
        world_report(&w);
    } else {
        const struct nst_addr to = address_of(argv[4]);
        const double seconds = strtod(argv[5], NULL);
        alarm((unsigned)seconds + 20);
        client(&w, kind_of(argv[1]), &to, (uint64_t)(seconds * 1e9));
    }
    world_fini(&w);
    return 0;
}
