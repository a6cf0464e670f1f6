/* SPDX-License-Identifier: Apache-2.0 */
/* Control messages as a script writes them: [{cmsg_level=..., cmsg_type=..., cmsg_data=...}]. */
#include <time.h> /* errqueue.h wants it before */

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>

#include "script/call.h"
#include "wire/addr.h"

#define CONTROL_SIZE 1024
#define DATA_MAX     128

static bool has_any(const struct script_value *v, const char *const *names)
{
    for (; *names != NULL; names++)
        if (call_field(v, *names) != NULL)
            return true;
    return false;
}

static const char *const time_names[] = {"scm_sec", "scm_nsec", "tv_sec",
                                         "tv_usec", "tv_nsec",  NULL};
static const char *const info_names[] = {"ipi_ifindex", "ipi_spec_dst", "ipi_addr", NULL};
static const char *const info6_names[] = {"ipi6_ifindex", "ipi6_addr", NULL};
static const char *const error_names[] = {"ee_errno", "ee_origin", "ee_type", "ee_code",
                                          "ee_info",  "ee_data",   NULL};

/* ---- Building ---- */

static int64_t number_or(struct call *c, const struct script_value *v, const char *name,
                         int64_t otherwise)
{
    const struct script_value *f = call_field(v, name);
    int64_t number = otherwise;
    if (f != NULL && f->kind != VALUE_ANY)
        call_number(c, f, &number);
    return number;
}

static size_t put_info(struct call *c, const struct script_value *v, uint8_t *data)
{
    struct in_pktinfo info = {.ipi_ifindex = (int)number_or(c, v, "ipi_ifindex", 0)};
    const struct script_value *source = call_field(v, "ipi_spec_dst");
    const struct script_value *addr = call_field(v, "ipi_addr");
    struct nst_addr a;
    if (source != NULL && call_ip(c, source, &a))
        info.ipi_spec_dst.s_addr = addr_to_raw4(&a);
    if (addr != NULL && call_ip(c, addr, &a))
        info.ipi_addr.s_addr = addr_to_raw4(&a);
    memcpy(data, &info, sizeof(info));
    return sizeof(info);
}

static size_t put_info6(struct call *c, const struct script_value *v, uint8_t *data)
{
    struct in6_pktinfo info = {.ipi6_ifindex = (unsigned)number_or(c, v, "ipi6_ifindex", 0)};
    const struct script_value *addr = call_field(v, "ipi6_addr");
    struct nst_addr a;
    if (addr != NULL && call_ip(c, addr, &a))
        memcpy(&info.ipi6_addr, a.b, sizeof(info.ipi6_addr));
    memcpy(data, &info, sizeof(info));
    return sizeof(info);
}

/* The bytes of cmsg_data. Returns how many, at most DATA_MAX. */
static size_t put_data(struct call *c, const struct script_value *v, uint8_t *data)
{
    int64_t number = 0;
    if (v == NULL)
        return 0;
    if (v->kind == VALUE_TEXT) {
        const size_t len = v->len < DATA_MAX ? v->len : DATA_MAX;
        memcpy(data, v->text, len);
        return len;
    }
    if (has_any(v, info_names))
        return put_info(c, v, data);
    if (has_any(v, info6_names))
        return put_info6(c, v, data);
    if (!call_number(c, v, &number))
        return 0;
    const int narrow = (int)number;
    memcpy(data, &narrow, sizeof(narrow));
    return sizeof(narrow);
}

/* Level and type of one message. False: the script is at fault. */
static bool kind_of(struct call *c, const struct script_value *v, int *ret_level, int *ret_type)
{
    int64_t level, type;
    const struct script_value *a = call_field(v, "cmsg_level"), *b = call_field(v, "cmsg_type");
    if (a == NULL || b == NULL) {
        call_blame(c, v, "a control message is {cmsg_level=, cmsg_type=, cmsg_data=}");
        return false;
    }
    if (!call_number(c, a, &level) || !call_number(c, b, &type))
        return false;
    *ret_level = (int)level;
    *ret_type = (int)type;
    return true;
}

