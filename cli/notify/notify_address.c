/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notify_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* RFC 2133's address, without a scope, is taken too: as Linux does. */
#define IN6_LEN_MIN 24

int notify_address_family(const uint8_t *bytes, size_t len)
{
    sa_family_t family;
    if (len < sizeof(family))
        return -1;
    memcpy(&family, bytes, sizeof(family));
    return family;
}

static void set_v4(const struct in_addr *from, uint16_t port, struct nst_endpoint *ret)
{
    *ret = (struct nst_endpoint){.port = ntohs(port)};
    if (from->s_addr == htonl(INADDR_ANY))
        return;
    ret->addr = nst_addr_v4(0, 0, 0, 0);
    memcpy(ret->addr.b + 12, from, sizeof(*from));
}

int notify_address_parse(int family, const uint8_t *bytes, size_t len,
                         struct nst_endpoint *ret_endpoint)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6 = {0};
    int given = notify_address_family(bytes, len);
    if (given < 0 || (given == AF_INET && len < sizeof(in)) ||
        (given == AF_INET6 && len < IN6_LEN_MIN))
        return -EINVAL;
    if (given == AF_INET) {
        memcpy(&in, bytes, sizeof(in));
        set_v4(&in.sin_addr, in.sin_port, ret_endpoint);
        return 0;
    }
    if (given != AF_INET6 || family != AF_INET6)
        return -EAFNOSUPPORT;
    memcpy(&in6, bytes, len < sizeof(in6) ? len : sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        struct in_addr v4;
        memcpy(&v4, in6.sin6_addr.s6_addr + 12, sizeof(v4));
        set_v4(&v4, in6.sin6_port, ret_endpoint);
        return 0;
    }
    *ret_endpoint = (struct nst_endpoint){.port = ntohs(in6.sin6_port)};
    memcpy(ret_endpoint->addr.b, &in6.sin6_addr, sizeof(in6.sin6_addr));
    return 0;
}

size_t notify_address_build(int family, const struct nst_endpoint *endpoint,
                            uint8_t ret_bytes[NOTIFY_ADDRESS_MAX])
{
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        if (nst_addr_is_v4(&endpoint->addr))
            memcpy(&in.sin_addr, endpoint->addr.b + 12, sizeof(in.sin_addr));
        memcpy(ret_bytes, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&in6.sin6_addr, endpoint->addr.b, sizeof(in6.sin6_addr));
    memcpy(ret_bytes, &in6, sizeof(in6));
    return sizeof(in6);
}

bool notify_address_is_name_service(const uint8_t *bytes, size_t len)
{
    /* Of nscd, systemd-resolved and avahi: as resolv.c hides them. */
    static const char *const places[] = {"/run/nscd/", "/run/systemd/resolve/",
                                         "/run/avahi-daemon/"};
    const size_t header = offsetof(struct sockaddr_un, sun_path);
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1] = "";
    if (notify_address_family(bytes, len) != AF_UNIX || len <= header)
        return false;
    len = len - header < sizeof(path) - 1 ? len - header : sizeof(path) - 1;
    memcpy(path, bytes + header, len);
    const char *at = strncmp(path, "/var/", 5) == 0 ? path + 4 : path;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strncmp(at, places[i], strlen(places[i])) == 0)
            return true;
    return false;
}
