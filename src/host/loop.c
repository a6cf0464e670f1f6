/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An epoll loop for the stacks of one thread.
 *
 * Theory of operation. A turn waits (until a stack's or a timer's deadline), reads the clock once,
 * calls the watches whose descriptors are ready, then the timers, and then lets the stacks work,
 * one after the other: run, hand out the ready list, again until nothing is left that is due in any
 * of them. So everything that a batch of input caused leaves in the same turn, also through a pipe
 * from one stack to the next, and a packet costs no system call of the loop's own.
 *
 * Invariants: (1) a watch that was removed is never called, also when its event was fetched
 * already; (2) a link is watched for EPOLLOUT only while it is full; (3) a timer that is armed
 * while timers are called waits for the next turn, also when it is due, so none can keep the stack
 * from working; (4) the loop does not wait while a ready list has entries; (5) a stack that was
 * taken out in a callback is not touched any more: its place is freed when the stacks have worked.
 */
#include <nicstack/host.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/timers.h"

#define EVENTS_MAX    64
#define READY_MAX     64
#define RECEIVE_BATCH 64
#define PASSES_MAX    16 /* of the stacks in one turn, so that descriptors are not starved */

struct link_watch {
    struct nst_watch watch; /* first */
    struct link_watch *next;
    struct nst_loop *loop;
    struct nst_link *link;
    int (*receive)(struct nst_link *link, int max);
};

struct stack_entry {
    struct stack_entry *next;
    struct nst_stack *stack; /* NULL: taken out, and about to be freed */
    void (*on_ready)(void *context, const struct nst_ready *ready);
    void *context;
    bool more; /* it has work left that no deadline tells of */
};

struct nst_loop {
    int epoll;
    int wake; /* eventfd, written by nst_loop_stop */
    volatile sig_atomic_t stopped;
    nst_time now;
    struct stack_entry *stacks; /* in the order in which they came */
    bool is_working;            /* stacks are being run: their places are not freed */
    struct link_watch *links;
    struct timers timers;
    struct epoll_event events[EVENTS_MAX];
    int event_count, event_next; /* of this turn */
    bool no_pwait2;              /* the kernel has no epoll_pwait2, or it is forbidden */
};

static void free_removed(struct nst_loop *loop)
{
    for (struct stack_entry **at = &loop->stacks; *at != NULL;) {
        struct stack_entry *e = *at;
        if (e->stack != NULL) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        free(e);
    }
}

int nst_loop_new(struct nst_loop **ret_loop)
{
    struct nst_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL)
        return -NST_ENOMEM;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (loop->epoll < 0 || loop->wake < 0 ||
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) < 0) {
        nst_loop_free(loop);
        return -NST_EIO;
    }
    loop->now = nst_host_now();
    *ret_loop = loop;
    return 0;
}

void nst_loop_free(struct nst_loop *loop)
{
    if (loop == NULL)
        return;
    while (loop->links != NULL)
        nst_loop_remove_link(loop, loop->links->link);
    for (struct stack_entry *e = loop->stacks; e != NULL; e = e->next)
        e->stack = NULL;
    free_removed(loop);
    if (loop->epoll >= 0)
        close(loop->epoll);
    if (loop->wake >= 0)
        close(loop->wake);
    free(loop);
}

static int control(struct nst_loop *loop, int op, struct nst_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll, op, watch->fd, &event) < 0)
        return errno == ENOMEM || errno == ENOSPC ? -NST_ENOMEM : -NST_EIO;
    watch->events = events;
    return 0;
}

int nst_loop_add(struct nst_loop *loop, struct nst_watch *watch, uint32_t events)
{
    return control(loop, EPOLL_CTL_ADD, watch, events);
}

int nst_loop_change(struct nst_loop *loop, struct nst_watch *watch, uint32_t events)
{
    return watch->events == events ? 0 : control(loop, EPOLL_CTL_MOD, watch, events);
}

void nst_loop_remove(struct nst_loop *loop, struct nst_watch *watch)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = loop->event_next; i < loop->event_count; i++)
        if (loop->events[i].data.ptr == watch)
            loop->events[i].events = 0;
}

