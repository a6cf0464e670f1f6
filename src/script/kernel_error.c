/* SPDX-License-Identifier: Apache-2.0 */
/* The error queue: errors of ICMP with Linux's errno, times of what was sent, and what was lent for
 * it and is given back. */
#include <time.h> /* errqueue.h wants it before */

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/host.h>

#include "script/kernel.h"
#include "script/kernel_address.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"

#define ERRORS_MAX 256
#define QUOTE_MAX  128

struct kernel_error {
    struct kernel_error *next;
    struct sock_extended_err ee;
    struct nst_endpoint remote; /* where the datagram went */
    struct nst_addr offender;
    nst_time at; /* of a timestamp, as the stack's clock has it */
    size_t len;  /* of what comes along */
    uint8_t quote[QUOTE_MAX];
};

static bool is_icmp(const struct kernel_error *e)
{
    return e->ee.ee_origin == SO_EE_ORIGIN_ICMP || e->ee.ee_origin == SO_EE_ORIGIN_ICMP6;
}

static bool is_copied(const struct kernel_error *e)
{
    return e->ee.ee_origin == SO_EE_ORIGIN_ZEROCOPY;
}

static bool is_stamp(const struct kernel_error *e)
{
    return e->ee.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
}

/* ---- In ---- */

/* NULL: there are too many. */
static struct kernel_error *add(struct kernel_file *f)
{
    struct kernel_side *side = &f->side;
    if (side->error_count == ERRORS_MAX)
        return NULL;
    struct kernel_error *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    *side->errors_end = e;
    side->errors_end = &e->next;
    side->error_count++;
    f->edges++;
    return e;
}

/* ip(7): the errno of an ICMP unreachable by its code. */
static uint32_t errno_of_unreachable(uint8_t code)
{
    switch (code) {
    case ICMP4_PROTO_UNREACHABLE:
        return ENOPROTOOPT;
    case ICMP4_PORT_UNREACHABLE:
        return ECONNREFUSED;
    case ICMP4_FRAG_NEEDED:
        return EMSGSIZE;
    case ICMP4_SOURCE_ROUTE_FAILED:
        return EOPNOTSUPP;
    case ICMP4_HOST_UNKNOWN:
        return EHOSTDOWN;
    case ICMP4_HOST_ISOLATED:
        return ENONET;
    case ICMP4_NET_UNREACHABLE:
    case ICMP4_NET_UNKNOWN:
    case ICMP4_NET_PROHIBITED:
    case ICMP4_NET_TOS:
        return ENETUNREACH;
    default:
        return EHOSTUNREACH;
    }
}

static uint32_t errno_of_unreachable6(uint8_t code)
{
    switch (code) {
    case ICMP6_NO_ROUTE:
        return ENETUNREACH;
    case ICMP6_PORT_UNREACHABLE:
        return ECONNREFUSED;
    case ICMP6_PROHIBITED:
    case ICMP6_SOURCE_POLICY:
    case ICMP6_REJECT_ROUTE:
        return EACCES;
    default:
        return EHOSTUNREACH;
    }
}

static uint32_t errno_of(const struct nst_error_info *info)
{
    if (info->local)
        return EMSGSIZE;
    if (info->v6) {
        return info->type == ICMP6_UNREACHABLE         ? errno_of_unreachable6(info->code)
               : info->type == ICMP6_TOO_BIG           ? EMSGSIZE
               : info->type == ICMP6_PARAMETER_PROBLEM ? EPROTO
                                                       : EHOSTUNREACH;
    }
    return info->type == ICMP4_UNREACHABLE         ? errno_of_unreachable(info->code)
           : info->type == ICMP4_PARAMETER_PROBLEM ? EPROTO
                                                   : EHOSTUNREACH;
}

int kernel_error_number(struct kernel *p, const struct kernel_file *f, int error)
{
    const int number = nst_errno_from_error(error);
    struct nst_tcp_info tcp;
    struct nst_endpoint peer;
    if ((number != ECONNREFUSED && number != EHOSTUNREACH && number != ENETUNREACH) ||
        nst_socket_tcp_info(p->world->stack, f->socket, &tcp) < 0 || !tcp.has_icmp ||
        nst_socket_get_remote(p->world->stack, f->socket, &peer) < 0)
        return number;
    const struct nst_error_info info = {
        .v6 = !nst_addr_is_v4(&peer.addr), .type = tcp.icmp_type, .code = tcp.icmp_code};
    return (int)errno_of(&info);
}

