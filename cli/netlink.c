/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request: the header, the fixed part of its type, and attributes. */
struct request {
    struct nlmsghdr header;
    union {
        struct ifinfomsg link;
        struct ifaddrmsg address;
        struct rtmsg route;
        uint8_t bytes[256];
    } body;
};

int netlink_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return fd < 0 ? -errno : fd;
}

static struct request make_request(uint16_t type, size_t fixed_size, uint16_t flags)
{
    return (struct request){.header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(fixed_size),
                                       .nlmsg_type = type,
                                       .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
                                       .nlmsg_seq = 1}};
}

/* The requests of this file carry at most three attributes of 16 bytes: they fit. */
static void put_attribute(struct request *request, uint16_t type, const void *value, size_t size)
{
    size_t offset = NLMSG_ALIGN(request->header.nlmsg_len);
    struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = type};
    memcpy((uint8_t *)request + offset, &attribute, sizeof(attribute));
    memcpy((uint8_t *)request + offset + RTA_LENGTH(0), value, size);
    request->header.nlmsg_len = (uint32_t)(offset + RTA_ALIGN(attribute.rta_len));
}

static int await_acknowledgement(int fd)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[4096];
    } answer;
    for (;;) {
        ssize_t size = recv(fd, &answer, sizeof(answer), 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return -errno;
        if ((size_t)size < NLMSG_LENGTH(sizeof(answer.error)))
            return -EPROTO;
        if (answer.header.nlmsg_type == NLMSG_ERROR)
            return answer.error.error;
    }
}

static int execute(int fd, const struct request *request)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(fd, request, request->header.nlmsg_len, 0, (const struct sockaddr *)&kernel,
               sizeof(kernel)) < 0)
        return -errno;
    return await_acknowledgement(fd);
}

int netlink_set_up(int fd, unsigned ifindex, uint32_t mtu)
{
    struct request request = make_request(RTM_NEWLINK, sizeof(struct ifinfomsg), 0);
    request.body.link = (struct ifinfomsg){.ifi_family = AF_UNSPEC,
                                           .ifi_index = (int)ifindex,
                                           .ifi_flags = IFF_UP,
                                           .ifi_change = IFF_UP};
    if (mtu > 0)
        put_attribute(&request, IFLA_MTU, &mtu, sizeof(mtu));
    return execute(fd, &request);
}

int netlink_set_queue(int fd, unsigned ifindex, uint32_t packets)
{
    struct request request = make_request(RTM_NEWLINK, sizeof(struct ifinfomsg), 0);
    request.body.link = (struct ifinfomsg){.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    put_attribute(&request, IFLA_TXQLEN, &packets, sizeof(packets));
    return execute(fd, &request);
}

static size_t address_size(int family)
{
    return family == AF_INET6 ? 16 : 4;
}

int netlink_add_address(int fd, unsigned ifindex, const struct netlink_network *network)
{
    struct request request =
        make_request(RTM_NEWADDR, sizeof(struct ifaddrmsg), NLM_F_CREATE | NLM_F_EXCL);
    size_t size = address_size(network->family);
    request.body.address =
        (struct ifaddrmsg){.ifa_family = (uint8_t)network->family,
                           .ifa_prefixlen = network->prefix,
                           .ifa_flags = network->family == AF_INET6 ? IFA_F_NODAD : 0,
                           .ifa_scope = RT_SCOPE_UNIVERSE,
                           .ifa_index = ifindex};
    put_attribute(&request, IFA_LOCAL, network->address, size);
    put_attribute(&request, IFA_ADDRESS, network->address, size);
    return execute(fd, &request);
}

int netlink_add_default_route(int fd, unsigned ifindex, const struct netlink_network *network)
{
    struct request request =
        make_request(RTM_NEWROUTE, sizeof(struct rtmsg), NLM_F_CREATE | NLM_F_EXCL);
    uint32_t out = ifindex;
    request.body.route = (struct rtmsg){.rtm_family = (uint8_t)network->family,
                                        .rtm_table = RT_TABLE_MAIN,
                                        .rtm_protocol = RTPROT_STATIC,
                                        .rtm_scope = RT_SCOPE_UNIVERSE,
                                        .rtm_type = RTN_UNICAST};
    put_attribute(&request, RTA_GATEWAY, network->gateway, address_size(network->family));
    put_attribute(&request, RTA_OIF, &out, sizeof(out));
    return execute(fd, &request);
}
