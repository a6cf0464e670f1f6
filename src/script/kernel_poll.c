/* SPDX-License-Identifier: Apache-2.0 */
/* poll and epoll. What is ready is asked of the stack each time; the stack's ready list only tells
 * that something new has happened, which is what edge-triggered epoll reports. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "script/kernel.h"

#define NESTED_MAX 5 /* epoll in epoll, as Linux allows */

struct kernel_interest {
    struct kernel_interest *next;
    int fd;
    struct epoll_event event;
    uint32_t edges; /* of the file, as they were reported last */
    bool reported;  /* once at least since it was added or changed */
    bool spent;     /* EPOLLONESHOT has fired */
};

/* ---- What is ready ---- */

/* Takes the stack's news in. */
static void collect(struct kernel *p)
{
    struct nst_ready ready[16];
    int n;
    while ((n = nst_ready_list(p->world->stack, ready, 16)) > 0) {
        for (int i = 0; i < n; i++) {
            struct kernel_file *f = ready[i].context;
            if (f != NULL)
                f->edges++;
        }
    }
}

static uint32_t socket_events(struct kernel *p, const struct kernel_file *f)
{
    const int events = nst_socket_events(p->world->stack, f->socket);
    uint32_t poll_events = 0;
    if (events < 0)
        return POLLNVAL;
    if (f->type == NST_STREAM && !f->listening && !f->connected && !f->connecting)
        return POLLOUT | POLLWRNORM | POLLHUP; /* Linux's word for a stream that never was */
    if ((events & NST_READY_IN) != 0)
        poll_events |= POLLIN | POLLRDNORM;
    if ((events & NST_READY_OUT) != 0)
        poll_events |= POLLOUT | POLLWRNORM;
    if ((events & NST_READY_RDHUP) != 0)
        poll_events |= POLLRDHUP;
    if ((events & NST_READY_HUP) != 0)
        poll_events |= POLLHUP;
    if ((events & NST_READY_ERROR) != 0 || f->side.errors != NULL || f->side.error != 0)
        poll_events |= POLLERR;
    return poll_events;
}

static uint32_t events_of(struct kernel *p, const struct kernel_file *f, int depth);

/* What of it `interest` wants to hear now. */
static uint32_t wanted(struct kernel *p, const struct kernel_interest *i, int depth)
{
    const struct kernel_file *f = kernel_file(p, i->fd);
    if (f == NULL || i->spent)
        return 0;
    if ((i->event.events & EPOLLET) != 0 && i->reported && i->edges == f->edges)
        return 0;
    return events_of(p, f, depth) & (i->event.events | EPOLLERR | EPOLLHUP);
}

static uint32_t events_of(struct kernel *p, const struct kernel_file *f, int depth)
{
    switch (f->kind) {
    case KERNEL_SOCKET:
        return socket_events(p, f);
    case KERNEL_PIPE:
        return kernel_pipe_events(f);
    case KERNEL_EPOLL:
        for (const struct kernel_interest *i = f->interests; i != NULL; i = i->next)
            if (depth < NESTED_MAX && wanted(p, i, depth + 1) != 0)
                return POLLIN | POLLRDNORM;
        return 0;
    case KERNEL_ZERO:
        return POLLIN | POLLOUT;
    }
    return 0;
}

uint32_t kernel_events(struct kernel *p, const struct kernel_file *f)
{
    collect(p);
    return events_of(p, f, 0);
}

/* ---- poll ---- */

