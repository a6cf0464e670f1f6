/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of a capture: capture.h has the theory of operation. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/bpf.h"
#include "host/capture.h"

#define FILE_BUFFER   (1u << 20)
#define QUEUE         (4u << 20)
#define QUEUE_MIN     (256u << 10)
#define FILE_SIZE_MIN 65536
/* More than a block of statistics takes: a stream keeps room for them. */
#define STATISTICS_SIZE (PCAPNG_COMMENT_LEN + 256)
#define DRAIN_MAX       10

/* Of one interface, since the output was added. */
struct counts {
    uint64_t received, accepted, written, dropped;
    uint64_t dropped_before; /* that no packet has told of yet */
};

struct nst_capture_output {
    struct nst_watch watch; /* first; of a stream that is full */
    struct nst_capture *capture;
    struct nst_capture_output_config config;
    int *fds;
    char *filter_text;
    struct nst_capture_insn *filter[NST_CAPTURE_LINK_TYPES]; /* NULL: everything */
    uint8_t *buffer;
    size_t size, start, end;
    bool is_file, is_socket, is_watching;
    bool is_finished; /* it takes no more frames, and the statistics are in the buffer */
    bool has_failed, has_told;
    int errnum;
    uint32_t file;         /* the one that is written */
    uint64_t file_start;   /* where the buffer begins in it */
    uint64_t file_len;     /* of this file so far, with what is in the buffer */
    uint64_t file_packets; /* in it */
    uint64_t packets;      /* in all */
    nst_time begun;
    struct counts counts[NST_CAPTURE_INTERFACES_MAX];
    uint64_t late_before[CAPTURE_LATE_KINDS];
};

static int fd_of(const struct nst_capture_output *o)
{
    return o->fds[o->file];
}

static void unwatch(struct nst_capture_output *o)
{
    if (o->is_watching)
        nst_loop_remove(o->config.loop, &o->watch);
    o->is_watching = false;
}

static void fail(struct nst_capture_output *o, int errnum)
{
    o->has_failed = true;
    o->errnum = errnum;
    unwatch(o);
}

/* Does it take what comes? */
static bool is_open(const struct nst_capture_output *o)
{
    return !o->has_failed && !o->is_finished;
}

/* ---- Writing ---- */

/* How many bytes of whole blocks are among the first `n` of the buffer; packets behind them were
 * not written after all. */
static size_t whole_blocks(struct nst_capture_output *o, size_t n)
{
    struct pcapng_block block;
    struct pcapng_packet packet;
    size_t whole = 0;
    for (size_t at = 0; pcapng_read(o->buffer + at, o->end - at, &block) > 0; at += block.len) {
        if (at + block.len <= n) {
            whole = at + block.len;
        } else if (pcapng_read_packet(&block, &packet)) {
            o->counts[packet.interface].written--;
            o->counts[packet.interface].dropped++;
        }
    }
    return whole;
}

/* The disk is full: what is there already stays a good file. */
static void fail_file(struct nst_capture_output *o, size_t written, int errnum)
{
    const size_t whole = whole_blocks(o, written);
    if (ftruncate(fd_of(o), (off_t)(o->file_start + whole)) < 0)
        errnum = errno != EINVAL ? errno : errnum; /* a device cannot be cut, and need not */
    o->start = o->end = 0;
    fail(o, errnum);
}

static void write_file(struct nst_capture_output *o)
{
    size_t written = 0;
    while (written < o->end) {
        ssize_t n = write(fd_of(o), o->buffer + written, o->end - written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            fail_file(o, written, n < 0 ? errno : ENOSPC);
            return;
        }
        written += (size_t)n;
    }
    o->file_start += written;
    o->end = 0;
}

static void on_room(struct nst_watch *watch, uint32_t events)
{
    (void)events;
    struct nst_capture_output *o = (struct nst_capture_output *)watch;
    unwatch(o);
    output_write(o);
}

static void wait_for_room(struct nst_capture_output *o)
{
    if (o->config.loop == NULL || o->is_watching)
        return;
    o->watch = (struct nst_watch){.fd = fd_of(o), .on_events = on_room};
    o->is_watching = nst_loop_add(o->config.loop, &o->watch, EPOLLOUT) == 0;
}

static void write_stream(struct nst_capture_output *o)
{
    while (o->start < o->end) {
        const uint8_t *at = o->buffer + o->start;
        ssize_t n = o->is_socket
                        ? send(fd_of(o), at, o->end - o->start, MSG_NOSIGNAL | MSG_DONTWAIT)
                        : write(fd_of(o), at, o->end - o->start);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_for_room(o);
            return;
        }
        if (n <= 0) {
            fail(o, n < 0 ? errno : EPIPE);
            return;
        }
        o->start += (size_t)n;
    }
    o->start = o->end = 0;
}

