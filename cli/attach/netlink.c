/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
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
        uint8_t bytes[512];
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

/* The requests of this file carry a dozen attributes of 16 bytes at most: they fit. */
static void put_attribute(struct request *request, uint16_t type, const void *value, size_t size)
{
    size_t offset = NLMSG_ALIGN(request->header.nlmsg_len);
    struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = type};
    memcpy((uint8_t *)request + offset, &attribute, sizeof(attribute));
    if (size > 0)
        memcpy((uint8_t *)request + offset + RTA_LENGTH(0), value, size);
    request->header.nlmsg_len = (uint32_t)(offset + RTA_ALIGN(attribute.rta_len));
}

/* What is put between the two is inside an attribute of its own. Gives where that begins. */
static size_t begin_nest(struct request *request, uint16_t type)
{
    size_t offset = NLMSG_ALIGN(request->header.nlmsg_len);
    put_attribute(request, type, NULL, 0);
    return offset;
}

static void end_nest(struct request *request, size_t offset)
{
    struct rtattr attribute;
    memcpy(&attribute, (uint8_t *)request + offset, sizeof(attribute));
    attribute.rta_len = (unsigned short)(request->header.nlmsg_len - offset);
    memcpy((uint8_t *)request + offset, &attribute, sizeof(attribute));
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

static void put_end(struct request *request, const struct netlink_veth_end *end)
{
    put_attribute(request, IFLA_IFNAME, end->name, strlen(end->name) + 1);
    put_attribute(request, IFLA_ADDRESS, end->mac, 6);
}

int netlink_add_veth(int fd, const struct netlink_veth_end *one, const struct netlink_veth_end *two)
{
    static const struct ifinfomsg no_arp = {.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
    struct request request =
        make_request(RTM_NEWLINK, sizeof(struct ifinfomsg), NLM_F_CREATE | NLM_F_EXCL);
    request.body.link = no_arp;
    put_end(&request, one);
    size_t info = begin_nest(&request, IFLA_LINKINFO);
    put_attribute(&request, IFLA_INFO_KIND, "veth", 4);
    size_t data = begin_nest(&request, IFLA_INFO_DATA);
    size_t peer = begin_nest(&request, VETH_INFO_PEER);
    /* The peer's attributes follow its fixed part, which is none itself. */
    memcpy((uint8_t *)&request + request.header.nlmsg_len, &no_arp, sizeof(no_arp));
    request.header.nlmsg_len += (uint32_t)sizeof(no_arp);
    put_end(&request, two);
    end_nest(&request, peer);
    end_nest(&request, data);
    end_nest(&request, info);
    return execute(fd, &request);
}

int netlink_set_no_address6(int fd, unsigned ifindex)
{
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    struct request request = make_request(RTM_NEWLINK, sizeof(struct ifinfomsg), 0);
    request.body.link = (struct ifinfomsg){.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    size_t families = begin_nest(&request, IFLA_AF_SPEC);
    size_t family = begin_nest(&request, AF_INET6);
    put_attribute(&request, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof(none));
    end_nest(&request, family);
    end_nest(&request, families);
    return execute(fd, &request);
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
