/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/instance.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "instance/instance_address.h"

/* ---- Clients ---- */

/* Frees the slot, and tells a stream's owner. */
static void drop(struct instance_client *client)
{
    struct instance *instance = client->instance;
    const struct instance_stream *stream = client->stream;
    if (instance == NULL)
        return;
    client->stream = NULL;
    if (stream != NULL)
        stream->end(client);
    nst_loop_disarm(instance->loop, &client->timer);
    nst_loop_remove(instance->loop, &client->watch);
    close(client->watch.fd);
    free(client->line);
    free(client->reply);
    *client = (struct instance_client){0};
}

void instance_end(struct instance_client *client)
{
    client->stream = NULL;
    drop(client);
}

void instance_stream(struct instance_client *client, const struct instance_stream *stream,
                     void *context)
{
    client->stream = stream;
    client->context = context;
}

void instance_answer(struct instance_client *client, struct request_line *line)
{
    const bool fits = request_end(line);
    const ssize_t n =
        !fits ? -1
              : send(client->watch.fd, line->text, strlen(line->text), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 || client->stream == NULL)
        drop(client);
}

void instance_refuse(struct instance_client *client, const char *why)
{
    char text[512];
    struct request_line line;
    request_begin(&line, text, sizeof(text), "error");
    request_put(&line, "why", why);
    client->stream = NULL;
    instance_answer(client, &line);
}

/* Who watches now. */
static unsigned count_streams(const struct instance *instance)
{
    unsigned count = 0;
    for (unsigned i = 0; i < INSTANCE_CLIENTS_MAX; i++)
        count += instance->clients[i].stream != NULL;
    return count;
}

static void put_nics(const struct nst_stack *stack, struct request_line *line)
{
    char nics[1024] = "";
    size_t len = 0;
    struct nst_nic_info info;
    for (uint32_t id = nst_nic_next(stack, 0); id != 0; id = nst_nic_next(stack, id)) {
        nst_nic_get_info(stack, id, &info);
        if (len + sizeof(info.name) + 1 < sizeof(nics))
            len += (size_t)snprintf(nics + len, sizeof(nics) - len, "%s%s", len > 0 ? "," : "",
                                    info.name);
    }
    request_put(line, "nics", nics);
}

void instance_answer_info(struct instance_client *client, const struct nst_stack *stack,
                          const char *program, nst_time begun)
{
    char text[8192];
    struct request_line line;
    request_begin(&line, text, sizeof(text), "ok");
    request_put(&line, "name", client->instance->name);
    request_put_number(&line, "pid", (uint64_t)getpid());
    request_put(&line, "program", program);
    request_put_number(&line, "seconds", (uint64_t)((nst_host_now() - begun) / NST_SEC));
    put_nics(stack, &line);
    request_put_number(&line, "captures", count_streams(client->instance));
    instance_answer(client, &line);
}

