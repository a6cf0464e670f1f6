/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket addresses, as a program writes and reads them, and the endpoints of the stack: pure, and
 * for bytes of any kind.
 */
#ifndef NICSTACK_CLI_NOTIFY_NOTIFY_ADDRESS_H
#define NICSTACK_CLI_NOTIFY_NOTIFY_ADDRESS_H

#include <nicstack/types.h>

#include <netinet/in.h>

enum {
    NOTIFY_ADDRESS_MAX = sizeof(struct sockaddr_in6)
};

/*
 * Reads an address of `len` bytes for a socket of `family`, AF_INET or AF_INET6.
 * 0; -EINVAL: too short; -EAFNOSUPPORT: not of the socket's family. The any-address gives all
 * zeros.
 */
int notify_address_parse(int family, const uint8_t *bytes, size_t len,
                         struct nst_endpoint *ret_endpoint);

/* Its family (sa_family), or -1 when there are not enough bytes for one. */
int notify_address_family(const uint8_t *bytes, size_t len);

/* Writes an endpoint as a socket of `family` shows it. Returns how many bytes; an IPv6 address that
 * an AF_INET socket cannot show is shown as the any-address. */
size_t notify_address_build(int family, const struct nst_endpoint *endpoint,
                            uint8_t ret_bytes[NOTIFY_ADDRESS_MAX]);

/*
 * Whether an AF_UNIX address, of `len` bytes, is the socket of a name service of the host, by which
 * names would be resolved unseen.
 */
bool notify_address_is_name_service(const uint8_t *bytes, size_t len);

#endif
