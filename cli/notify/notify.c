/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's stack, and the listener: see notify.h. */
#include "notify/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "notify/notify_socket.h"

#define BATCH 32

static void on_ready(void *context, const struct nst_ready *ready)
{
    struct notify_socket *s = ready->context;
    (void)context;
    if (s == NULL)
        return;
    if (s->type == NST_STREAM)
        notify_stream_on_stack(s, ready->events);
    else
        notify_datagram_on_stack(s, ready->events);
}

/* ---- The listener ---- */

static bool has_request(const struct notify *n)
{
    struct pollfd fd = {.fd = n->config.listener, .events = POLLIN};
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLIN) != 0;
}

static void take_request(struct notify *n)
{
    memset(n->request, 0, n->request_size);
    if (ioctl(n->config.listener, SECCOMP_IOCTL_NOTIF_RECV, n->request) < 0)
        return; /* its thread has died meanwhile */
    struct notify_call call = {.notify = n,
                               .id = n->request->id,
                               .tid = (pid_t)n->request->pid,
                               .nr = n->request->data.nr};
    memcpy(call.args, n->request->data.args, sizeof(call.args));
    notify_call_do(&call);
}

static void on_listener(struct nst_watch *watch, uint32_t events)
{
    struct notify *n = (struct notify *)(void *)((char *)watch - offsetof(struct notify, watch));
    if ((events & EPOLLIN) == 0) { /* nobody is left who could ask */
        nst_loop_remove(n->config.loop, watch);
        watch->fd = -1;
        return;
    }
    for (int i = 0; i < BATCH && (i == 0 || has_request(n)); i++)
        take_request(n);
}

/* As large as this kernel has them. */
static int make_buffers(struct notify *n)
{
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return -NST_ENOTSUP;
    n->request_size =
        sizes.seccomp_notif > sizeof(*n->request) ? sizes.seccomp_notif : sizeof(*n->request);
    n->response_size = sizes.seccomp_notif_resp > sizeof(*n->response) ? sizes.seccomp_notif_resp
                                                                       : sizeof(*n->response);
    n->request = malloc(n->request_size);
    n->response = malloc(n->response_size);
    return n->request != NULL && n->response != NULL ? 0 : -NST_ENOMEM;
}

/* ---- The guest's stack ---- */

/* With its address, and its IPv6 address where there is one. */
static int add_nic(struct notify *n, const char *name, struct nst_link *link,
                   const struct nst_nic_addr addrs[2], uint32_t *ret_id)
{
    const struct nst_nic_config config = {.size = sizeof(config), .name = name, .link = link};
    int r = nst_nic_add(n->stack, &config, ret_id);
    if (r == 0)
        r = nst_nic_addr_add(n->stack, *ret_id, &addrs[0]);
    return r < 0 || !n->config.has_ipv6 ? r : nst_nic_addr_add(n->stack, *ret_id, &addrs[1]);
}

static int add_default_route(struct notify *n, uint32_t nic, struct nst_addr prefix,
                             struct nst_addr gateway)
{
    const struct nst_route route = {.prefix = prefix, .nic = nic, .gateway = gateway};
    return nst_route_add(n->stack, &route);
}

static int add_nics(struct notify *n)
{
    static const struct nst_addr any6;
    const struct nst_nic_addr lo[] = {
        {.addr = nst_addr_v4(127, 0, 0, 1), .prefix_len = 8},
        {.addr = {{{[15] = 1}}}, .prefix_len = 128, .no_dad = true},
    };
    const struct nst_nic_addr eth[] = {
        {.addr = n->config.address, .prefix_len = n->config.prefix_len},
        {.addr = n->config.address6, .prefix_len = n->config.prefix_len6, .no_dad = true},
    };
    uint32_t id;
    n->loopback = nst_loopback_new(nst_host_allocator());
    if (n->loopback == NULL)
        return -NST_ENOMEM;
    int r = add_nic(n, "lo", n->loopback, lo, &id);
    if (r == 0)
        r = add_nic(n, "eth0", n->config.link, eth, &id);
    if (r == 0)
        r = add_default_route(n, id, nst_addr_v4(0, 0, 0, 0), n->config.gateway);
    return r < 0 || !n->config.has_ipv6 ? r : add_default_route(n, id, any6, n->config.gateway6);
}

static int make_stack(struct notify *n)
{
    struct nst_stack_config config = {
        .size = sizeof(config),
        .allocator = *nst_host_allocator(),
        .memory_limit = n->config.memory_limit,
        .now = nst_host_now(),
        .handle_local = true,
    };
    int r = nst_host_seed(config.seed);
    if (r == 0)
        r = nst_stack_new(&config, &n->stack);
    return r < 0 ? r : add_nics(n);
}

/* The name servers that the program finds in /etc/resolv.conf, which is the host's; without one
 * the C library asks this host. */
static void read_servers(struct notify *n)
{
    char line[256], text[64];
    FILE *file = fopen("/etc/resolv.conf", "re");
    while (file != NULL && n->server_count < NOTIFY_SERVERS_MAX &&
           fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, " nameserver %63s", text) == 1 &&
            nst_addr_parse(text, &n->servers[n->server_count]) == 0)
            n->server_count++;
    if (file != NULL)
        fclose(file);
    if (n->server_count == 0)
        n->servers[n->server_count++] = nst_addr_v4(127, 0, 0, 1);
}

int notify_new(const struct notify_config *config, struct notify **ret_notify)
{
    struct notify *n = calloc(1, sizeof(*n));
    if (n == NULL)
        return -NST_ENOMEM;
    n->config = *config;
    n->watch = (struct nst_watch){.fd = -1, .on_events = on_listener};
    read_servers(n);
    int r = make_buffers(n);
    if (r == 0)
        r = make_stack(n);
    if (r == 0)
        r = nst_loop_add_stack(config->loop, n->stack, on_ready, n);
    if (r == 0) {
        n->watch.fd = config->listener;
        r = nst_loop_add(config->loop, &n->watch, EPOLLIN);
    }
    if (r < 0) {
        notify_free(n);
        return r;
    }
    *ret_notify = n;
    return 0;
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    for (size_t i = 0; i < NOTIFY_BUCKETS; i++)
        while (notify->sockets[i] != NULL)
            notify_socket_free(notify->sockets[i], false);
    if (notify->watch.fd >= 0)
        nst_loop_remove(notify->config.loop, &notify->watch);
    nst_loop_remove_stack(notify->config.loop, notify->stack);
    nst_stack_free(notify->stack);
    nst_loopback_free(notify->loopback);
    free(notify->request);
    free(notify->response);
    free(notify);
}
