/* SPDX-License-Identifier: Apache-2.0 */
/* The small services: see services.h. */
#include "up/services.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG        64
#define DATAGRAM       65535
#define PORT_UNTRUSTED 1024 /* under it a service may be, which would answer the answer */

/* ---- Streams ---- */

static void on_stream(struct service_socket *socket)
{
    struct service *service =
        (struct service *)(void *)((char *)socket - offsetof(struct service, stream));
    struct services *services = socket->services;
    nst_socket accepted;
    while (nst_socket_accept(services->stack, socket->socket, &accepted, NULL) == 0) {
        service->connections++;
        connection_start(services, service->kind, accepted);
    }
}

/* ---- Datagrams ---- */

static bool is_group(const struct nst_addr *addr)
{
    return nst_addr_is_v4(addr) ? addr->b[12] >= 224 : addr->b[0] == 0xff;
}

/* One datagram. False: there is none. */
static bool answer_one(struct service *service)
{
    static char data[DATAGRAM];
    struct nst_stack *stack = service->datagram.services->stack;
    struct nst_message message;
    int64_t n =
        nst_socket_recvfrom(stack, service->datagram.socket, data, sizeof(data), 0, &message);
    if (n == -NST_EAGAIN || n == -NST_EBADHANDLE)
        return false;
    if (n < 0)
        return true; /* an ICMP error of an earlier answer */
    service->datagrams++;
    if (service->kind == SERVICE_DISCARD || message.remote.port < PORT_UNTRUSTED ||
        is_group(&message.local.addr))
        return true;
    if (service->kind == SERVICE_CHARGEN) {
        n = CHARGEN_LINE;
        chargen_fill(data, CHARGEN_LINE, service->datagrams * CHARGEN_LINE);
    }
    nst_socket_sendto(stack, service->datagram.socket, data, (size_t)n, 0, &message.remote);
    return true;
}

static void on_datagram(struct service_socket *socket)
{
    struct service *service =
        (struct service *)(void *)((char *)socket - offsetof(struct service, datagram));
    while (answer_one(service))
        ;
}

void services_ready(const struct nst_ready *ready)
{
    struct service_socket *socket = ready->context;
    if (socket != NULL)
        socket->on_ready(socket);
}

/* ---- Orders ---- */

/* Opens and binds. 0 or -NST_E*. */
static int open_socket(struct services *services, struct service_socket *socket,
                       enum nst_socket_type type, const struct nst_endpoint *local)
{
    struct nst_stack *stack = services->stack;
    socket->services = services;
    int r = nst_socket_open(stack, type, &socket->socket);
    if (r < 0)
        return r;
    r = nst_socket_bind(stack, socket->socket, local);
    if (r == 0 && type == NST_STREAM)
        r = nst_socket_listen(stack, socket->socket, BACKLOG);
    if (r == 0)
        r = nst_socket_watch(stack, socket->socket, NST_READY_IN, socket);
    if (r < 0) {
        nst_socket_close(stack, socket->socket);
        socket->socket = 0;
    }
    return r;
}

static void close_sockets(struct services *services, struct service *service)
{
    if (service->stream.socket != 0)
        nst_socket_close(services->stack, service->stream.socket);
    if (service->datagram.socket != 0)
        nst_socket_close(services->stack, service->datagram.socket);
}

static int open_sockets(struct services *services, struct service *service,
                        const struct order *order, uint32_t nic)
{
    const struct nst_endpoint local = {.port = service->port, .nic = nic};
    const bool any = order->at[FIELD_PROTO] == 0;
    int r = 0;
    if (any || order->proto == PROTO_TCP)
        r = open_socket(services, &service->stream, NST_STREAM, &local);
    if (r == 0 && (any || order->proto == PROTO_UDP) && service->kind != SERVICE_HTTP)
        r = open_socket(services, &service->datagram, NST_DATAGRAM, &local);
    if (r < 0)
        close_sockets(services, service);
    return r;
}

static uint16_t port_of(const struct order *order)
{
    static const uint16_t ports[] = {
        [SERVICE_ECHO] = 7, [SERVICE_DISCARD] = 9, [SERVICE_CHARGEN] = 19, [SERVICE_HTTP] = 80};
    return order->port != 0 ? (uint16_t)order->port : ports[order->service];
}

static bool add(struct services *services, const struct order *order, struct fault *fault)
{
    uint32_t nic = 0;
    if (order->service == SERVICE_HTTP && order->at[FIELD_PROTO] != 0 && order->proto != PROTO_TCP)
        return fault_set(fault, order->at[FIELD_PROTO], "http goes over tcp: leave proto out");
    if (order->dev != NULL) {
        nic = scene_find_nic(services->scene, order->dev, order->at[FIELD_DEV], fault);
        if (nic == 0)
            return false;
    }
    struct service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make the service", -NST_ENOMEM);
    service->stream.on_ready = on_stream;
    service->datagram.on_ready = on_datagram;
    service->kind = (enum order_service)order->service;
    service->port = port_of(order);
    if (order->dev != NULL)
        memcpy(service->dev, order->dev, strlen(order->dev) + 1);
    const int r = open_sockets(services, service, order, nic);
    if (r < 0) {
        free(service);
        return scene_fail(fault, order->at[FIELD_NAME], "cannot open the service's port", r);
    }
    service->next = services->first;
    services->first = service;
    return true;
}

static void print(const struct service *s, FILE *out)
{
    fprintf(out, "%s %u%s%s%s%s connections %llu datagrams %llu\n", order_service_name(s->kind),
            s->port, s->stream.socket != 0 ? " tcp" : "", s->datagram.socket != 0 ? " udp" : "",
            s->dev[0] != '\0' ? " dev " : "", s->dev, (unsigned long long)s->connections,
            (unsigned long long)s->datagrams);
}

static void print_json(const struct service *s, struct json *json)
{
    json_begin(json, NULL, '{');
    json_text(json, "service", order_service_name(s->kind));
    json_number(json, "port", s->port);
    json_bool(json, "tcp", s->stream.socket != 0);
    json_bool(json, "udp", s->datagram.socket != 0);
    if (s->dev[0] != '\0')
        json_text(json, "dev", s->dev);
    json_number(json, "connections", s->connections);
    json_number(json, "datagrams", s->datagrams);
    json_end(json, '}');
}

static void show_all(const struct services *services, const struct show *show)
{
    struct json json, *to = show_begin(show, &json);
    for (const struct service *s = services->first; s != NULL; s = s->next) {
        if (to != NULL)
            print_json(s, to);
        else
            print(s, show->out);
    }
    show_end(to);
}

bool services_act(struct services *services, const struct order *order, const struct show *show,
                  struct fault *fault)
{
    if (order->verb == ORDER_ADD)
        return add(services, order, fault);
    show_all(services, show);
    return true;
}

void services_fini(struct services *services)
{
    if (services->stack == NULL)
        return;
    connection_free_all(services);
    while (services->first != NULL) {
        struct service *service = services->first;
        services->first = service->next;
        close_sockets(services, service);
        free(service);
    }
}
