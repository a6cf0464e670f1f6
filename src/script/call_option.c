/* SPDX-License-Identifier: Apache-2.0 */
/* setsockopt and getsockopt. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "script/call.h"

#define VALUE_MAX 512

static int64_t field_number(struct call *c, const struct script_value *v, const char *a,
                            const char *b)
{
    const struct script_value *f = call_field(v, a);
    int64_t number = 0;
    if (f == NULL)
        f = call_field(v, b);
    if (f == NULL)
        call_blame(c, v, "{onoff=, linger=} or {tv_sec=, tv_usec=} is needed here");
    else
        call_number(c, f, &number);
    return number;
}

/* {onoff=1, linger=0} or {tv_sec=1, tv_usec=0}. */
static size_t put_struct(struct call *c, const struct script_value *v, uint8_t *data)
{
    if (call_field(v, "tv_sec") != NULL) {
        const struct timeval tv = {.tv_sec = field_number(c, v, "tv_sec", "tv_sec"),
                                   .tv_usec = field_number(c, v, "tv_usec", "tv_usec")};
        memcpy(data, &tv, sizeof(tv));
        return sizeof(tv);
    }
    const struct linger linger = {.l_onoff = (int)field_number(c, v, "onoff", "l_onoff"),
                                  .l_linger = (int)field_number(c, v, "linger", "l_linger")};
    memcpy(data, &linger, sizeof(linger));
    return sizeof(linger);
}

/* The bytes of a value. Returns how many. */
static size_t put_value(struct call *c, const struct script_value *v, uint8_t *data)
{
    int64_t number = 0;
    int narrow;
    switch (v->kind) {
    case VALUE_TEXT:
        memcpy(data, v->text, v->len < VALUE_MAX ? v->len : VALUE_MAX);
        return v->len < VALUE_MAX ? v->len : VALUE_MAX;
    case VALUE_STRUCT:
        return put_struct(c, v, data);
    case VALUE_ANY:
        return sizeof(narrow);
    default:
        call_number(c, v, &number);
        narrow = (int)number;
        memcpy(data, &narrow, sizeof(narrow));
        return sizeof(narrow);
    }
}

static int64_t make_setsockopt(struct call *c)
{
    uint8_t *data = call_slot(c, VALUE_MAX);
    const struct script_value *v = call_arg(c, 3);
    if (v->kind == VALUE_NUMBER && v->number == 0)
        data = NULL; /* NULL, as a pointer */
    const size_t len = data != NULL ? put_value(c, v, data) : 0;
    const int level = (int)call_int(c, 1, 0), name = (int)call_int(c, 2, 0);
    return kernel_setsockopt(&c->run->kernel, call_fd(c, 0), level, name, data,
                             (socklen_t)call_int(c, 4, (int64_t)len));
}

static int64_t make_getsockopt(struct call *c)
{
    uint8_t *data = call_slot(c, VALUE_MAX);
    socklen_t *len = call_slot(c, sizeof(*len));
    const int64_t size = call_int(c, 4, VALUE_MAX);
    *len = size < 0 || size > VALUE_MAX ? VALUE_MAX : (socklen_t)size;
    const int level = (int)call_int(c, 1, 0), name = (int)call_int(c, 2, 0);
    return kernel_getsockopt(&c->run->kernel, call_fd(c, 0), level, name, data, len);
}

static bool check_linger(struct call *c, const struct script_value *v, const uint8_t *data)
{
    struct linger linger;
    memcpy(&linger, data, sizeof(linger));
    const struct script_value *on = call_field(v, "onoff"), *time = call_field(v, "linger");
    if (on == NULL)
        on = call_field(v, "l_onoff");
    if (time == NULL)
        time = call_field(v, "l_linger");
    return call_check_number(c, on, "onoff", linger.l_onoff) &&
           call_check_number(c, time, "linger", linger.l_linger);
}

static bool check_getsockopt(struct call *c, int64_t result)
{
    const struct script_value *v = call_arg(c, 3);
    const uint8_t *data = c->slot[0];
    const socklen_t *len = c->slot[1];
    struct timeval tv;
    int number;
    switch (v->kind) {
    case VALUE_ANY:
        return true;
    case VALUE_TEXT:
        return call_check_text(c, v, data, strnlen((const char *)data, *len));
    case VALUE_STRUCT:
        if (call_field(v, "tv_sec") == NULL)
            return check_linger(c, v, data);
        memcpy(&tv, data, sizeof(tv));
        return call_check_number(c, call_field(v, "tv_sec"), "tv_sec", tv.tv_sec) &&
               call_check_number(c, call_field(v, "tv_usec"), "tv_usec", tv.tv_usec);
    default:
        memcpy(&number, data, sizeof(number));
        return call_check_number(c, v, "value", number);
    }
}

/* cap_set(CAP_NET_RAW, 0): one capability off or on; cap_set(0): all of them off; as libcap has it:
 * cap_set(CAP_EFFECTIVE, [CAP_NET_RAW], CAP_CLEAR). */
static int64_t make_cap_set(struct call *c)
{
    const uint32_t count = c->script->count;
    const struct script_value *list = call_arg(c, count == 3 ? 1 : 0);
    const bool on = call_int(c, count == 3 ? 2 : 1, 0) != 0;
    uint64_t bits = 0;
    int64_t number;
    if (count == 1 && list->kind == VALUE_NUMBER && list->number == 0)
        bits = UINT64_MAX;
    const struct script_value *v = list->kind == VALUE_LIST ? list->first : list;
    for (; bits != UINT64_MAX && v != NULL; v = list->kind == VALUE_LIST ? v->next : NULL) {
        if (!call_number(c, v, &number) || number < 0 || number > 63)
            return -EINVAL;
        bits |= (uint64_t)1 << number;
    }
    uint64_t *all = &c->run->kernel.capabilities;
    *all = on ? *all | bits : *all & ~bits;
    return 0;
}

const struct call_entry call_option_table[] = {
    {"cap_set", 1, 3, make_cap_set, NULL, false},
    {"setsockopt", 5, 5, make_setsockopt, NULL, false},
    {"getsockopt", 5, 5, make_getsockopt, check_getsockopt, false},
    {NULL, 0, 0, NULL, NULL, false},
};
