/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a flow from inside goes on the host's side: the gateway's address is the host's loopback,
 * the name server's address its resolver, every other address itself. Each family has its own.
 */
#ifndef NICSTACK_CLI_RUN_UPSTREAM_H
#define NICSTACK_CLI_RUN_UPSTREAM_H

#include <nicstack/host.h>

#include <netinet/in.h>

struct upstream {
    struct nst_addr network; /* 10.0.2.0/24, inside only */
    uint8_t prefix_len;
    struct nst_addr gateway;
    struct nst_addr dns;
    struct nst_addr program;  /* 10.0.2.15 */
    bool has_ipv6;            /* the rest of this group is given */
    struct nst_addr network6; /* fd00:0:0:2::/64 */
    uint8_t prefix_len6;
    struct nst_addr program6; /* fd00:0:0:2::15 */
    struct nst_addr gateway6;
    struct nst_addr dns6;
    bool no_host_loopback;
    struct sockaddr_storage resolver;
    socklen_t resolver_len; /* 0: none is known */
    struct sockaddr_storage chosen;
    uint64_t denied; /* requests refused because the options say so */
};

/* Reads "ADDR", "ADDR:PORT" or "[ADDR]:PORT" into u->resolver; text NULL takes the first name
 * server of /etc/resolv.conf. False: it is no address (or there is none). */
bool upstream_set_resolver(struct upstream *u, const char *text);

/* As nst_gateway_config.decide: 0 and *ret_target, or -1 - enum nst_refusal. */
int upstream_decide(struct upstream *u, const struct nst_request_info *request,
                    struct nst_target *ret_target);

/* As nst_publish_config.admit, with a struct upstream: a client of a published port keeps its
 * address; but the host's loopback and the addresses inside, which would not be answered, are the
 * gateway there. */
int upstream_admit(void *context, const struct nst_endpoint *client,
                   struct nst_endpoint *ret_source);

#endif
