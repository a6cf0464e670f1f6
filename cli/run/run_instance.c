/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See run_instance.h. The requests:
 *
 *     info                                     ok name= pid= program= seconds= nics= captures=
 *     order line=                              see order/answer.h; only what shows
 *     capture [snaplen=] [packets=] [filter= raw= ethernet=]    ok, then pcapng
 *
 * A filter comes compiled, as hexadecimal digits, one for each type of link that it is for: an
 * instance that has confined itself cannot look names up, and need not have libpcap.
 */
#include "run/run_instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "order/answer.h"
#include "run/run.h"

/* The reader of a capture, when the instance ends, may take its time, within this. */
#define PATIENCE (2 * NST_SEC)
/* What may wait for it meanwhile; memory that is only taken when it is needed. */
#define QUEUE (16u << 20)

static void answer_info(void *context, struct instance_client *client,
                        const struct request *request)
{
    const struct run *run = context;
    (void)request;
    instance_answer_info(client, run->stack, run->program, run->summary.begun);
}

/* ---- Captures ---- */

/* A client's: its output writes into a descriptor of its own, so that the loop can watch both. */
struct stream {
    struct nst_capture_output *output;
    int fd;
};

static void finish_stream(struct instance_client *client)
{
    struct stream *stream = client->context;
    nst_capture_finish(stream->output);
}

static void free_stream(struct stream *stream, nst_time patience)
{
    nst_capture_remove(stream->output, patience);
    close(stream->fd);
    free(stream);
}

static void end_stream(struct instance_client *client)
{
    struct stream *stream = client->context;
    free_stream(stream, client->instance->is_closing ? PATIENCE : 0);
}

/* All is written, or the client has gone. */
static void stream_ended(void *context, struct nst_capture_output *output, int errnum)
{
    struct instance_client *client = context;
    struct stream *stream = client->context;
    (void)output;
    (void)errnum;
    free_stream(stream, 0);
    instance_end(client);
}

/* Digits to bytes. NULL: they are none, or there is no memory. */
static void *from_hex(const char *text, size_t *ret_len)
{
    const size_t len = strlen(text) / 2;
    uint8_t *bytes = malloc(len + 1);
    if (bytes == NULL || strlen(text) % 2 != 0) {
        free(bytes);
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        const int high = request_hex_digit(text[2 * i]), low = request_hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            free(bytes);
            return NULL;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_len = len;
    return bytes;
}

/* The filter of one type of link; nothing is everything. False: it is none. */
static bool read_filter(const struct request *request, const char *key,
                        struct nst_capture_filter *ret_filter)
{
    const char *text = request_get(request, key);
    size_t len;
    if (text == NULL)
        return true;
    void *code = from_hex(text, &len);
    if (code == NULL || len % sizeof(struct nst_capture_insn) != 0) {
        free(code);
        return false;
    }
    *ret_filter = (struct nst_capture_filter){code, (uint32_t)(len / sizeof(*ret_filter->code))};
    return true;
}

static bool read_request(const struct run *run, const struct request *request,
                         struct nst_capture_output_config *config)
{
    static const char *const keys[NST_CAPTURE_LINK_TYPES] = {
        [NST_CAPTURE_RAW_IP] = "raw",
        [NST_CAPTURE_ETHERNET] = "ethernet",
    };
    uint64_t snaplen;
    if (!request_get_number(request, "snaplen", 0, &snaplen) || snaplen > NST_CAPTURE_SNAPLEN ||
        !request_get_number(request, "packets", 0, &config->packets_max))
        return false;
    config->snaplen = (uint32_t)snaplen;
    config->filter_text = request_get(request, "filter");
    for (int i = 0; i < NST_CAPTURE_LINK_TYPES; i++)
        if (!read_filter(request, keys[i], &config->filter[i]))
            return false;
    return config->filter_text == NULL || config->filter[run->capture.link_type].count != 0;
}

/* Makes a stream of the client; it was told "ok". */
static void begin_stream(struct run *run, struct instance_client *client,
                         struct nst_capture_output_config *config)
{
    static const struct instance_stream ops = {.finish = finish_stream, .end = end_stream};
    char text[64];
    struct request_line line;
    struct stream *stream = calloc(1, sizeof(*stream));
    const int fd = stream != NULL ? fcntl(client->watch.fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0) {
        free(stream);
        instance_refuse(client, "no descriptor, or no memory, is left");
        return;
    }
    stream->fd = fd;
    config->fds = &fd;
    request_begin(&line, text, sizeof(text), "ok");
    request_end(&line);
    instance_stream(client, &ops, stream);
    /* The answer goes first; a socket that was just made takes it. */
    if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ||
        nst_capture_add(run->capture.capture, config, &stream->output) < 0) {
        close(fd);
        free(stream);
        instance_end(client);
    }
}

static void answer_capture(void *context, struct instance_client *client,
                           const struct request *request)
{
    struct run *run = context;
    struct nst_capture_output_config config = {
        .size = sizeof(config),
        .fd_count = 1,
        .loop = run->loop,
        .queue = QUEUE,
        .ended = stream_ended,
        .context = client,
    };
    if (read_request(run, request, &config))
        begin_stream(run, client, &config);
    else
        instance_refuse(client, "it makes no sense of this filter, for its kind of links");
    for (int i = 0; i < NST_CAPTURE_LINK_TYPES; i++)
        free((void *)config.filter[i].code);
}

/* ---- Orders ---- */

static void answer_order(void *context, struct instance_client *client,
                         const struct request *request)
{
    const struct run *run = context;
    const struct scene scene = {
        .stack = run->stack,
        .fixed = "a run of nst run can be looked at, but not changed (EPERM): nst up has NICs that "
                 "can",
    };
    order_answer(&scene, client, request);
}

static const struct instance_command commands[] = {
    {"info", answer_info},
    {"order", answer_order},
    {"capture", answer_capture},
    {NULL, NULL},
};

/* ---- Life ---- */

bool run_instance_open(struct run *run)
{
    const char *name = run->options.name;
    int error = instance_open(&run->instance, name, run->program);
    if (error == 0 || name == NULL) {
        if (error < 0 && run->options.verbose)
            fprintf(stderr,
                    "nst: cannot listen for nst capture (%s): this run cannot be spoken "
                    "to\n",
                    attach_text_errno(-error));
        return true;
    }
    if (error == -EINVAL)
        fprintf(stderr,
                "nst run: --name %s: is no name: letters, digits, '.', '_' and '-', at "
                "most 63\n",
                name);
    else
        fprintf(stderr,
                "nst run: --name %s: cannot be had (%s): another run may have it: choose "
                "another\n",
                name, attach_text_errno(-error));
    return false;
}

int run_instance_start(struct run *run)
{
    int r = instance_start(&run->instance, run->loop, commands, run);
    return r < 0 ? run_fail("cannot serve nst capture", r, "raise sysctl fs.epoll.max_user_watches")
                 : 0;
}

void run_instance_close(struct run *run)
{
    instance_close(&run->instance);
}