void kernel_error_collect(struct kernel *p, struct kernel_file *f)
{
    struct nst_error_info info;
    uint8_t quote[QUOTE_MAX];
    int64_t len;
    if ((f->side.wants & (WANT_ERRORS | WANT_ERRORS6)) == 0 || f->type == NST_STREAM)
        return;
    while ((len = nst_socket_recv_error(p->world->stack, f->socket, quote, sizeof(quote), &info)) >=
           0) {
        /* Linux's errno takes the place of the stack's; what is local was returned already. */
        (void)nst_socket_error(p->world->stack, f->socket);
        if (!info.local)
            f->side.error = (int)errno_of(&info);
        struct kernel_error *e = add(f);
        if (e == NULL)
            continue;
        e->ee.ee_errno = errno_of(&info);
        e->ee.ee_origin = info.local ? SO_EE_ORIGIN_LOCAL
                          : info.v6  ? SO_EE_ORIGIN_ICMP6
                                     : SO_EE_ORIGIN_ICMP;
        e->ee.ee_type = info.type;
        e->ee.ee_code = info.code;
        e->ee.ee_info = info.info;
        e->remote = info.remote;
        e->offender = info.offender;
        e->len = (size_t)len;
        memcpy(e->quote, quote, e->len);
    }
}

void kernel_error_add_stamp(struct kernel_file *f, nst_time at, uint32_t what, uint32_t key,
                            size_t len)
{
    struct kernel_error *e = add(f);
    if (e == NULL)
        return;
    e->ee.ee_errno = ENOMSG;
    e->ee.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
    e->ee.ee_info = what;
    e->ee.ee_data = key;
    e->at = at;
    e->len = len;
}

static struct kernel_error *newest(const struct kernel_side *side)
{
    struct kernel_error *e = side->errors;
    while (e != NULL && e->next != NULL)
        e = e->next;
    return e;
}

void kernel_error_add_copied(struct kernel_file *f, uint32_t key)
{
    struct kernel_error *e = newest(&f->side);
    if (e != NULL && is_copied(e) && e->ee.ee_data + 1 == key) {
        e->ee.ee_data = key;
        return;
    }
    e = add(f);
    if (e == NULL)
        return;
    e->ee.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
    e->ee.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
    e->ee.ee_info = key;
    e->ee.ee_data = key;
}

/* ---- Out ---- */

int kernel_error_take(struct kernel_file *f)
{
    const int error = f->side.error;
    f->side.error = 0;
    return -error;
}

/* Takes the oldest off the queue; what is pending then is the next one's. */
static struct kernel_error *pop(struct kernel_side *side)
{
    struct kernel_error *e = side->errors;
    side->errors = e->next;
    side->error_count--;
    if (side->errors == NULL)
        side->errors_end = &side->errors;
    if (side->errors != NULL && is_icmp(side->errors))
        side->error = (int)side->errors->ee.ee_errno;
    else if (is_icmp(e))
        side->error = 0;
    return e;
}

/* IP_RECVERR: what and who. */
static void add_details(const struct kernel_file *f, const struct kernel_error *e,
                        struct msghdr *msg, size_t *used)
{
    struct {
        struct sock_extended_err ee;
        struct sockaddr_storage offender;
    } whole = {.ee = e->ee};
    socklen_t len = sizeof(whole.offender);
    const struct nst_endpoint offender = {.addr = e->offender};
    if (!is_icmp(e))
        len = f->family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    else
        kernel_address_put(f->family, &offender, (struct sockaddr *)&whole.offender, &len);
    if (f->family == AF_INET)
        kernel_control_add(msg, used, IPPROTO_IP, IP_RECVERR, &whole, sizeof(whole.ee) + len);
    else
        kernel_control_add(msg, used, IPPROTO_IPV6, IPV6_RECVERR, &whole, sizeof(whole.ee) + len);
}

/* What was sent is not kept: its bytes cannot be read. */
static bool reads_what_was_sent(const struct kernel_error *e, const struct msghdr *msg)
{
    for (size_t i = 0; i < msg->msg_iovlen; i++)
        if (is_stamp(e) && e->len > 0 && msg->msg_iov[i].iov_len > 0)
            return true;
    return false;
}

int64_t kernel_error_recv(struct kernel *p, struct kernel_file *f, struct msghdr *msg)
{
    size_t used = 0, len = 0;
    if (f->side.errors == NULL)
        return -EAGAIN;
    if (reads_what_was_sent(f->side.errors, msg))
        return kernel_refuse(p, EINVAL, "reading back what was sent: SO_TIMESTAMPING flags",
                             f->side.stamping);
    struct kernel_error *e = pop(&f->side);
    if (is_copied(e)) {
        msg->msg_namelen = 0;
    } else if (is_stamp(e)) {
        if ((f->side.stamping & SOF_TIMESTAMPING_SOFTWARE) != 0)
            kernel_control_add_stamp(p, msg, &used, e->at);
        msg->msg_namelen = 0;
    } else {
        len = kernel_scatter(msg->msg_iov, msg->msg_iovlen, e->quote, e->len);
        if (msg->msg_name != NULL)
            kernel_address_put(f->family, &e->remote, msg->msg_name, &msg->msg_namelen);
    }
    add_details(f, e, msg, &used);
    msg->msg_flags |= MSG_ERRQUEUE | (len < e->len ? MSG_TRUNC : 0);
    msg->msg_controllen = used;
    free(e);
    return (int64_t)len;
}

void kernel_error_free(struct kernel_side *side)
{
    while (side->errors != NULL)
        free(pop(side));
}
