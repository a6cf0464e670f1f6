/* SPDX-License-Identifier: Apache-2.0 */
/* Making a port, performing calls, time. */
#include "script/port/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nicstack/host.h>

#define QUIET_NS     500000000       /* real: nobody calls, so nobody but those who wait is there */
#define RETURNING_NS 250000000       /* real: long enough for a thread to ask for the time */
#define EPOCH_S      1000000000      /* gettimeofday at virtual time 0 */
#define PATIENCE     (200 * NST_SEC) /* virtual: netdev_receive waits for no timer longer */

/* The real time in `ns`, which is less than a second. */
static struct timespec in_real(long ns)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ns;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* ---- Threads ---- */

/* Something has changed: all who wait look again. */
static void tell_waiters(struct port *port)
{
    for (struct waiter *w = port->waiters; w != NULL; w = w->next)
        w->stale = true;
    pthread_cond_broadcast(&port->changed);
}

static bool any_stale(const struct port *port)
{
    const struct waiter *w = port->waiters;
    while (w != NULL && !w->stale)
        w = w->next;
    return w != NULL;
}

/* A thread has called: it is not on its way back any more. */
static void enter(struct port *port)
{
    pthread_mutex_lock(&port->lock);
    if (port->calls++ == 0)
        port->caller = pthread_self();
    port->threads = port->threads || !pthread_equal(port->caller, pthread_self());
    if (port->returning && pthread_equal(port->returned, pthread_self())) {
        port->returning = false;
        pthread_cond_broadcast(&port->settled);
    }
}

static void leave(struct port *port)
{
    tell_waiters(port);
    pthread_mutex_unlock(&port->lock);
}

void port_settle(struct port *port)
{
    while (any_stale(port))
        pthread_cond_wait(&port->settled, &port->lock);
    const struct timespec end = in_real(RETURNING_NS);
    while (port->returning)
        if (pthread_cond_timedwait(&port->settled, &port->lock, &end) == ETIMEDOUT)
            port->returning = false;
}

void port_advance(struct port *port, nst_time until)
{
    while (port->world.now < until && stage_step(&port->world, until)) {
        tell_waiters(port);
        port_settle(port);
    }
}

/* Nobody else is there: the next deadline comes to those who wait. */
static void pass_time(struct port *port, nst_time until)
{
    const nst_time next = stage_next(&port->world);
    const nst_time to = next < until ? next : until;
    if (to != NST_TIME_NEVER) {
        stage_step(&port->world, to);
        tell_waiters(port);
    }
}

/* Until something has changed, or nothing will unless time moves. */
static void wait_for_change(struct port *port, const struct waiter *self, nst_time until)
{
    const uint64_t calls = port->calls;
    const struct timespec end = in_real(port->threads ? QUIET_NS : 0);
    while (!self->stale) {
        if (pthread_cond_timedwait(&port->changed, &port->lock, &end) != ETIMEDOUT)
            continue;
        if (port->calls == calls && !self->stale)
            pass_time(port, until);
        return;
    }
}

static void unlink_waiter(struct port *port, struct waiter *self)
{
    struct waiter **at = &port->waiters;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    port->returning = true;
    port->returned = pthread_self();
    pthread_cond_broadcast(&port->settled);
}

int64_t port_perform(struct port *port, const struct request *r)
{
    struct kernel_wait wait = {.until = NST_TIME_NEVER};
    struct waiter self = {NULL, false};
    bool waits = false;
    int64_t result;
    enter(port);
    for (;;) {
        self.stale = false;
        result = r->make(&port->kernel, r, &wait);
        stage_run(&port->world);
        if (result != KERNEL_WAIT)
            break;
        if (!waits) {
            self.next = port->waiters;
            port->waiters = &self;
            waits = true;
        }
        pthread_cond_broadcast(&port->settled);
        wait_for_change(port, &self, wait.until);
    }
    if (waits)
        unlink_waiter(port, &self);
    leave(port);
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* ---- Packets and time ---- */

static int netdev_send(void *userdata, const void *packet, size_t count)
{
    struct port *port = userdata;
    enter(port);
    stage_inject(&port->world, packet, count);
    leave(port);
    return 0;
}

static void give_packet(struct port *port, struct stage_packet *p, void *packet, size_t *count,
                        long long *time_us)
{
    const size_t n = p->len < *count ? p->len : *count;
    memcpy(packet, p->data, n);
    *count = n;
    *time_us = EPOCH_S * 1000000LL + p->at / NST_USEC;
    free(p);
}

static int netdev_receive(void *userdata, void *packet, size_t *count, long long *time_us)
{
    struct port *port = userdata;
    struct stage_packet *p;
    enter(port);
    const nst_time limit = port->world.now + PATIENCE;
    while ((p = stage_take(&port->world)) == NULL) {
        port_settle(port);
        const nst_time next = stage_next(&port->world);
        if (next > limit)
            break;
        port_advance(port, next > port->world.now ? next : port->world.now + NST_USEC);
    }
    if (p != NULL) {
        give_packet(port, p, packet, count, time_us);
    } else {
        *count = 0;
        *time_us = EPOCH_S * 1000000LL + port->world.now / NST_USEC;
    }
    leave(port);
    return 0;
}

static int port_usleep(void *userdata, useconds_t us)
{
    struct port *port = userdata;
    enter(port);
    port_settle(port);
    port_advance(port, port->world.now + us * NST_USEC);
    leave(port);
    return 0;
}

static int port_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz)
{
    struct port *port = userdata;
    (void)tz;
    enter(port);
    port_advance(port, port->world.now + NST_USEC);
    tv->tv_sec = EPOCH_S + port->world.now / NST_SEC;
    tv->tv_usec = port->world.now % NST_SEC / NST_USEC;
    leave(port);
    return 0;
}