void output_write(struct nst_capture_output *o)
{
    if (o->start == o->end || o->is_watching || o->has_failed)
        return;
    if (o->is_file)
        write_file(o);
    else
        write_stream(o);
}

/* Is there room for `need` bytes more? */
static bool make_room(struct nst_capture_output *o, size_t need)
{
    if (o->size - o->end >= need)
        return true;
    output_write(o);
    /* Half of it at least, so that each byte is moved once at the most. */
    if (o->start >= o->size / 2) {
        memmove(o->buffer, o->buffer + o->start, o->end - o->start);
        o->end -= o->start;
        o->start = 0;
    }
    return o->size - o->end >= need && !o->has_failed;
}

static struct pcapng begin_blocks(const struct nst_capture_output *o)
{
    struct pcapng out;
    pcapng_init(&out, o->buffer + o->end, o->size - o->end);
    return out;
}

static void take_blocks(struct nst_capture_output *o, const struct pcapng *out)
{
    o->end += out->len;
    o->file_len += out->len;
}

/* ---- Blocks ---- */

static void put_interface(const struct nst_capture_output *o, struct pcapng *out,
                          const struct interface *interface)
{
    static const uint16_t links[] = {
        [NST_CAPTURE_RAW_IP] = PCAPNG_RAW_IP,
        [NST_CAPTURE_ETHERNET] = PCAPNG_ETHERNET,
    };
    char description[256];
    snprintf(description, sizeof(description), "%s%sMTU %u",
             interface->description != NULL ? interface->description : "",
             interface->description != NULL ? ", " : "", interface->lower->mtu);
    pcapng_interface(
        out, &(struct pcapng_interface){
                 .link = links[interface->type],
                 .snaplen = o->config.snaplen,
                 .name = interface->name,
                 .description = description,
                 .filter = o->filter_text,
                 .os = o->capture->os,
                 .mac = interface->type == NST_CAPTURE_ETHERNET ? &interface->lower->addr : NULL,
             });
}

/* What every file begins with. */
static void put_header(struct nst_capture_output *o)
{
    const struct nst_capture *c = o->capture;
    struct pcapng out = begin_blocks(o);
    pcapng_section(&out, c->hardware, c->os, c->application);
    for (uint32_t i = 0; i < c->interface_count; i++)
        put_interface(o, &out, &c->interfaces[i]);
    if (c->name_count > 0)
        pcapng_names(&out, c->names, c->name_count);
    take_blocks(o, &out);
}

void output_put_interface(struct nst_capture_output *o, const struct interface *interface)
{
    if (!is_open(o) || !make_room(o, PCAPNG_OVERHEAD))
        return;
    struct pcapng out = begin_blocks(o);
    put_interface(o, &out, interface);
    take_blocks(o, &out);
}

void output_put_name(struct nst_capture_output *o, const struct pcapng_name *name)
{
    if (!is_open(o) || !make_room(o, PCAPNG_OVERHEAD))
        return;
    struct pcapng out = begin_blocks(o);
    pcapng_names(&out, name, 1);
    take_blocks(o, &out);
}

/* "2 frag_timeout, 1 socket_closed": drops that came after the packet was written. Without a filter
 * alone: with one, nobody knows whether it was. */
static const char *late_text(const struct nst_capture_output *o, char *text, size_t size)
{
    static const char intro[] = "dropped after they were written: ";
    size_t len = 0;
    for (unsigned i = 0; i < CAPTURE_LATE_KINDS && o->filter_text == NULL; i++) {
        const struct late *late = &o->capture->late[i];
        const uint64_t n = late->count - o->late_before[i];
        if (late->name == NULL || n == 0 || len >= size)
            continue;
        len += (size_t)snprintf(text + len, size - len, "%s%llu %s", len == 0 ? intro : ", ",
                                (unsigned long long)n, late->name);
    }
    return len > 0 ? text : NULL;
}

static void put_statistics(struct nst_capture_output *o)
{
    char text[1024];
    const char *comment = late_text(o, text, sizeof(text));
    const uint64_t now = (uint64_t)capture_now(o->capture);
    for (uint32_t i = 0; i < o->capture->interface_count; i++) {
        const struct counts *n = &o->counts[i];
        if (!make_room(o, STATISTICS_SIZE))
            return;
        struct pcapng out = begin_blocks(o);
        pcapng_statistics(&out, &(struct pcapng_statistics){
                                    .interface = i,
                                    .time = now,
                                    .start = (uint64_t)o->begun,
                                    .end = now,
                                    .received = n->received,
                                    .accepted = n->accepted,
                                    .dropped = n->dropped,
                                    .written = n->written,
                                    .comment = comment,
                                });
        take_blocks(o, &out);
        comment = NULL;
    }
}

