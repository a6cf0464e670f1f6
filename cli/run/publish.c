/* SPDX-License-Identifier: Apache-2.0 */
/* Published ports: see publish.h. */
#include "run/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "tool/descriptors.h"

#define BACKLOG        4096 /* the kernel cuts it to net.core.somaxconn */
#define RECEIVE_BUFFER (1 << 20)

/* ---- What the option says ---- */

/* Reads a port up to 65535; *text is what follows. */
static bool parse_port(const char **text, uint16_t *ret)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    unsigned long n = strtoul(*text, &end, 10);
    if (n > 65535)
        return false;
    *text = end;
    *ret = (uint16_t)n;
    return true;
}

/* "8000" or "8000-8010". */
static bool parse_ports(const char **text, uint16_t *ret_first, uint16_t *ret_count)
{
    uint16_t last;
    if (!parse_port(text, ret_first))
        return false;
    *ret_count = 1;
    if (**text != '-')
        return true;
    (*text)++;
    if (!parse_port(text, &last) || last < *ret_first || *ret_first == 0)
        return false;
    *ret_count = (uint16_t)(last - *ret_first + 1);
    return true;
}

/* Takes "ADDR:" off the front, if it is there. */
static bool parse_address(const char **text, struct nst_addr *ret)
{
    char address[NST_ADDR_TEXT];
    const char *last = strrchr(*text, ':');
    const char *colon = last;
    while (colon != NULL && colon > *text && *--colon != ':')
        continue;
    if (colon == NULL || *colon != ':' || colon == last)
        return true;
    if (snprintf(address, sizeof(address), "%.*s", (int)(colon - *text), *text) >=
        (int)sizeof(address))
        return false;
    *text = colon + 1;
    return nst_addr_parse(address, ret) == 0 && nst_addr_is_v4(ret);
}

const char *publish_parse(const char *text, struct publish_spec *ret_spec)
{
    struct publish_spec spec = {.addr = nst_addr_v4(0, 0, 0, 0)};
    uint16_t guests;
    if (!parse_address(&text, &spec.addr))
        return "its address is not IPv4; write it as in 127.0.0.1:8000:80";
    if (!parse_ports(&text, &spec.host, &spec.count) || *text++ != ':' ||
        !parse_ports(&text, &spec.guest, &guests) || spec.guest == 0)
        return "is not [ADDR:]HOST:GUEST[/udp], such as 8000:80, 127.0.0.1:8000:80, 53:53/udp";
    if (guests != spec.count)
        return "has ranges that are not equally long; write them as in 8000-8010:9000-9010";
    spec.udp = strcmp(text, "/udp") == 0;
    if (*text != '\0' && !spec.udp && strcmp(text, "/tcp") != 0)
        return "ends in neither a port nor /tcp nor /udp";
    *ret_spec = spec;
    return NULL;
}

/* ---- Sockets ---- */

static const char *next_step(int errnum, uint16_t port, char *text, size_t size)
{
    switch (errnum) {
    case EADDRINUSE:
        snprintf(text, size, "choose another port; ss -lnp sport = :%u says who has it", port);
        return text;
    case EACCES:
        snprintf(text, size,
                 "choose a port above 1023, or sysctl net.ipv4.ip_unprivileged_port_start=%u",
                 port);
        return text;
    case EADDRNOTAVAIL:
        return "choose an address that ip -4 addr shows";
    case EMFILE:
        return "raise the limit of descriptors (ulimit -n)";
    default:
        return "check the address";
    }
}

/* A socket that listens, or takes datagrams: a descriptor, or a negative errno. *port, if 0, is
 * chosen. */
static int open_socket(const struct nst_addr *addr, bool udp, uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof(at);
    const int one = 1, buffer = RECEIVE_BUFFER;
    memcpy(&at.sin_addr, addr->b + 12, 4);
    int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (udp)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || (!udp && listen(fd, BACKLOG) < 0) ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static bool add(struct listeners *l, const struct listener *one)
{
    struct listener *list = realloc(l->list, (l->count + 1) * sizeof(*list));
    if (list == NULL)
        return false;
    list[l->count++] = *one;
    l->list = list;
    return true;
}

static bool complain(const char *text, const struct listener *l, int errnum)
{
    char address[NST_ADDR_TEXT], next[128];
    fprintf(stderr, "nst: -p %s: cannot listen on %s port %u (%s): %s\n", text,
            nst_addr_format(&l->addr, address, sizeof(address)), l->host, attach_text_errno(errnum),
            next_step(errnum, l->host, next, sizeof(next)));
    return false;
}

static bool open_range(const char *text, const struct publish_spec *spec, struct listeners *l)
{
    for (uint16_t i = 0; i < spec->count; i++) {
        struct listener one = {.udp = spec->udp, .addr = spec->addr};
        one.host = spec->host != 0 ? (uint16_t)(spec->host + i) : 0;
        one.guest = (uint16_t)(spec->guest + i);
        one.fd = open_socket(&one.addr, one.udp, &one.host);
        if (one.fd < 0)
            return complain(text, &one, -one.fd);
        if (!add(l, &one)) {
            close(one.fd);
            return complain(text, &one, ENOMEM);
        }
    }
    return true;
}

bool listeners_open(const struct option_texts *texts, struct listeners *ret_listeners)
{
    struct listeners l = {0};
    descriptors_reserve_standard();
    for (unsigned i = 0; i < texts->count; i++) {
        struct publish_spec spec;
        const char *wrong = publish_parse(texts->text[i], &spec);
        if (wrong != NULL)
            fprintf(stderr, "nst run: -p %s: %s\n", texts->text[i], wrong);
        if (wrong != NULL || !open_range(texts->text[i], &spec, &l)) {
            listeners_fini(&l);
            return false;
        }
    }
    *ret_listeners = l;
    return true;
}

void listeners_print(const struct listeners *l)
{
    char address[NST_ADDR_TEXT];
    for (unsigned i = 0; i < l->count; i++) {
        const struct listener *one = &l->list[i];
        fprintf(stderr, "nst: %s %s port %u is the program's port %u\n", one->udp ? "udp" : "tcp",
                nst_addr_format(&one->addr, address, sizeof(address)), one->host, one->guest);
    }
}

int listeners_publish(struct listeners *l, struct nst_gateway *gateway,
                      const struct upstream *upstream)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct listener *one = &l->list[i];
        const struct nst_publish_config config = {
            .size = sizeof(config),
            .fd = one->fd,
            .inside = {.addr = upstream->program, .port = one->guest},
            .admit = upstream_admit,
            .context = (void *)upstream,
        };
        int r = nst_gateway_publish(gateway, &config, &one->publication);
        if (r < 0)
            return r;
        one->fd = -1;
    }
    return 0;
}

void listeners_stop(struct listeners *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct listener *one = &l->list[i];
        if (one->udp)
            continue; /* what the program sent last goes out by it */
        nst_gateway_unpublish(one->publication);
        one->publication = NULL;
    }
}

void listeners_fini(struct listeners *l)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->list[i].fd >= 0)
            close(l->list[i].fd);
    free(l->list);
    *l = (struct listeners){0};
}
