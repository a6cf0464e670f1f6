/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running instance can be spoken to, by an abstract unix socket `@nicstack/UID/NAME`: nothing of
 * it is ever on disk.
 *
 * Theory of operation. A client connects, writes one line (request.h), and reads one line: "ok" and
 * fields, or "error" and why. Then the connection is over, unless the command took it for a stream.
 * Anybody may bind such a name, so both ends ask the kernel who the other is: the instance serves
 * its own user and root; a client believes only an instance of the user that the name says.
 *
 * Clients never hurt the instance: nothing here waits for one; there are INSTANCE_CLIENTS_MAX at
 * most, each has INSTANCE_PATIENCE to say its line, and what does not fit its socket is its loss.
 *
 * Life of a client: accept -> read its line -> its command -> answer -> gone, or a stream
 * (struct instance_stream) until one end closes -> gone.
 */
#ifndef NICSTACK_CLI_INSTANCE_INSTANCE_H
#define NICSTACK_CLI_INSTANCE_INSTANCE_H

#include <nicstack/host.h>

#include <sys/types.h>

#include "instance/request.h"

#define INSTANCE_CLIENTS_MAX 8
#define INSTANCE_NAME_MAX    64 /* with its NUL */
#define INSTANCE_PATIENCE    (5 * NST_SEC)

struct instance;

struct instance_client {
    struct nst_watch watch; /* first */
    struct nst_loop_timer timer;
    struct instance *instance;
    char *line; /* what it has said so far */
    size_t line_len;
    const struct instance_stream *stream; /* NULL: it is none */
    void *context;                        /* the command's */
    char *reply;                          /* what is still to be said; NULL: nothing */
    size_t reply_len, reply_at;
};

/* What a command that made a stream is told. */
struct instance_stream {
    /* The client has shut its end: it wants no more, but will read what waits for a while. */
    void (*finish)(struct instance_client *client);
    /* The client is gone, or the instance ends; once, and last. Not after instance_end. */
    void (*end)(struct instance_client *client);
};

/* A command: answers by instance_answer or instance_refuse, or first makes a stream of it. */
struct instance_command {
    const char *name; /* NULL ends the table */
    void (*run)(void *context, struct instance_client *client, const struct request *request);
};

struct instance {
    struct nst_watch watch; /* first; of the listening socket */
    char name[INSTANCE_NAME_MAX];
    uid_t uid;
    struct nst_loop *loop;
    const struct instance_command *commands;
    void *context;
    bool is_closing; /* in instance_close */
    struct instance_client clients[INSTANCE_CLIENTS_MAX];
};

/* Listens as `name`; NULL makes one of `program` and the process id. 0, -EINVAL (a name is letters,
 * digits, '.', '_' and '-'), -EADDRINUSE, or another negative errno; then it is as if never opened.
 */
int instance_open(struct instance *instance, const char *name, const char *program);
/* Serves from now on; for an instance that was not opened, nothing. 0 or -NST_E*. */
int instance_start(struct instance *instance, struct nst_loop *loop,
                   const struct instance_command *commands, void *context);
/* Ends every client and stops listening. Idempotent; all zero is fine too. */
void instance_close(struct instance *instance);

/* The answer, a line of request.h. The client is gone afterwards, unless it is a stream. */
void instance_answer(struct instance_client *client, struct request_line *line);
void instance_refuse(struct instance_client *client, const char *why);
/* The answer to "info": ok name= pid= program= seconds= nics= captures=. */
void instance_answer_info(struct instance_client *client, const struct nst_stack *stack,
                          const char *program, nst_time begun);
/* The answer with `len` bytes of data behind it, which is malloc's and taken over. The client is
 * gone when it has read all, or has not within INSTANCE_PATIENCE. */
void instance_reply(struct instance_client *client, struct request_line *line, char *data,
                    size_t len);
/* What follows the answer is the command's. */
void instance_stream(struct instance_client *client, const struct instance_stream *stream,
                     void *context);
/* The command is done with its stream. */
void instance_end(struct instance_client *client);

/* Is this a name? */
bool instance_name_is_valid(const char *name);

#endif