void nst_loop_arm(struct nst_loop *loop, struct nst_loop_timer *timer, nst_time when)
{
    timers_remove(&loop->timers, timer);
    timers_add(&loop->timers, timer, when);
}

void nst_loop_disarm(struct nst_loop *loop, struct nst_loop_timer *timer)
{
    timers_remove(&loop->timers, timer);
}

int nst_loop_add_stack(struct nst_loop *loop, struct nst_stack *stack,
                       void (*on_ready)(void *context, const struct nst_ready *ready),
                       void *context)
{
    struct stack_entry *e = calloc(1, sizeof(*e)), **at = &loop->stacks;
    if (e == NULL)
        return -NST_ENOMEM;
    *e = (struct stack_entry){.stack = stack, .on_ready = on_ready, .context = context};
    e->more = true; /* it may have entries already */
    while (*at != NULL)
        at = &(*at)->next;
    *at = e;
    return 0;
}

void nst_loop_remove_stack(struct nst_loop *loop, struct nst_stack *stack)
{
    for (struct stack_entry *e = loop->stacks; e != NULL; e = e->next)
        if (e->stack == stack)
            e->stack = NULL;
    if (!loop->is_working)
        free_removed(loop);
}

static void unwatch(struct link_watch *l)
{
    if (l->watch.fd >= 0)
        nst_loop_remove(l->loop, &l->watch);
    l->watch.fd = -1;
}

static void on_link(struct nst_watch *watch, uint32_t events)
{
    struct link_watch *l = (struct link_watch *)watch;
    if ((events & EPOLLOUT) != 0)
        nst_link_set_writable(l->link);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 && l->receive(l->link, RECEIVE_BATCH) < 0)
        unwatch(l); /* the device is gone: nothing will come any more */
}

int nst_loop_add_link(struct nst_loop *loop, struct nst_link *link, int fd,
                      int (*receive)(struct nst_link *link, int max))
{
    struct link_watch *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return -NST_ENOMEM;
    l->watch = (struct nst_watch){.fd = fd, .on_events = on_link};
    l->loop = loop;
    l->link = link;
    l->receive = receive;
    int r = nst_loop_add(loop, &l->watch, EPOLLIN);
    if (r < 0) {
        free(l);
        return r;
    }
    l->next = loop->links;
    loop->links = l;
    return 0;
}

void nst_loop_remove_link(struct nst_loop *loop, struct nst_link *link)
{
    for (struct link_watch **at = &loop->links; *at != NULL; at = &(*at)->next) {
        struct link_watch *l = *at;
        if (l->link != link)
            continue;
        *at = l->next;
        unwatch(l);
        free(l);
        return;
    }
}

static nst_time next_deadline(const struct nst_loop *loop)
{
    nst_time next = NST_TIME_NEVER;
    for (const struct stack_entry *e = loop->stacks; e != NULL; e = e->next) {
        nst_time deadline = e->more ? 0 : nst_stack_next_deadline(e->stack);
        next = deadline < next ? deadline : next;
    }
    if (loop->timers.root != NULL && loop->timers.root->when < next)
        next = loop->timers.root->when;
    return next;
}

/* The timeout is rounded up: a turn too late by less than a millisecond costs less than one that
 * comes too early and does nothing. */
