/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of calls, and checks of what calls wrote. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "script/call.h"
#include "script/kernel_address.h"
#include "script/show.h"

const struct script_value *call_arg(const struct call *c, unsigned n)
{
    const struct script_value *v = c->script->args;
    while (v != NULL && n-- > 0)
        v = v->next;
    return v;
}

const struct script_value *call_field(const struct script_value *v, const char *name)
{
    if (v == NULL || v->kind != VALUE_STRUCT)
        return NULL;
    for (const struct script_value *f = v->first; f != NULL; f = f->next)
        if (f->field != NULL && strcmp(f->field, name) == 0)
            return f;
    return NULL;
}

int call_blame(struct call *c, const struct script_value *v, const char *what)
{
    if (c->fault == NULL) {
        c->bad = v;
        c->fault = what;
    }
    return -EINVAL;
}

/* htons(1) and the like keep host order here: addresses put them into place. */
static bool function_number(struct call *c, const struct script_value *v, int64_t *ret_number)
{
    static const char *const names[] = {"htons", "htonl", "ntohs", "ntohl"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(v->text, names[i]) == 0 && v->count == 1)
            return call_number(c, v->first, ret_number);
    return false;
}

bool call_number(struct call *c, const struct script_value *v, int64_t *ret_number)
{
    if (v != NULL && v->kind == VALUE_NUMBER) {
        *ret_number = v->number;
        return true;
    }
    /* [1]: a pointer to a number. */
    if (v != NULL && v->kind == VALUE_LIST && v->count == 1)
        return call_number(c, v->first, ret_number);
    if (v != NULL && v->kind == VALUE_CALL && function_number(c, v, ret_number))
        return true;
    call_blame(c, v, "a number is needed here");
    return false;
}

int64_t call_int(struct call *c, unsigned n, int64_t otherwise)
{
    const struct script_value *v = call_arg(c, n);
    int64_t number = otherwise;
    if (v == NULL || v->kind == VALUE_ANY)
        return otherwise;
    call_number(c, v, &number);
    return number;
}

int call_map_fd(const struct call *c, int64_t script_fd)
{
    if (script_fd < 0 || script_fd >= RUN_FDS)
        return -1;
    return c->run->fds[script_fd];
}

int call_fd(struct call *c, unsigned n)
{
    return call_map_fd(c, call_int(c, n, -1));
}

void *call_slot(struct call *c, size_t size)
{
    if (c->slots == CALL_SLOTS) {
        call_blame(c, NULL, "this call has more parts than can be handled");
        return arena_alloc(&c->run->arena, size);
    }
    void **slot = &c->slot[c->slots++];
    if (*slot == NULL)
        *slot = arena_alloc(&c->run->arena, size);
    return *slot;
}

void *call_data(struct call *c, const struct script_value *v, size_t len)
{
    if (len > CALL_BUFFER_MAX) {
        call_blame(c, v, "more bytes than one call can move here");
        len = 0;
    }
    uint8_t *bytes = call_slot(c, len);
    if (v != NULL && v->kind == VALUE_TEXT)
        memcpy(bytes, v->text, v->len < len ? v->len : len);
    return bytes;
}

/* ---- Addresses ---- */

bool call_ip(struct call *c, const struct script_value *v, struct nst_addr *ret_addr)
{
    int64_t number;
    if (v->kind == VALUE_CALL) {
        for (const struct script_value *a = v->first; a != NULL; a = a->next)
            if (a->kind == VALUE_TEXT && nst_addr_parse(a->text, ret_addr) == 0)
                return true;
    }
    if (v->kind == VALUE_ANY) {
        *ret_addr = c->run->ends.local;
        return true;
    }
    if (!call_number(c, v, &number))
        return false;
    *ret_addr = nst_addr_v4((uint8_t)(number >> 24), (uint8_t)(number >> 16),
                            (uint8_t)(number >> 8), (uint8_t)number);
    return true;
}

/* The first of two fields that there is. */
static const struct script_value *either(const struct script_value *v, const char *a, const char *b)
{
    const struct script_value *f = call_field(v, a);
    return f != NULL ? f : call_field(v, b);
}

