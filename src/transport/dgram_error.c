/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors one by one, for who asked for them (NST_OPT_RECEIVE_ERRORS): a ring of a fixed size, made
 * when it is asked for. What finds it full is not kept; the pending error tells of it all the same.
 */
#include <string.h>

#include "transport/dgram.h"
#include "wire/udp.h"

#define ERRORS_MAX 16
#define QUOTE_MAX  128 /* bytes of a datagram that are kept */

struct dgram_error {
    struct nst_error_info info;
    uint32_t len;
    uint8_t quote[QUOTE_MAX];
};

struct dgram_errors {
    uint32_t first, count;
    struct dgram_error ring[ERRORS_MAX];
};

int dgram_keep_errors(struct dgram *d, bool on)
{
    if (on == (d->errors != NULL))
        return 0;
    if (on) {
        d->errors = mem_zalloc(&d->stack->pool->mem, sizeof(*d->errors));
        return d->errors != NULL ? 0 : -NST_ENOMEM;
    }
    mem_free(&d->stack->pool->mem, d->errors, sizeof(*d->errors));
    d->errors = NULL;
    return 0;
}

bool dgram_has_errors(const struct dgram *d)
{
    return d->errors != NULL && d->errors->count > 0;
}

/* NULL: there are too many. */
static struct dgram_error *add(struct dgram *d)
{
    struct dgram_errors *errors = d->errors;
    if (errors->count == ERRORS_MAX)
        return NULL;
    return &errors->ring[(errors->first + errors->count++) % ERRORS_MAX];
}

void dgram_note_error(struct dgram *d, const struct net_error_report *report, int error)
{
    const size_t skip = d->kind == DGRAM_UDP ? UDP_HDR_LEN : 0;
    struct dgram_error *e = add(d);
    if (e == NULL)
        return;
    e->info = (struct nst_error_info){
        .error = error,
        .v6 = !nst_addr_is_v4(&report->src),
        .type = report->type,
        .code = report->code,
        .info = report->info,
        .remote = {.addr = report->dst},
        .offender = report->offender,
        .arrival = d->stack->now,
    };
    if (d->kind == DGRAM_UDP) /* the quote has 8 bytes at least */
        e->info.remote.port = be16_get(report->quote + 2);
    e->len = (uint32_t)min_size(report->quote_len - skip, QUOTE_MAX);
    memcpy(e->quote, report->quote + skip, e->len);
}

void dgram_note_too_long(struct dgram *d, const struct nst_endpoint *to, uint32_t mtu)
{
    struct dgram_error *e = d->errors != NULL ? add(d) : NULL;
    if (e == NULL)
        return;
    e->len = 0;
    e->info = (struct nst_error_info){
        .error = -NST_EMSGSIZE,
        .local = true,
        .v6 = !nst_addr_is_v4(&to->addr),
        .info = mtu,
        .remote = *to,
        .arrival = d->stack->now,
    };
    ready_notify(&d->stack->ready, d->ready, NST_READY_ERROR);
}

int64_t dgram_recv_error(struct dgram *d, void *data, size_t size, struct nst_error_info *ret_info)
{
    struct dgram_errors *errors = d->errors;
    if (!dgram_has_errors(d))
        return -NST_EAGAIN;
    const struct dgram_error *e = &errors->ring[errors->first];
    const size_t n = min_size(e->len, size);
    errors->first = (errors->first + 1) % ERRORS_MAX;
    errors->count--;
    if (n > 0)
        memcpy(data, e->quote, n);
    *ret_info = e->info;
    ret_info->truncated = n < e->len;
    return (int64_t)n;
}
