/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses of a program: what parses builds the same bytes, what is cut is refused. */
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "notify/notify_address.h"

static struct sockaddr_in in_of(const char *text, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return in;
}

static struct sockaddr_in6 in6_of(const char *text, uint16_t port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return in6;
}

static void ipv4_goes_there_and_back(void **state)
{
    const struct sockaddr_in in = in_of("192.0.2.7", 8080);
    const struct nst_addr addr = nst_addr_v4(192, 0, 2, 7);
    uint8_t bytes[NOTIFY_ADDRESS_MAX];
    struct nst_endpoint end;
    assert_int_equal(notify_address_parse(AF_INET, (const uint8_t *)&in, sizeof(in), &end), 0);
    assert_true(nst_addr_equal(&end.addr, &addr));
    assert_int_equal(end.port, 8080);
    assert_int_equal(notify_address_build(AF_INET, &end, bytes), sizeof(in));
    assert_memory_equal(bytes, &in, sizeof(in));
}

static void a_socket_of_ipv6_shows_ipv4_mapped(void **state)
{
    const struct sockaddr_in6 in6 = in6_of("::ffff:192.0.2.7", 53);
    const struct nst_addr addr = nst_addr_v4(192, 0, 2, 7);
    uint8_t bytes[NOTIFY_ADDRESS_MAX];
    struct nst_endpoint end;
    assert_int_equal(notify_address_parse(AF_INET6, (const uint8_t *)&in6, sizeof(in6), &end), 0);
    assert_true(nst_addr_equal(&end.addr, &addr));
    assert_int_equal(notify_address_build(AF_INET6, &end, bytes), sizeof(in6));
    assert_memory_equal(bytes, &in6, sizeof(in6));
    const struct sockaddr_in6 pure = in6_of("2001:db8::1", 53);
    assert_int_equal(notify_address_parse(AF_INET6, (const uint8_t *)&pure, sizeof(pure), &end), 0);
    assert_memory_equal(end.addr.b, &pure.sin6_addr, 16);
    assert_int_equal(notify_address_build(AF_INET6, &end, bytes), sizeof(pure));
    assert_memory_equal(bytes, &pure, sizeof(pure));
}

static void the_any_address_is_all_zeros(void **state)
{
    static const struct nst_addr any;
    const struct sockaddr_in in = in_of("0.0.0.0", 1);
    const struct sockaddr_in6 mapped = in6_of("::ffff:0.0.0.0", 1), in6 = in6_of("::", 1);
    struct nst_endpoint end;
    assert_int_equal(notify_address_parse(AF_INET, (const uint8_t *)&in, sizeof(in), &end), 0);
    assert_true(nst_addr_equal(&end.addr, &any));
    assert_int_equal(notify_address_parse(AF_INET6, (const uint8_t *)&mapped, sizeof(mapped), &end),
                     0);
    assert_true(nst_addr_equal(&end.addr, &any));
    assert_int_equal(notify_address_parse(AF_INET6, (const uint8_t *)&in6, sizeof(in6), &end), 0);
    assert_true(nst_addr_equal(&end.addr, &any));
    uint8_t bytes[NOTIFY_ADDRESS_MAX];
    notify_address_build(AF_INET, &end, bytes);
    assert_memory_equal(bytes, &in, sizeof(in));
}

static void what_is_cut_is_refused_at_every_length(void **state)
{
    const struct sockaddr_in in = in_of("192.0.2.7", 80);
    const struct sockaddr_in6 in6 = in6_of("::ffff:192.0.2.7", 80);
    struct nst_endpoint end;
    for (size_t len = 0; len < sizeof(in); len++)
        assert_int_equal(notify_address_parse(AF_INET, (const uint8_t *)&in, len, &end), -EINVAL);
    for (size_t len = 0; len < 24; len++)
        assert_int_equal(notify_address_parse(AF_INET6, (const uint8_t *)&in6, len, &end), -EINVAL);
    assert_int_equal(notify_address_parse(AF_INET6, (const uint8_t *)&in6, 24, &end), 0);
    assert_int_equal(notify_address_family((const uint8_t *)&in, 1), -1);
    assert_int_equal(notify_address_family((const uint8_t *)&in, 2), AF_INET);
}

static void families_do_not_mix(void **state)
{
    const struct sockaddr_in6 in6 = in6_of("::ffff:192.0.2.7", 80);
    struct sockaddr_in other = in_of("192.0.2.7", 80);
    struct nst_endpoint end;
    assert_int_equal(notify_address_parse(AF_INET, (const uint8_t *)&in6, sizeof(in6), &end),
                     -EAFNOSUPPORT);
    other.sin_family = AF_UNIX;
    assert_int_equal(notify_address_parse(AF_INET, (const uint8_t *)&other, sizeof(other), &end),
                     -EAFNOSUPPORT);
}

static bool is_name_service(const char *path, size_t len)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, path, len);
    return notify_address_is_name_service((const uint8_t *)&un,
                                          offsetof(struct sockaddr_un, sun_path) + len);
}

static void name_services_are_known_by_their_place(void **state)
{
    static const char *const services[] = {"/run/nscd/socket", "/var/run/nscd/socket",
                                           "/run/systemd/resolve/io.systemd.Resolve",
                                           "/run/avahi-daemon/socket"};
    static const char *const others[] = {"/run/nscd", "/tmp/.X11-unix/X0", "/run/systemd/private",
                                         "/var", "/"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(is_name_service(services[i], strlen(services[i])));
        assert_true(is_name_service(services[i], strlen(services[i]) + 1));
        assert_false(is_name_service(services[i], 4));
    }
    for (size_t i = 0; i < 5; i++)
        assert_false(is_name_service(others[i], strlen(others[i])));
    assert_false(is_name_service("\0/run/nscd/socket", 17)); /* an abstract name */
    assert_false(is_name_service("", 0));
    char full[108];
    memset(full, 'x', sizeof(full));
    memcpy(full, "/run/nscd/", 10);
    assert_true(is_name_service(full, sizeof(full))); /* without a NUL */
}

TESTS({"IPv4 goes there and back", ipv4_goes_there_and_back},
      {"a socket of IPv6 shows IPv4 mapped", a_socket_of_ipv6_shows_ipv4_mapped},
      {"the any-address is all zeros", the_any_address_is_all_zeros},
      {"what is cut is refused at every length", what_is_cut_is_refused_at_every_length},
      {"families do not mix", families_do_not_mix},
      {"name services are known by their place", name_services_are_known_by_their_place})