/* The next file of the ring, emptied. */
static void begin_file(struct nst_capture_output *o, uint32_t file)
{
    o->file = file;
    o->file_start = o->file_len = o->file_packets = 0;
    if (ftruncate(fd_of(o), 0) < 0 || lseek(fd_of(o), 0, SEEK_SET) < 0)
        fail(o, errno);
    else
        put_header(o);
}

static void rotate(struct nst_capture_output *o)
{
    put_statistics(o);
    output_write(o);
    if (!o->has_failed)
        begin_file(o, (o->file + 1) % o->config.fd_count);
}

/* ---- Frames ---- */

bool output_wants(struct nst_capture_output *o, const struct interface *interface,
                  const struct nst_pkt *p)
{
    if (!is_open(o))
        return false;
    struct counts *n = &o->counts[interface->number];
    const struct nst_capture_insn *filter = o->filter[interface->type];
    n->received++;
    if (filter != NULL && bpf_run(filter, p) == 0)
        return false;
    n->accepted++;
    return true;
}

void output_lost(struct nst_capture_output *o, uint32_t interface)
{
    o->counts[interface].dropped++;
    o->counts[interface].dropped_before++;
}

uint32_t output_snaplen(const struct nst_capture_output *o)
{
    return o->config.snaplen;
}

/* At most what the block takes. */
static size_t size_of(const struct pcapng_packet *packet)
{
    size_t size = packet->captured + 128u;
    for (unsigned i = 0; i < packet->comment_count; i++)
        size += strlen(packet->comments[i]) + 8;
    return size;
}

void output_put_frame(struct nst_capture_output *o, const struct frame *f, const uint8_t *data,
                      struct pcapng_packet *packet)
{
    struct counts *n = &o->counts[f->interface];
    packet->captured = f->captured < o->config.snaplen ? f->captured : o->config.snaplen;
    packet->data = data;
    packet->dropped = n->dropped_before;
    const size_t size = size_of(packet);
    if (o->config.fd_count > 1 && o->file_packets > 0 && o->file_len + size > o->config.file_size)
        rotate(o);
    if (o->is_finished)
        return;
    if (o->has_failed || !make_room(o, size + o->capture->interface_count * STATISTICS_SIZE)) {
        output_lost(o, f->interface);
        return;
    }
    struct pcapng out = begin_blocks(o);
    pcapng_packet(&out, packet);
    take_blocks(o, &out);
    n->dropped_before = 0;
    n->written++;
    o->file_packets++;
    if (++o->packets == o->config.packets_max)
        nst_capture_finish(o);
}

void output_tell_end(struct nst_capture_output *o)
{
    if (o->has_told || !(o->has_failed || (o->is_finished && o->start == o->end)))
        return;
    o->has_told = true;
    if (o->config.ended != NULL)
        o->config.ended(o->config.context, o, o->errnum);
}

/* ---- Life ---- */

static bool is_valid(const struct nst_capture *c, const struct nst_capture_output_config *config)
{
    if (config->size != sizeof(*config) || config->fds == NULL || config->fd_count == 0 ||
        config->fd_count > NST_CAPTURE_FILES_MAX ||
        (config->fd_count > 1 && config->file_size < FILE_SIZE_MIN) ||
        config->snaplen > NST_CAPTURE_SNAPLEN || c->stack == NULL)
        return false;
    for (unsigned i = 0; i < NST_CAPTURE_LINK_TYPES; i++)
        if (config->filter[i].count != 0 &&
            !bpf_check(config->filter[i].code, config->filter[i].count))
            return false;
    return true;
}

static void free_output(struct nst_capture_output *o)
{
    for (unsigned i = 0; i < NST_CAPTURE_LINK_TYPES; i++)
        free(o->filter[i]);
    free(o->filter_text);
    free(o->buffer);
    free(o->fds);
    free(o);
}

static void *copy(const void *from, size_t size)
{
    void *to = malloc(size);
    if (to != NULL)
        memcpy(to, from, size);
    return to;
}

/* Copies what the configuration points to. False: no memory. */
static bool copy_config(struct nst_capture_output *o)
{
    const struct nst_capture_output_config *config = &o->config;
    o->fds = copy(config->fds, config->fd_count * sizeof(int));
    o->buffer = malloc(o->size);
    bool ok = o->fds != NULL && o->buffer != NULL;
    for (unsigned i = 0; ok && i < NST_CAPTURE_LINK_TYPES; i++) {
        const struct nst_capture_filter *filter = &config->filter[i];
        if (filter->count == 0)
            continue;
        o->filter[i] = copy(filter->code, filter->count * sizeof(*filter->code));
        ok = o->filter[i] != NULL;
    }
    if (ok && config->filter_text != NULL)
        ok = (o->filter_text = strdup(config->filter_text)) != NULL;
    return ok;
}

