/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that make, name, join and end descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "script/call.h"
#include "script/kernel_address.h"

static int64_t make_socket(struct call *c)
{
    int64_t domain = call_int(c, 0, AF_INET);
    const struct script_value *v = call_arg(c, 0);
    /* "..." is the family of the script. */
    if (v->kind == VALUE_ANY && c->run->script->config.ip_version != IP_VERSION_4)
        domain = AF_INET6;
    return kernel_socket(&c->run->kernel, (int)domain, (int)call_int(c, 1, SOCK_STREAM),
                         (int)call_int(c, 2, 0));
}

static enum script_protocol protocol_of(const struct kernel_file *f)
{
    return f->type == NST_DATAGRAM ? PROTOCOL_UDP
           : f->type == NST_PING   ? PROTOCOL_ICMP
                                   : PROTOCOL_TCP;
}

static int64_t make_bind(struct call *c)
{
    struct kernel *p = &c->run->kernel;
    struct nst_endpoint local;
    socklen_t len;
    const int fd = call_fd(c, 0);
    const struct sockaddr *addr = call_address(c, call_arg(c, 1), CALL_LOCAL, &len);
    const struct kernel_file *f = kernel_file(p, fd);
    const int r = kernel_bind(p, fd, addr, (socklen_t)call_int(c, 2, len));
    if (r == 0 && nst_socket_get_local(c->run->world.stack, f->socket, &local) == 0)
        c->run->flows.local_port[protocol_of(f)] = local.port;
    return r;
}

static int64_t make_listen(struct call *c)
{
    const int r = kernel_listen(&c->run->kernel, call_fd(c, 0), (int)call_int(c, 1, 1));
    if (r == 0)
        c->run->flows.listening = true;
    return r;
}

static int64_t accept_with(struct call *c, int flags)
{
    struct sockaddr_storage *addr = call_slot(c, sizeof(*addr));
    socklen_t len = sizeof(*addr);
    const int64_t r = kernel_accept(&c->run->kernel, call_fd(c, 0), (struct sockaddr *)addr, &len,
                                    flags, &c->wait);
    if (r >= 0)
        c->run->subject = (int)r;
    return r;
}

static int64_t make_accept(struct call *c)
{
    return accept_with(c, 0);
}

static int64_t make_accept4(struct call *c)
{
    return accept_with(c, (int)call_int(c, 3, 0));
}

/* accept, getsockname, getpeername: the address is in the first slot. */
static bool check_name(struct call *c, int64_t result)
{
    const struct sockaddr_storage *addr = c->slot[0];
    return call_check_address(c, call_arg(c, 1), (const struct sockaddr *)addr);
}

static int64_t make_connect(struct call *c)
{
    struct run *run = c->run;
    struct nst_endpoint local, remote;
    socklen_t len;
    const int fd = call_fd(c, 0);
    const struct sockaddr *addr = call_address(c, call_arg(c, 1), CALL_REMOTE, &len);
    const struct kernel_file *f = kernel_file(&run->kernel, fd);
    const int64_t r =
        kernel_connect(&run->kernel, fd, addr, (socklen_t)call_int(c, 2, len), &c->wait);
    if (f == NULL || f->kind != KERNEL_SOCKET)
        return r;
    if (f->type == NST_STREAM)
        run->subject = fd;
    /* The packets of this connection, before any has left. */
    if ((r == 0 || r == -EINPROGRESS || r == KERNEL_WAIT) &&
        nst_socket_get_local(run->world.stack, f->socket, &local) == 0 &&
        nst_socket_get_remote(run->world.stack, f->socket, &remote) == 0) {
        const enum script_protocol protocol = protocol_of(f);
        run->flows.current[protocol] =
            flows_outgoing(&run->flows, protocol, local.port, remote.port);
    }
    return r;
}

static int64_t make_shutdown(struct call *c)
{
    return kernel_shutdown(&c->run->kernel, call_fd(c, 0), (int)call_int(c, 1, -1));
}

