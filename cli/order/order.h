/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: what `nst nic|addr|...` ask of a running instance and what each line of a config of
 * `nst up` says. Both are the same words, spelled as ip(8) spells them, and go this one way:
 *
 *     words (words.h) -> order_parse (a table of what may stand where) -> act.h, which does it
 *
 * An order points into the words that it was made of.
 */
#ifndef NICSTACK_CLI_ORDER_ORDER_H
#define NICSTACK_CLI_ORDER_ORDER_H

#include <nicstack/neigh.h>
#include <nicstack/nic.h>

#include <stdio.h>

#include "order/words.h"

enum order_object {
    ORDER_STACK,
    ORDER_NIC,
    ORDER_BRIDGE,
    ORDER_VLAN,
    ORDER_ADDR,
    ORDER_ROUTE,
    ORDER_NEIGH,
    ORDER_STATS,
    ORDER_SERVICE,
};

enum order_verb {
    ORDER_SHOW,
    ORDER_ADD,
    ORDER_DEL,
    ORDER_SET,
    ORDER_FLUSH,
    ORDER_GET,
    ORDER_CHANGE,
};

/* What can be said of an order; order.at[FIELD] is the column where its value is, 0: it was not
 * said. */
enum order_field {
    FIELD_NAME, /* what it is about: a NIC, a bridge, a service */
    FIELD_DEV,
    FIELD_TYPE,
    FIELD_IFNAME,
    FIELD_PEER,
    FIELD_LINK,
    FIELD_ID,
    FIELD_PCP,
    FIELD_PORTS,
    FIELD_AGEING,
    FIELD_MASTER,
    FIELD_NOMASTER,
    FIELD_ISOLATED,
    FIELD_NEW_NAME,
    FIELD_MTU,
    FIELD_MAC,
    FIELD_PROMISC,
    FIELD_SPOOF,
    FIELD_FORWARDING,
    FIELD_LINK_LOCAL,
    FIELD_UP,
    FIELD_DOWN,
    FIELD_PREFIX,
    FIELD_PLACE,
    FIELD_NO_DAD,
    FIELD_VALID,
    FIELD_PREFERRED,
    FIELD_DEPRECATED,
    FIELD_VIA,
    FIELD_SRC,
    FIELD_METRIC,
    FIELD_NUD,
    FIELD_BASE_REACHABLE,
    FIELD_RETRANS,
    FIELD_DELAY_PROBE,
    FIELD_UCAST_PROBES,
    FIELD_MCAST_PROBES,
    FIELD_DYNAMIC_MAX,
    FIELD_PORT,
    FIELD_PROTO,
    FIELD_MEMORY,
    FIELD_WEAK_HOST,
    FIELD_HANDLE_LOCAL,
    FIELD_SEED,
    FIELD_COUNT
};

enum order_type {
    TYPE_TAP,
    TYPE_TUN,
    TYPE_PACKET,
    TYPE_PIPE,
    TYPE_LOOPBACK,
};

enum order_service {
    SERVICE_ECHO,
    SERVICE_DISCARD,
    SERVICE_CHARGEN,
    SERVICE_HTTP,
};

enum order_proto {
    PROTO_TCP,
    PROTO_UDP,
};

#define ORDER_PORTS_MAX 32

struct order {
    enum order_object object;
    enum order_verb verb;
    unsigned at[FIELD_COUNT];
    const char *name, *dev, *ifname, *peer, *link, *master, *new_name;
    const char *ports[ORDER_PORTS_MAX];
    unsigned port_column[ORDER_PORTS_MAX];
    unsigned port_count;
    uint32_t type;    /* enum order_type */
    uint32_t service; /* enum order_service */
    uint32_t proto;   /* enum order_proto */
    uint32_t mtu, id, pcp, metric, port, place, link_local, nud;
    uint32_t promisc, spoof, forwarding, isolated, weak_host, handle_local; /* 0 or 1 */
    uint64_t memory, seed;
    nst_time ageing;
    nst_time valid, preferred; /* NST_TIME_NEVER: for ever */
    uint32_t deprecated;
    nst_time base_reachable, retrans, delay_probe;
    uint32_t ucast_probes, mcast_probes, dynamic_max;
    struct nst_addr addr;
    uint8_t prefix_len; /* of the family: of what was written without, 32 or 128 */
    struct nst_addr via, src;
    struct nst_mac mac;
};

/* At least one word. False: *fault says what is wrong, where and what may stand there. */
bool order_parse(const struct words *words, struct order *ret_order, struct fault *fault);

/* Prints one line, `before` in front, for each form of an object, or of all (-1), as --help shows
 * them. */
void order_print_usage(int object, const char *before, FILE *out);

/* The object of a word, or -1; and its name. */
int order_object_of(const char *word);
const char *order_object_name(enum order_object object);
/* As it is written. */
const char *order_type_name(enum order_type type);
const char *order_service_name(enum order_service service);

/* Decimal digits alone, up to `max`. False: it is none. */
bool order_parse_number(const char *text, uint64_t max, uint64_t *ret);
/* "10.0.0.1/24", "fe80::1" (whole: 32 or 128), "default" (0.0.0.0/0). False: it is none. */
bool order_parse_prefix(const char *text, struct nst_addr *ret_addr, uint8_t *ret_prefix_len);
/* "02:00:00:00:00:01" */
bool order_parse_mac(const char *text, struct nst_mac *ret_mac);

#endif