void port_fill_time(struct packetdrill_interface *table)
{
    table->netdev_send = netdev_send;
    table->netdev_receive = netdev_receive;
    table->usleep = port_usleep;
    table->gettimeofday = port_gettimeofday;
}

/* ---- Making it ---- */

/* The value of NAME=value at `word`, or NULL. */
static const char *value_of(const char *word, size_t len, const char *name)
{
    const size_t n = strlen(name);
    return len > n && strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static bool take_flag(struct stage_config *config, const char *word, size_t len)
{
    const char *value;
    char text[NST_ADDR_TEXT];
    if (len == 3 && strncmp(word, "cut", len) == 0) {
        config->cut = true;
        return true;
    }
    if ((value = value_of(word, len, "mtu")) != NULL) {
        config->mtu = (uint32_t)strtoul(value, NULL, 10);
        return true;
    }
    if ((value = value_of(word, len, "prefix_len")) != NULL) {
        config->prefix_len = (uint8_t)strtoul(value, NULL, 10);
        return true;
    }
    if ((value = value_of(word, len, "local_ip")) != NULL) {
        const size_t n = len - (size_t)(value - word);
        if (n >= sizeof(text))
            return false;
        memcpy(text, value, n);
        text[n] = '\0';
        return nst_addr_parse(text, &config->local) == 0;
    }
    return false;
}

static bool take_flags(struct stage_config *config, const char *flags)
{
    while (flags != NULL && *flags != '\0') {
        flags += strspn(flags, " ,-");
        const size_t len = strcspn(flags, " ,");
        if (len > 0 && !take_flag(config, flags, len))
            return false;
        flags += len;
    }
    return true;
}

static void port_free(void *userdata)
{
    struct port *port = userdata;
    port_unregister(port);
    kernel_fini(&port->kernel);
    stage_fini(&port->world);
    pthread_cond_destroy(&port->changed);
    pthread_cond_destroy(&port->settled);
    pthread_mutex_destroy(&port->lock);
    free(port);
}

static void init_threads(struct port *port)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&port->changed, &attr);
    pthread_cond_init(&port->settled, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&port->lock, NULL);
}

static int fail(struct port *port, int error)
{
    free(port);
    errno = error;
    return -1;
}

__attribute__((visibility("default"))) int
packetdrill_interface_init(const char *flags, struct packetdrill_interface *ret_interface)
{
    struct stage_config config = {.prefix_len = 16, .mtu = 1500};
    config.local = nst_addr_v4(192, 168, 0, 1);
    struct port *port = calloc(1, sizeof(*port));
    if (port == NULL || ret_interface == NULL || !take_flags(&config, flags))
        return fail(port, port == NULL ? ENOMEM : EINVAL);
    const int r = stage_init(&port->world, &config);
    if (r < 0)
        return fail(port, nst_errno_from_error(r));
    kernel_init(&port->kernel, &port->world);
    port->kernel.epoch = EPOCH_S * NST_SEC;
    port->kernel.take_number = port_take_number;
    port->kernel.give_number = port_give_number;
    init_threads(port);
    port_register(port);
    *ret_interface = (struct packetdrill_interface){.userdata = port, .free = port_free};
    port_fill_calls(ret_interface);
    port_fill_time(ret_interface);
    return 0;
}