static int64_t make_close(struct call *c)
{
    const int fd = call_fd(c, 0);
    const int64_t r = kernel_close(&c->run->kernel, fd, &c->wait);
    const int64_t script_fd = call_int(c, 0, -1);
    if (r == 0) {
        c->run->fds[script_fd] = -1;
        if (c->run->subject == fd)
            c->run->subject = -1;
    }
    return r;
}

static int64_t make_getsockname(struct call *c)
{
    struct sockaddr_storage *addr = call_slot(c, sizeof(*addr));
    socklen_t len = sizeof(*addr);
    return kernel_getsockname(&c->run->kernel, call_fd(c, 0), (struct sockaddr *)addr, &len);
}

static int64_t make_getpeername(struct call *c)
{
    struct sockaddr_storage *addr = call_slot(c, sizeof(*addr));
    socklen_t len = sizeof(*addr);
    return kernel_getpeername(&c->run->kernel, call_fd(c, 0), (struct sockaddr *)addr, &len);
}

static int64_t make_fcntl(struct call *c)
{
    return kernel_fcntl(&c->run->kernel, call_fd(c, 0), (int)call_int(c, 1, 0), call_int(c, 2, 0));
}

static int64_t make_ioctl(struct call *c)
{
    int *value = call_slot(c, sizeof(*value));
    const unsigned long request = (unsigned long)call_int(c, 1, 0);
    *value = (int)call_int(c, 2, 0);
    return kernel_ioctl(&c->run->kernel, call_fd(c, 0), request, value);
}

static bool check_ioctl(struct call *c, int64_t result)
{
    const int *value = c->slot[0];
    return call_check_number(c, call_arg(c, 2), "number", *value);
}

static int64_t make_open(struct call *c)
{
    const struct script_value *path = call_arg(c, 0);
    if (path->kind != VALUE_TEXT)
        return call_blame(c, path, "a path is needed here");
    return kernel_open(&c->run->kernel, path->text, (int)call_int(c, 1, 0));
}

static int64_t pipe_with(struct call *c, int flags)
{
    int *fds = call_slot(c, 2 * sizeof(*fds));
    return kernel_pipe(&c->run->kernel, fds, flags);
}

static int64_t make_pipe(struct call *c)
{
    return pipe_with(c, 0);
}

static int64_t make_pipe2(struct call *c)
{
    return pipe_with(c, (int)call_int(c, 1, 0));
}

/* pipe([5, 6]): the script's names for both ends. */
static bool check_pipe(struct call *c, int64_t result)
{
    const struct script_value *names = call_arg(c, 0);
    const int *fds = c->slot[0];
    if (names->kind != VALUE_LIST || names->count != 2) {
        call_blame(c, names, "two names for descriptors, [a, b], are needed here");
        return false;
    }
    int i = 0;
    for (const struct script_value *v = names->first; v != NULL; v = v->next, i++) {
        int64_t number;
        if (!call_number(c, v, &number) || number < 0 || number >= RUN_FDS)
            return call_blame(c, v, "a descriptor is needed here") == 0;
        c->run->fds[number] = fds[i];
    }
    return true;
}

const struct call_entry call_socket_table[] = {
    {"socket", 3, 3, make_socket, NULL, true},
    {"bind", 3, 3, make_bind, NULL, false},
    {"listen", 2, 2, make_listen, NULL, false},
    {"accept", 3, 3, make_accept, check_name, true},
    {"accept4", 4, 4, make_accept4, check_name, true},
    {"connect", 3, 3, make_connect, NULL, false},
    {"shutdown", 2, 2, make_shutdown, NULL, false},
    {"close", 1, 1, make_close, NULL, false},
    {"getsockname", 3, 3, make_getsockname, check_name, false},
    {"getpeername", 3, 3, make_getpeername, check_name, false},
    {"fcntl", 2, 3, make_fcntl, NULL, false},
    {"ioctl", 3, 3, make_ioctl, check_ioctl, false},
    {"open", 2, 3, make_open, NULL, true},
    {"pipe", 1, 1, make_pipe, check_pipe, false},
    {"pipe2", 2, 2, make_pipe2, check_pipe, false},
    {NULL, 0, 0, NULL, NULL, false},
};
