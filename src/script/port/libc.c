/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close and getsockopt of the C library, for drivers that call these instead of the table's: where
 * this library is preloaded, they answer for descriptors of ours and pass all others on. Nothing
 * here may call either by name.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "script/port/port.h"

#define EXPORT __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct port *ports;

void port_register(struct port *port)
{
    pthread_mutex_lock(&lock);
    port->next = ports;
    ports = port;
    pthread_mutex_unlock(&lock);
}

void port_unregister(struct port *port)
{
    pthread_mutex_lock(&lock);
    struct port **at = &ports;
    while (*at != port)
        at = &(*at)->next;
    *at = port->next;
    pthread_mutex_unlock(&lock);
}

/* Whose descriptor it is, or NULL. */
static struct port *owner(int fd)
{
    pthread_mutex_lock(&lock);
    struct port *port = ports;
    while (port != NULL && kernel_file(&port->kernel, fd) == NULL)
        port = port->next;
    pthread_mutex_unlock(&lock);
    return port;
}

int port_take_number(void *context)
{
    (void)context;
    const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

void port_give_number(void *context, int fd)
{
    (void)context;
    syscall(SYS_close, fd);
}

static int64_t make_close(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_close(p, r->fd, wait);
}

EXPORT int close(int fd)
{
    const struct request r = {make_close, .fd = fd};
    struct port *port = owner(fd);
    return port != NULL ? (int)port_perform(port, &r) : (int)syscall(SYS_close, fd);
}

static int64_t make_getsockopt(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_getsockopt(p, r->fd, r->number, r->flags, r->data, r->ret_len);
}

EXPORT int getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)
{
    const struct request r = {make_getsockopt,  .fd = fd,       .number = level,
                              .flags = optname, .data = optval, .ret_len = optlen};
    struct port *port = owner(fd);
    if (port != NULL)
        return (int)port_perform(port, &r);
    return (int)syscall(SYS_getsockopt, fd, level, optname, optval, optlen);
}