/* Sends what the socket takes. */
static void send_reply(struct instance_client *client)
{
    while (client->reply_at < client->reply_len) {
        const ssize_t n = send(client->watch.fd, client->reply + client->reply_at,
                               client->reply_len - client->reply_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            break;
        client->reply_at += (size_t)n;
    }
    drop(client);
}

void instance_reply(struct instance_client *client, struct request_line *line, char *data,
                    size_t len)
{
    struct nst_loop *loop = client->instance->loop;
    const bool fits = request_end(line);
    const size_t line_len = fits ? strlen(line->text) : 0;
    char *reply = fits ? malloc(line_len + len) : NULL;
    if (reply != NULL) {
        memcpy(reply, line->text, line_len);
        memcpy(reply + line_len, data, len);
    }
    free(data);
    if (reply == NULL || nst_loop_change(loop, &client->watch, EPOLLOUT) < 0) {
        free(reply);
        drop(client);
        return;
    }
    client->reply = reply;
    client->reply_len = line_len + len;
    nst_loop_arm(loop, &client->timer, nst_loop_now(loop) + INSTANCE_PATIENCE);
    send_reply(client);
}

static void run_command(struct instance_client *client)
{
    struct instance *instance = client->instance;
    struct request request;
    nst_loop_disarm(instance->loop, &client->timer);
    if (!request_parse(client->line, &request)) {
        instance_refuse(client, "this is no request");
        return;
    }
    for (const struct instance_command *c = instance->commands; c->name != NULL; c++) {
        if (strcmp(c->name, request.word) == 0) {
            c->run(instance->context, client, &request);
            return;
        }
    }
    instance_refuse(client, "this instance has no such command: is it of another version?");
}

/* More of its line. */
static void read_line(struct instance_client *client)
{
    char *at = client->line + client->line_len;
    ssize_t n = recv(client->watch.fd, at, REQUEST_LINE_MAX - client->line_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        drop(client);
        return;
    }
    char *end = memchr(at, '\n', (size_t)n);
    client->line_len += (size_t)n;
    if (end != NULL) {
        *end = '\0';
        run_command(client);
    } else if (client->line_len == REQUEST_LINE_MAX) {
        instance_refuse(client, "this line is too long");
    }
}

/* A stream's client has nothing more to say but that it goes. */
static void read_stream(struct instance_client *client)
{
    char unused[256];
    ssize_t n = recv(client->watch.fd, unused, sizeof(unused), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        /* It may still read what waits for it, for a while. */
        struct nst_loop *loop = client->instance->loop;
        nst_loop_change(loop, &client->watch, 0);
        nst_loop_arm(loop, &client->timer, nst_loop_now(loop) + INSTANCE_PATIENCE);
        client->stream->finish(client);
    }
}

static void on_client(struct nst_watch *watch, uint32_t events)
{
    struct instance_client *client = (struct instance_client *)(void *)watch;
    if (client->reply != NULL && (events & (EPOLLERR | EPOLLHUP)) == 0)
        send_reply(client);
    else if (client->reply != NULL)
        drop(client);
    else if (client->stream == NULL)
        read_line(client);
    else if ((events & (EPOLLERR | EPOLLHUP)) != 0)
        drop(client);
    else
        read_stream(client);
}

static void on_timer(struct nst_loop_timer *timer)
{
    drop((struct instance_client *)(void *)((char *)timer -
                                            offsetof(struct instance_client, timer)));
}

static struct instance_client *find_slot(struct instance *instance)
{
    for (unsigned i = 0; i < INSTANCE_CLIENTS_MAX; i++)
        if (instance->clients[i].instance == NULL)
            return &instance->clients[i];
    return NULL;
}

/* Takes fd over. */
static void add_client(struct instance *instance, int fd)
{
    struct instance_client *client = find_slot(instance);
    char *line = client != NULL ? malloc(REQUEST_LINE_MAX) : NULL;
    if (line == NULL) {
        close(fd);
        return;
    }
    *client = (struct instance_client){
        .watch = {.fd = fd, .on_events = on_client},
        .timer = {.on_timer = on_timer},
        .line = line,
    };
    if (nst_loop_add(instance->loop, &client->watch, EPOLLIN) < 0) {
        free(line);
        close(fd);
        return;
    }
    client->instance = instance;
    nst_loop_arm(instance->loop, &client->timer, nst_loop_now(instance->loop) + INSTANCE_PATIENCE);
}

static void on_listener(struct nst_watch *watch, uint32_t events)
{
    struct instance *instance = (struct instance *)(void *)watch;
    (void)events;
    int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    uid_t uid;
    if (instance_peer_uid(fd, &uid) && (uid == instance->uid || uid == 0))
        add_client(instance, fd);
    else
        close(fd);
}

/* ---- Life ---- */

/* "/usr/bin/curl", 12 makes curl-12. */
static void make_name(char *name, const char *program)
{
    const char *slash = strrchr(program, '/');
    char base[32];
    snprintf(base, sizeof(base), "%s", slash != NULL && slash[1] != '\0' ? slash + 1 : program);
    for (char *c = base; *c != '\0'; c++)
        if (!instance_name_is_valid((const char[]){*c, '\0'}))
            *c = '_';
    snprintf(name, INSTANCE_NAME_MAX, "%s-%d", base[0] != '\0' ? base : "run", (int)getpid());
}

bool instance_name_is_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t len = strlen(name);
    return len > 0 && len < INSTANCE_NAME_MAX && strspn(name, allowed) == len;
}

int instance_open(struct instance *instance, const char *name, const char *program)
{
    struct sockaddr_un address;
    *instance = (struct instance){.watch.fd = -1, .uid = geteuid()};
    if (name != NULL && !instance_name_is_valid(name))
        return -EINVAL;
    if (name != NULL)
        snprintf(instance->name, sizeof(instance->name), "%s", name);
    else
        make_name(instance->name, program);
    const socklen_t len = instance_address(instance->uid, instance->name, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, INSTANCE_CLIENTS_MAX) < 0) {
        const int error = errno;
        close(fd);
        return -error;
    }
    instance->watch = (struct nst_watch){.fd = fd, .on_events = on_listener};
    return 0;
}

int instance_start(struct instance *instance, struct nst_loop *loop,
                   const struct instance_command *commands, void *context)
{
    if (instance->watch.fd < 0)
        return 0;
    instance->commands = commands;
    instance->context = context;
    int r = nst_loop_add(loop, &instance->watch, EPOLLIN);
    if (r == 0)
        instance->loop = loop;
    return r;
}

void instance_close(struct instance *instance)
{
    if (instance->watch.on_events == NULL)
        return;
    instance->is_closing = true;
    for (unsigned i = 0; i < INSTANCE_CLIENTS_MAX; i++)
        drop(&instance->clients[i]);
    if (instance->loop != NULL)
        nst_loop_remove(instance->loop, &instance->watch);
    close(instance->watch.fd);
    *instance = (struct instance){.watch.fd = -1};
}
