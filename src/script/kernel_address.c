/* SPDX-License-Identifier: Apache-2.0 */
#include "script/kernel_address.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "wire/addr.h"

static void get4(const struct sockaddr_in *in, struct nst_endpoint *ret)
{
    ret->port = ntohs(in->sin_port);
    if (in->sin_addr.s_addr != 0)
        ret->addr = addr_from_raw4(in->sin_addr.s_addr);
}

static void get6(const struct sockaddr_in6 *in, struct nst_endpoint *ret)
{
    ret->port = ntohs(in->sin6_port);
    memcpy(ret->addr.b, &in->sin6_addr, sizeof(ret->addr.b));
}

int kernel_address_get(int family, const struct sockaddr *addr, socklen_t len,
                       struct nst_endpoint *ret_endpoint)
{
    struct sockaddr_storage copy = {0};
    if (addr == NULL)
        return -EFAULT;
    if (len < sizeof(addr->sa_family))
        return -EINVAL;
    memcpy(&copy, addr, len < sizeof(copy) ? len : sizeof(copy));
    *ret_endpoint = (struct nst_endpoint){0};
    if (copy.ss_family == AF_UNSPEC)
        return 0;
    if (copy.ss_family != family)
        return -EAFNOSUPPORT;
    if (len < (family == AF_INET ? sizeof(struct sockaddr_in) : 24))
        return -EINVAL;
    if (family == AF_INET)
        get4((const struct sockaddr_in *)&copy, ret_endpoint);
    else
        get6((const struct sockaddr_in6 *)&copy, ret_endpoint);
    return 0;
}

static socklen_t put4(const struct nst_endpoint *endpoint, struct sockaddr_storage *ret)
{
    struct sockaddr_in *in = (struct sockaddr_in *)ret;
    in->sin_family = AF_INET;
    in->sin_port = htons(endpoint->port);
    in->sin_addr.s_addr = nst_addr_is_v4(&endpoint->addr) ? addr_to_raw4(&endpoint->addr) : 0;
    return sizeof(*in);
}

static socklen_t put6(const struct nst_endpoint *endpoint, struct sockaddr_storage *ret)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)ret;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(endpoint->port);
    memcpy(&in->sin6_addr, endpoint->addr.b, sizeof(in->sin6_addr));
    return sizeof(*in);
}

void kernel_address_put(int family, const struct nst_endpoint *endpoint, struct sockaddr *addr,
                        socklen_t *len)
{
    struct sockaddr_storage whole = {0};
    const socklen_t size = family == AF_INET ? put4(endpoint, &whole) : put6(endpoint, &whole);
    if (len == NULL)
        return;
    if (addr != NULL)
        memcpy(addr, &whole, *len < size ? *len : size);
    *len = size;
}