/* Where what we write will stand in a file that is not ours alone. */
static uint64_t position(int fd, const struct stat *st)
{
    const int flags = fcntl(fd, F_GETFL);
    const off_t at = flags >= 0 && (flags & O_APPEND) != 0 ? st->st_size : lseek(fd, 0, SEEK_CUR);
    return at > 0 ? (uint64_t)at : 0;
}

/* Each file of a ring is a good one from the beginning. */
static void begin_files(struct nst_capture_output *o)
{
    for (uint32_t i = o->config.fd_count; i-- > 0 && !o->has_failed;) {
        begin_file(o, i);
        output_write(o);
    }
}

static int find_slot(const struct nst_capture *c)
{
    for (int i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if (c->outputs[i] == NULL)
            return i;
    return -1;
}

static struct nst_capture_output *make(struct nst_capture *c,
                                       const struct nst_capture_output_config *config)
{
    struct stat st;
    struct nst_capture_output *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return NULL;
    o->config = *config;
    o->capture = c;
    if (o->config.snaplen == 0)
        o->config.snaplen = NST_CAPTURE_SNAPLEN;
    if (fstat(config->fds[0], &st) < 0)
        memset(&st, 0, sizeof(st));
    o->is_file = S_ISREG(st.st_mode);
    o->is_socket = S_ISSOCK(st.st_mode);
    const uint32_t queue = config->queue != 0 ? config->queue : QUEUE;
    o->size = o->is_file ? FILE_BUFFER : queue > QUEUE_MIN ? queue : QUEUE_MIN;
    if (!copy_config(o)) {
        free_output(o);
        return NULL;
    }
    o->file_start = o->is_file ? position(config->fds[0], &st) : 0;
    o->begun = capture_now(c);
    for (unsigned i = 0; i < CAPTURE_LATE_KINDS; i++)
        o->late_before[i] = c->late[i].count;
    return o;
}

int nst_capture_add(struct nst_capture *c, const struct nst_capture_output_config *config,
                    struct nst_capture_output **ret_output)
{
    if (!is_valid(c, config))
        return -NST_EINVAL;
    const int slot = find_slot(c);
    if (slot < 0)
        return -NST_ENOBUFS;
    struct nst_capture_output *o = make(c, config);
    if (o == NULL)
        return -NST_ENOMEM;
    if (config->fd_count > 1) {
        begin_files(o);
    } else {
        put_header(o);
        output_write(o);
    }
    c->outputs[slot] = o;
    capture_outputs_changed(c);
    *ret_output = o;
    return 0;
}

/* Lets the reader of a stream have the rest, while it takes some of it within `patience`, and for
 * DRAIN_MAX of these in all. */
static void drain(struct nst_capture_output *o, nst_time patience)
{
    const nst_time begun = nst_host_now();
    struct pollfd waited = {.fd = fd_of(o), .events = POLLOUT};
    do {
        unwatch(o);
        output_write(o);
        if (o->start == o->end || o->has_failed)
            return;
    } while (poll(&waited, 1, (int)(patience / NST_MSEC)) > 0 &&
             nst_host_now() - begun < DRAIN_MAX * patience);
}

void nst_capture_finish(struct nst_capture_output *o)
{
    if (!is_open(o))
        return;
    o->is_finished = true;
    put_statistics(o);
    output_write(o);
}

void nst_capture_remove(struct nst_capture_output *o, nst_time patience)
{
    if (o == NULL)
        return;
    struct nst_capture *c = o->capture;
    capture_write_frames(c);
    nst_capture_finish(o);
    drain(o, patience);
    unwatch(o);
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if (c->outputs[i] == o)
            c->outputs[i] = NULL;
    free_output(o);
    capture_outputs_changed(c);
}

void nst_capture_get_stats(const struct nst_capture_output *o, struct nst_capture_stats *ret_stats)
{
    struct nst_capture_stats stats = {.waiting = o->end - o->start, .errnum = o->errnum};
    for (unsigned i = 0; i < NST_CAPTURE_INTERFACES_MAX; i++) {
        const struct counts *n = &o->counts[i];
        stats.received += n->received;
        stats.accepted += n->accepted;
        stats.written += n->written;
        stats.dropped += n->dropped;
    }
    *ret_stats = stats;
}