static int check_all(struct kernel *p, struct pollfd *fds, unsigned long count)
{
    int ready = 0;
    for (unsigned long i = 0; i < count; i++) {
        const struct kernel_file *f = kernel_file(p, fds[i].fd);
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        if (f == NULL)
            fds[i].revents = POLLNVAL;
        else
            fds[i].revents = (short)(events_of(p, f, 0) &
                                     ((uint32_t)(uint16_t)fds[i].events | POLLERR | POLLHUP));
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Nothing is ready: 0 when the time is over. */
static int64_t wait_more(struct kernel *p, int timeout_ms, struct kernel_wait *wait)
{
    if (!wait->begun) {
        wait->begun = true;
        wait->until = timeout_ms < 0 ? NST_TIME_NEVER : p->world->now + timeout_ms * NST_MSEC;
    }
    return p->world->now >= wait->until ? 0 : KERNEL_WAIT;
}

int64_t kernel_poll(struct kernel *p, struct pollfd *fds, unsigned long count, int timeout_ms,
                    struct kernel_wait *wait)
{
    if (count > KERNEL_FDS_MAX)
        return -EINVAL;
    if (fds == NULL && count > 0)
        return -EFAULT;
    collect(p);
    const int ready = check_all(p, fds, count);
    return ready > 0 ? ready : wait_more(p, timeout_ms, wait);
}

/* ---- epoll ---- */

int kernel_epoll_create(struct kernel *p, int flags)
{
    struct kernel_file *f;
    if ((flags & ~EPOLL_CLOEXEC) != 0)
        return -EINVAL;
    return kernel_new_file(p, KERNEL_EPOLL, O_RDWR, &f);
}

static struct kernel_interest **find(struct kernel_file *epoll, int fd)
{
    struct kernel_interest **at = &epoll->interests;
    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

/* The stack tells of everything new about the socket from now on. */
static void watch(struct kernel *p, struct kernel_file *f)
{
    if (f->kind == KERNEL_SOCKET)
        nst_socket_watch(p->world->stack, f->socket, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP,
                         f);
    collect(p);
}

static int add(struct kernel *p, struct kernel_interest **at, struct kernel_file *f,
               const struct epoll_event *event)
{
    if (*at != NULL)
        return -EEXIST;
    *at = calloc(1, sizeof(**at));
    if (*at == NULL)
        return -ENOMEM;
    (*at)->fd = f->fd;
    (*at)->event = *event;
    watch(p, f);
    return 0;
}

static void remove_interest(struct kernel_interest **at)
{
    struct kernel_interest *gone = *at;
    *at = gone->next;
    free(gone);
}

int kernel_epoll_ctl(struct kernel *p, int epfd, int op, int fd, struct epoll_event *event)
{
    struct kernel_file *epoll = kernel_file(p, epfd), *f = kernel_file(p, fd);
    if (epoll == NULL || f == NULL)
        return -EBADF;
    if (epoll->kind != KERNEL_EPOLL || epoll == f)
        return -EINVAL;
    if (f->kind == KERNEL_ZERO)
        return -EPERM;
    struct kernel_interest **at = find(epoll, fd);
    if (op != EPOLL_CTL_DEL && event == NULL)
        return -EFAULT;
    switch (op) {
    case EPOLL_CTL_ADD:
        return add(p, at, f, event);
    case EPOLL_CTL_MOD:
        if (*at == NULL)
            return -ENOENT;
        (*at)->event = *event;
        (*at)->reported = (*at)->spent = false;
        return 0;
    case EPOLL_CTL_DEL:
        if (*at == NULL)
            return -ENOENT;
        remove_interest(at);
        return 0;
    default:
        return -EINVAL;
    }
}

static int report(struct kernel *p, struct kernel_file *epoll, struct epoll_event *events, int max)
{
    int n = 0;
    for (struct kernel_interest *i = epoll->interests; i != NULL && n < max; i = i->next) {
        const uint32_t now = wanted(p, i, 0);
        if (now == 0)
            continue;
        events[n].events = now;
        events[n++].data = i->event.data;
        i->reported = true;
        i->edges = kernel_file(p, i->fd)->edges;
        i->spent = (i->event.events & EPOLLONESHOT) != 0;
    }
    return n;
}

int64_t kernel_epoll_wait(struct kernel *p, int epfd, struct epoll_event *events, int max,
                          int timeout_ms, struct kernel_wait *wait)
{
    struct kernel_file *epoll = kernel_file(p, epfd);
    if (epoll == NULL)
        return -EBADF;
    if (epoll->kind != KERNEL_EPOLL || max <= 0)
        return -EINVAL;
    if (events == NULL)
        return -EFAULT;
    collect(p);
    const int ready = report(p, epoll, events, max);
    return ready > 0 ? ready : wait_more(p, timeout_ms, wait);
}

void kernel_epoll_forget(struct kernel *p, int fd)
{
    for (int i = 0; i < KERNEL_FDS_MAX; i++) {
        struct kernel_file *f = p->files[i];
        if (f == NULL || f->kind != KERNEL_EPOLL)
            continue;
        struct kernel_interest **at = find(f, fd);
        if (*at != NULL)
            remove_interest(at);
    }
}

void kernel_epoll_free(struct kernel_file *f)
{
    while (f->interests != NULL)
        remove_interest(&f->interests);
}