static const struct script_value *messages(struct call *c)
{
    const struct script_value *v = call_field(call_arg(c, 1), "msg_control");
    if (v == NULL || v->kind == VALUE_ANY || (v->kind == VALUE_NUMBER && v->number == 0))
        return NULL;
    if (v->kind != VALUE_LIST)
        call_blame(c, v, "a list [{cmsg_level=, cmsg_type=, cmsg_data=}] is needed here");
    return v->kind == VALUE_LIST ? v : NULL;
}

void call_control_put(struct call *c, struct msghdr *msg)
{
    const struct script_value *list = messages(c);
    uint8_t data[DATA_MAX];
    size_t used = 0;
    if (list == NULL)
        return;
    msg->msg_control = call_slot(c, CONTROL_SIZE);
    msg->msg_controllen = CONTROL_SIZE;
    for (const struct script_value *v = list->first; v != NULL; v = v->next) {
        int level, type;
        if (!kind_of(c, v, &level, &type))
            return;
        const size_t len = put_data(c, call_field(v, "cmsg_data"), data);
        kernel_control_add(msg, &used, level, type, data, len);
    }
    if ((msg->msg_flags & MSG_CTRUNC) != 0)
        call_blame(c, list, "more control messages than one call can carry here");
    msg->msg_flags = 0;
    msg->msg_controllen = used;
}

void call_control_room(struct call *c, struct msghdr *msg)
{
    if (messages(c) == NULL)
        return;
    msg->msg_control = call_slot(c, CONTROL_SIZE);
    msg->msg_controllen = CONTROL_SIZE;
}

/* ---- Checking ---- */

/* Seconds and nanoseconds (or microseconds) as the script has them. */
static bool wanted_time(struct call *c, const struct script_value *v, nst_time *ret_time)
{
    const int64_t seconds = number_or(c, v, "scm_sec", number_or(c, v, "tv_sec", 0));
    const int64_t nanos = number_or(c, v, "scm_nsec", number_or(c, v, "tv_nsec", 0));
    *ret_time = seconds * NST_SEC + nanos + number_or(c, v, "tv_usec", 0) * NST_USEC;
    return c->fault == NULL;
}

static bool check_time(struct call *c, const struct script_value *v, const struct cmsghdr *m)
{
    nst_time want, got;
    struct timespec spec = {0};
    struct timeval tv = {0};
    if (!wanted_time(c, v, &want))
        return false;
    if (m->cmsg_type == SO_TIMESTAMP) {
        memcpy(&tv, CMSG_DATA(m), sizeof(tv));
        got = tv.tv_sec * NST_SEC + tv.tv_usec * NST_USEC;
    } else {
        memcpy(&spec, CMSG_DATA(m), sizeof(spec));
        got = spec.tv_sec * NST_SEC + spec.tv_nsec;
    }
    const nst_time tolerance = runner_tolerance(c->run, 0);
    if (got - want <= tolerance && want - got <= tolerance)
        return true;
    return call_differ_number(c, v, "time, in nanoseconds", want, got);
}

static bool check_error(struct call *c, const struct script_value *v, const struct cmsghdr *m)
{
    struct sock_extended_err ee = {0};
    memcpy(&ee, CMSG_DATA(m), sizeof(ee));
    return call_check_field(c, v, "ee_errno", ee.ee_errno) &&
           call_check_field(c, v, "ee_origin", ee.ee_origin) &&
           call_check_field(c, v, "ee_type", ee.ee_type) &&
           call_check_field(c, v, "ee_code", ee.ee_code) &&
           call_check_field(c, v, "ee_info", ee.ee_info) &&
           call_check_field(c, v, "ee_data", ee.ee_data);
}

/* An address that is a field of a message. */
static bool check_ip(struct call *c, const struct script_value *v, const char *name,
                     const struct nst_addr *got)
{
    const struct script_value *f = call_field(v, name);
    struct nst_addr want;
    char text[NST_ADDR_TEXT];
    if (f == NULL || f->kind == VALUE_ANY)
        return true;
    if (!call_ip(c, f, &want))
        return false;
    if (nst_addr_equal(&want, got))
        return true;
    runner_fail(c->run, f->pos, "%s wrote another %s", c->script->name, name);
    runner_detail(c->run, "  came      %s", nst_addr_format(got, text, sizeof(text)));
    return false;
}