static int wait_milliseconds(struct nst_loop *loop, nst_time timeout)
{
    nst_time ms = timeout < 0 ? -1 : timeout / NST_MSEC + (timeout % NST_MSEC != 0);
    return epoll_wait(loop->epoll, loop->events, EVENTS_MAX, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

/* Waits (`timeout` negative: for ever) and fetches events: how many, or -NST_EIO. */
static int wait_events(struct nst_loop *loop, nst_time timeout)
{
    struct timespec ts = {.tv_sec = timeout / NST_SEC, .tv_nsec = timeout % NST_SEC};
    int n = -1;
    if (!loop->no_pwait2) {
        n = epoll_pwait2(loop->epoll, loop->events, EVENTS_MAX, timeout < 0 ? NULL : &ts, NULL);
        /* Older filters of system calls answer what they do not know by EPERM. */
        loop->no_pwait2 = n < 0 && (errno == ENOSYS || errno == EPERM);
    }
    if (loop->no_pwait2)
        n = wait_milliseconds(loop, timeout);
    if (n < 0)
        return errno == EINTR ? 0 : -NST_EIO;
    return n;
}

static void dispatch_events(struct nst_loop *loop, int count)
{
    loop->event_count = count;
    for (loop->event_next = 0; loop->event_next < count;) {
        struct epoll_event event = loop->events[loop->event_next++];
        struct nst_watch *watch = event.data.ptr;
        if (watch == NULL) {
            uint64_t value;
            if (read(loop->wake, &value, sizeof(value)) < 0)
                continue;
        } else if (event.events != 0) {
            watch->on_events(watch, event.events);
        }
    }
    loop->event_count = 0;
}

static void dispatch_timers(struct nst_loop *loop)
{
    const uint64_t armed_before = loop->timers.order;
    struct nst_loop_timer *timer;
    while ((timer = loop->timers.root) != NULL && timer->when <= loop->now &&
           timer->order < armed_before) {
        timers_remove(&loop->timers, timer);
        timer->on_timer(timer);
    }
}

static int dispatch_ready(struct stack_entry *e)
{
    struct nst_ready ready[READY_MAX];
    int n = nst_ready_list(e->stack, ready, READY_MAX);
    for (int i = 0; i < n && e->stack != NULL; i++)
        e->on_ready(e->context, &ready[i]);
    return n;
}

/* Whether it has something to do now. */
static bool is_due(const struct nst_loop *loop, const struct stack_entry *e)
{
    return e->stack != NULL && (e->more || nst_stack_next_deadline(e->stack) <= loop->now);
}

/* Lets each stack work once, though none that was seen to have nothing to do. Whether any has more.
 */
static bool run_pass(struct nst_loop *loop, bool all)
{
    bool more = false;
    for (struct stack_entry *e = loop->stacks; e != NULL; e = e->next) {
        if (e->stack == NULL || (!all && !is_due(loop, e)))
            continue;
        nst_stack_run(e->stack, loop->now, 0);
        e->more = dispatch_ready(e) > 0;
    }
    /* Only now: what one stack did may be another's work. */
    for (struct stack_entry *e = loop->stacks; e != NULL; e = e->next)
        more |= is_due(loop, e);
    return more;
}

static void run_stacks(struct nst_loop *loop)
{
    bool more = true;
    loop->is_working = true;
    for (int pass = 0; pass < PASSES_MAX && more; pass++)
        more = run_pass(loop, pass == 0);
    loop->is_working = false;
    free_removed(loop);
    for (struct link_watch *l = loop->links; l != NULL; l = l->next)
        if (l->watch.fd >= 0)
            nst_loop_change(loop, &l->watch, l->link->tx_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int nst_loop_turn(struct nst_loop *loop, nst_time timeout)
{
    nst_time next = next_deadline(loop);
    if (next != NST_TIME_NEVER) {
        nst_time left = next - nst_host_now();
        left = left > 0 ? left : 0;
        if (timeout < 0 || left < timeout)
            timeout = left;
    }
    int n = wait_events(loop, timeout);
    if (n < 0)
        return n;
    loop->now = nst_host_now();
    dispatch_events(loop, n);
    dispatch_timers(loop);
    run_stacks(loop);
    return 0;
}

int nst_loop_run(struct nst_loop *loop)
{
    int r = 0;
    /* A stop that came before is not forgotten. */
    while (r == 0 && !loop->stopped)
        r = nst_loop_turn(loop, -1);
    loop->stopped = false;
    return r;
}

void nst_loop_stop(struct nst_loop *loop)
{
    const uint64_t one = 1;
    int saved = errno;
    loop->stopped = true;
    if (write(loop->wake, &one, sizeof(one)) < 0)
        loop->stopped = true; /* the counter is full: it wakes anyway */
    errno = saved;
}

nst_time nst_loop_now(const struct nst_loop *loop)
{
    return loop->now;
}
