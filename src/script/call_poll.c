/* SPDX-License-Identifier: Apache-2.0 */
/* poll and epoll. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "script/call.h"
#include "script/symbols.h"

#define POLL_MAX 64

static int64_t field_or(struct call *c, const struct script_value *v, const char *name,
                        int64_t otherwise)
{
    const struct script_value *f = call_field(v, name);
    if (f == NULL || f->kind == VALUE_ANY)
        return otherwise;
    call_number(c, f, &otherwise);
    return otherwise;
}

static int64_t make_poll(struct call *c)
{
    struct pollfd *fds = call_slot(c, POLL_MAX * sizeof(*fds));
    const struct script_value *list = call_arg(c, 0);
    unsigned n = 0;
    if (list->kind != VALUE_LIST || list->count > POLL_MAX)
        return call_blame(c, list, "a list [{fd=4, events=POLLIN}] is needed here");
    for (const struct script_value *v = list->first; v != NULL; v = v->next, n++) {
        const int64_t fd = field_or(c, v, "fd", -1);
        fds[n] = (struct pollfd){.events = (short)field_or(c, v, "events", 0)};
        fds[n].fd = fd < 0 ? -1 : call_map_fd(c, fd);
        /* One that the script has closed: poll says so, it does not pass it over. */
        if (fd >= 0 && fds[n].fd < 0)
            fds[n].fd = KERNEL_FDS_MAX;
    }
    const int64_t count = call_int(c, 1, n);
    if (count < 0 || count > n)
        return call_blame(c, call_arg(c, 1), "more descriptors than the list has");
    return kernel_poll(&c->run->kernel, fds, (unsigned long)count, (int)call_int(c, 2, 0),
                       &c->wait);
}

/* Two sets of events, as words. */
static bool check_events(struct call *c, const struct script_value *v, const char *what,
                         uint32_t got)
{
    char a[80], b[80];
    int64_t want;
    if (v == NULL || v->kind == VALUE_ANY)
        return true;
    if (!call_number(c, v, &want))
        return false;
    if ((uint32_t)want == got)
        return true;
    runner_fail(c->run, v->pos, "%s gave other %s", c->script->name, what);
    runner_detail(c->run, "  expected  %s", symbols_poll_events((uint32_t)want, a));
    runner_detail(c->run, "  came      %s", symbols_poll_events(got, b));
    return false;
}

static bool check_poll(struct call *c, int64_t result)
{
    const struct pollfd *fds = c->slot[0];
    for (const struct script_value *v = call_arg(c, 0)->first; v != NULL; v = v->next, fds++)
        if (!check_events(c, call_field(v, "revents"), "revents", (uint16_t)fds->revents))
            return false;
    return true;
}

static int64_t make_epoll_create(struct call *c)
{
    return call_int(c, 0, 1) > 0 ? kernel_epoll_create(&c->run->kernel, 0) : -EINVAL;
}

static int64_t make_epoll_create1(struct call *c)
{
    return kernel_epoll_create(&c->run->kernel, (int)call_int(c, 0, 0));
}

/* The union's member, whatever the script calls it. */
static const struct script_value *data_field(const struct script_value *v)
{
    static const char *const names[] = {"fd", "u32", "u64", "ptr", "data"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (call_field(v, names[i]) != NULL)
            return call_field(v, names[i]);
    return NULL;
}

static int64_t make_epoll_ctl(struct call *c)
{
    const struct script_value *v = call_arg(c, 3);
    struct epoll_event event = {0};
    int64_t number = 0;
    if (v->kind == VALUE_STRUCT) {
        const struct script_value *data = data_field(v);
        event.events = (uint32_t)field_or(c, v, "events", 0);
        if (data != NULL)
            call_number(c, data, &number);
        event.data.u64 = (uint64_t)number;
    }
    return kernel_epoll_ctl(&c->run->kernel, call_fd(c, 0), (int)call_int(c, 1, 0), call_fd(c, 2),
                            v->kind == VALUE_STRUCT || v->kind == VALUE_ANY ? &event : NULL);
}

static int64_t make_epoll_wait(struct call *c)
{
    struct epoll_event *events = call_slot(c, POLL_MAX * sizeof(*events));
    const int64_t max = call_int(c, 2, 1);
    return kernel_epoll_wait(&c->run->kernel, call_fd(c, 0), events,
                             max > POLL_MAX ? POLL_MAX : (int)max, (int)call_int(c, 3, 0),
                             &c->wait);
}

static bool check_epoll_wait(struct call *c, int64_t result)
{
    const struct epoll_event *events = c->slot[0];
    const struct script_value *v = call_arg(c, 1);
    if (v->kind == VALUE_LIST)
        v = v->first;
    for (int64_t i = 0; i < result && v != NULL && v->kind == VALUE_STRUCT; i++, v = v->next) {
        if (!check_events(c, call_field(v, "events"), "events", events[i].events) ||
            !call_check_number(c, data_field(v), "data", (int64_t)events[i].data.u64))
            return false;
        if (call_arg(c, 1)->kind != VALUE_LIST)
            break;
    }
    return true;
}

const struct call_entry call_poll_table[] = {
    {"poll", 3, 3, make_poll, check_poll, false},
    {"epoll_create", 1, 1, make_epoll_create, NULL, true},
    {"epoll_create1", 1, 1, make_epoll_create1, NULL, true},
    {"epoll_ctl", 4, 4, make_epoll_ctl, NULL, false},
    {"epoll_wait", 4, 4, make_epoll_wait, check_epoll_wait, false},
    {NULL, 0, 0, NULL, NULL, false},
};
