/* SPDX-License-Identifier: Apache-2.0 */
/* Where flows go on the host's side: see upstream.h. */
#include "run/upstream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

static socklen_t to_sockaddr(const struct nst_addr *addr, uint16_t port,
                             struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (nst_addr_is_v4(addr)) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, addr->b + 12, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, addr->b, 16);
    return sizeof(*in6);
}

/* Splits "ADDR:PORT" and "[ADDR]:PORT"; the port stays as it is where there is none. */
static bool split_port(char *text, char **ret_address, uint16_t *ret_port)
{
    char *colon = strrchr(text, ':');
    *ret_address = text;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (close == NULL)
            return false;
        *close = '\0';
        *ret_address = text + 1;
        colon = close[1] == ':' ? close + 1 : NULL;
    } else if (colon != NULL && strchr(text, ':') != colon) {
        colon = NULL; /* IPv6 without brackets: no port */
    }
    if (colon == NULL)
        return true;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] == '\0' || *end != '\0' || port == 0 || port > 65535)
        return false;
    *colon = '\0';
    *ret_port = (uint16_t)port;
    return true;
}

static bool read_resolv_conf(char *text, size_t size)
{
    char line[256], address[64];
    FILE *file = fopen("/etc/resolv.conf", "re");
    if (file == NULL)
        return false;
    bool found = false;
    while (!found && fgets(line, sizeof(line), file) != NULL) {
        struct nst_addr addr;
        found =
            sscanf(line, " nameserver %63s", address) == 1 && nst_addr_parse(address, &addr) == 0;
    }
    fclose(file);
    if (found)
        snprintf(text, size, "%s", address);
    return found;
}

bool upstream_set_resolver(struct upstream *u, const char *given)
{
    char text[80], *address;
    uint16_t port = DNS_PORT;
    struct nst_addr addr;
    if (given == NULL && !read_resolv_conf(text, sizeof(text)))
        return false;
    if (given != NULL && (size_t)snprintf(text, sizeof(text), "%s", given) >= sizeof(text))
        return false;
    if (!split_port(text, &address, &port) || nst_addr_parse(address, &addr) < 0)
        return false;
    u->resolver_len = to_sockaddr(&addr, port, &u->resolver);
    return true;
}

static bool is_inside(const struct upstream *u, const struct nst_addr *addr)
{
    if (!nst_addr_is_v4(addr)) /* its prefix is whole bytes */
        return u->has_ipv6 && memcmp(addr->b, u->network6.b, u->prefix_len6 / 8) == 0;
    unsigned host_bits = 32u - u->prefix_len;
    uint32_t mask = host_bits == 32 ? 0 : htonl(0xffffffffu << host_bits);
    return ((addr->w[3] ^ u->network.w[3]) & mask) == 0;
}

static bool is_gateway(const struct upstream *u, const struct nst_addr *addr)
{
    return nst_addr_equal(addr, &u->gateway) || (u->has_ipv6 && nst_addr_equal(addr, &u->gateway6));
}

static bool is_dns(const struct upstream *u, const struct nst_addr *addr)
{
    return nst_addr_equal(addr, &u->dns) || (u->has_ipv6 && nst_addr_equal(addr, &u->dns6));
}

/* Only one node can be talked to on the host's behalf. */
static bool is_unicast(const struct nst_addr *addr)
{
    if (!nst_addr_is_v4(addr)) /* nor do link-local addresses mean the same outside */
        return addr->b[0] != 0xff && !(addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80);
    return addr->b[12] != 0 && addr->b[12] < 224;
}

static int refuse(enum nst_refusal how)
{
    return -1 - (int)how;
}

int upstream_decide(struct upstream *u, const struct nst_request_info *request,
                    struct nst_target *ret_target)
{
    static const struct nst_addr loopback4 = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}};
    static const struct nst_addr loopback6 = {{{[15] = 1}}};
    const struct nst_endpoint *to = &request->local;
    if (!is_unicast(&to->addr))
        return refuse(NST_REFUSE_DROP);
    if (is_dns(u, &to->addr)) {
        if (to->port != DNS_PORT || u->resolver_len == 0)
            return refuse(NST_REFUSE_RESET);
        ret_target->address = (const struct sockaddr *)&u->resolver;
        ret_target->address_len = u->resolver_len;
        ret_target->observe = request->type == NST_DATAGRAM;
        return 0;
    }
    const struct nst_addr *addr = &to->addr;
    if (is_gateway(u, &to->addr)) {
        if (u->no_host_loopback) {
            u->denied++;
            return refuse(NST_REFUSE_PROHIBITED);
        }
        addr = nst_addr_is_v4(addr) ? &loopback4 : &loopback6;
    } else if (is_inside(u, &to->addr)) {
        return refuse(NST_REFUSE_HOST_UNREACHABLE);
    }
    ret_target->address_len = to_sockaddr(addr, to->port, &u->chosen);
    ret_target->address = (const struct sockaddr *)&u->chosen;
    return 0;
}

int upstream_admit(void *context, const struct nst_endpoint *client,
                   struct nst_endpoint *ret_source)
{
    const struct upstream *u = context;
    if (client->addr.b[12] == 127 || is_inside(u, &client->addr) || !is_unicast(&client->addr))
        ret_source->addr = u->gateway;
    return 0;
}