static bool endpoint_of(struct call *c, const struct script_value *v, int *ret_family,
                        struct nst_endpoint *ret)
{
    int64_t number;
    const struct script_value *family = either(v, "sa_family", "sin_family");
    const struct script_value *port = either(v, "sin_port", "sin6_port");
    const struct script_value *addr = either(v, "sin_addr", "sin6_addr");
    if (family == NULL)
        family = call_field(v, "sin6_family");
    if (family == NULL || !call_number(c, family, &number))
        return call_blame(c, v, "an address has sa_family, sin_port, sin_addr") == 0;
    *ret_family = (int)number;
    *ret = (struct nst_endpoint){0};
    if (port != NULL && port->kind != VALUE_ANY) {
        if (!call_number(c, port, &number))
            return false;
        ret->port = (uint16_t)number;
    }
    return addr == NULL || call_ip(c, addr, &ret->addr);
}

/* The family that sockets have in this script. */
static int family_of(const struct run *run)
{
    return run->script->config.ip_version == IP_VERSION_4 ? AF_INET : AF_INET6;
}

struct sockaddr *call_address(struct call *c, const struct script_value *v, enum call_whose whose,
                              socklen_t *ret_len)
{
    const struct script_config *config = &c->run->script->config;
    struct nst_endpoint endpoint = {.addr = c->run->ends.local, .port = config->bind_port};
    int family = family_of(c->run);
    struct sockaddr_storage *at = call_slot(c, sizeof(*at));
    *ret_len = sizeof(*at);
    if (v == NULL || (v->kind == VALUE_NUMBER && v->number == 0))
        return NULL;
    if (v->kind == VALUE_ANY && whose == CALL_REMOTE) {
        endpoint.addr = c->run->ends.remote;
        endpoint.port = config->connect_port;
    }
    if (v->kind == VALUE_STRUCT && !endpoint_of(c, v, &family, &endpoint))
        return NULL;
    if (v->kind != VALUE_STRUCT && v->kind != VALUE_ANY) {
        call_blame(c, v, "an address is needed here: {sa_family=AF_INET, ...}, or ...");
        return NULL;
    }
    kernel_address_put(family == AF_INET6 ? AF_INET6 : AF_INET, &endpoint, (struct sockaddr *)at,
                       ret_len);
    at->ss_family = (sa_family_t)family;
    return (struct sockaddr *)at;
}

/* ---- Checks ---- */

static bool differs(struct call *c, const struct script_value *v, const char *what,
                    const char *want, const char *got)
{
    runner_fail(c->run, v->pos, "%s wrote another %s", c->script->name, what);
    runner_detail(c->run, "  expected  %s", want);
    runner_detail(c->run, "  came      %s", got);
    return false;
}

bool call_differ_number(struct call *c, const struct script_value *v, const char *what,
                        int64_t want, int64_t got)
{
    struct arena *arena = &c->run->arena;
    return differs(c, v, what, arena_format(arena, "%lld", (long long)want),
                   arena_format(arena, "%lld", (long long)got));
}

bool call_check_number(struct call *c, const struct script_value *v, const char *what, int64_t got)
{
    int64_t want;
    if (v == NULL || v->kind == VALUE_ANY)
        return true;
    return call_number(c, v, &want) && (want == got || call_differ_number(c, v, what, want, got));
}

bool call_check_field(struct call *c, const struct script_value *v, const char *name, int64_t got)
{
    return call_check_number(c, call_field(v, name), name, got);
}

bool call_check_text(struct call *c, const struct script_value *v, const void *got, size_t len)
{
    if (v == NULL || v->kind != VALUE_TEXT)
        return true;
    const size_t n = v->len < len ? v->len : len;
    if ((v->open || v->len == len) && memcmp(v->text, got, n) == 0)
        return true;
    return differs(
        c, v, "text", show_value(&c->run->arena, v),
        arena_format(&c->run->arena, "\"%.*s\"", (int)(len < 60 ? len : 60), (const char *)got));
}

bool call_check_address(struct call *c, const struct script_value *v, const struct sockaddr *addr)
{
    struct nst_endpoint want, got;
    int family;
    char text[NST_ADDR_TEXT], other[NST_ADDR_TEXT];
    if (v == NULL || v->kind != VALUE_STRUCT)
        return true;
    if (!endpoint_of(c, v, &family, &want))
        return false;
    if (kernel_address_get(addr->sa_family, addr, sizeof(struct sockaddr_storage), &got) < 0)
        return runner_fail(c->run, v->pos, "no address was written");
    if (addr->sa_family == family && want.port == got.port && nst_addr_equal(&want.addr, &got.addr))
        return true;
    return differs(c, v, "address",
                   arena_format(&c->run->arena, "%s port %u",
                                nst_addr_format(&want.addr, text, sizeof(text)), want.port),
                   arena_format(&c->run->arena, "%s port %u",
                                nst_addr_format(&got.addr, other, sizeof(other)), got.port));
}