static bool check_info(struct call *c, const struct script_value *v, const struct cmsghdr *m)
{
    struct in_pktinfo info = {0};
    memcpy(&info, CMSG_DATA(m), sizeof(info));
    const struct nst_addr source = addr_from_raw4(info.ipi_spec_dst.s_addr);
    const struct nst_addr addr = addr_from_raw4(info.ipi_addr.s_addr);
    return call_check_field(c, v, "ipi_ifindex", info.ipi_ifindex) &&
           check_ip(c, v, "ipi_spec_dst", &source) && check_ip(c, v, "ipi_addr", &addr);
}

static bool check_info6(struct call *c, const struct script_value *v, const struct cmsghdr *m)
{
    struct in6_pktinfo info = {0};
    struct nst_addr addr;
    memcpy(&info, CMSG_DATA(m), sizeof(info));
    memcpy(addr.b, &info.ipi6_addr, sizeof(addr.b));
    return call_check_field(c, v, "ipi6_ifindex", info.ipi6_ifindex) &&
           check_ip(c, v, "ipi6_addr", &addr);
}

static int64_t number_in(const struct cmsghdr *m)
{
    const size_t len = m->cmsg_len - CMSG_LEN(0);
    int64_t wide = 0;
    int narrow = 0;
    if (len == 1)
        return *CMSG_DATA(m);
    if (len >= sizeof(wide)) {
        memcpy(&wide, CMSG_DATA(m), sizeof(wide));
        return wide;
    }
    memcpy(&narrow, CMSG_DATA(m), len < sizeof(narrow) ? len : sizeof(narrow));
    return narrow;
}

/* A struct by its fields: what they are must be what the message holds. */
static bool check_struct(struct call *c, const struct script_value *v, const struct cmsghdr *m)
{
    static const struct {
        const char *const *names;
        size_t size;
        bool (*check)(struct call *c, const struct script_value *v, const struct cmsghdr *m);
    } kinds[] = {
        {time_names, sizeof(struct timeval), check_time},
        {error_names, sizeof(struct sock_extended_err), check_error},
        {info_names, sizeof(struct in_pktinfo), check_info},
        {info6_names, sizeof(struct in6_pktinfo), check_info6},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!has_any(v, kinds[i].names))
            continue;
        if (m->cmsg_len < CMSG_LEN(kinds[i].size))
            return runner_fail(c->run, v->pos, "this control message holds something else");
        return kinds[i].check(c, v, m);
    }
    call_blame(c, v, "{scm_sec=...}, {ee_errno=...}, {ipi_addr=...} or {ipi6_addr=...} is needed");
    return false;
}

static bool check_one(struct call *c, const struct script_value *v, const struct cmsghdr *m)
{
    const struct script_value *data = call_field(v, "cmsg_data");
    int level, type;
    if (!kind_of(c, v, &level, &type) || !call_check_field(c, v, "cmsg_level", m->cmsg_level) ||
        !call_check_field(c, v, "cmsg_type", m->cmsg_type))
        return false;
    if (data == NULL || data->kind == VALUE_ANY)
        return true;
    if (data->kind == VALUE_TEXT)
        return call_check_text(c, data, CMSG_DATA(m), m->cmsg_len - CMSG_LEN(0));
    if (data->kind == VALUE_STRUCT)
        return check_struct(c, data, m);
    return call_check_number(c, data, "cmsg_data", number_in(m));
}

bool call_control_check(struct call *c, struct msghdr *msg)
{
    const struct script_value *list = messages(c), *v = list != NULL ? list->first : NULL;
    struct cmsghdr *m = list != NULL ? CMSG_FIRSTHDR(msg) : NULL;
    for (; v != NULL && m != NULL; v = v->next, m = CMSG_NXTHDR(msg, m))
        if (!check_one(c, v, m))
            return false;
    if (v != NULL)
        return runner_fail(c->run, v->pos, "%s gave no such control message", c->script->name);
    if (m != NULL)
        return runner_fail(c->run, list->pos, "%s gave a control message more: level %d, type %d",
                           c->script->name, m->cmsg_level, m->cmsg_type);
    return true;
}
