/* SPDX-License-Identifier: Apache-2.0 */
/* Frames, from where they are shown to the outputs: capture.h has the theory of operation. */
#include "host/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "wire/csum.h"

#define FRAMES_MAX   4096
#define BYTES_MAX    (8u << 20)
#define REMARKS_MAX  1024
#define TRACE_EVENTS 4096

/* ---- Memory ---- */

/* Room for `need` things of `size` in *memory. False: no memory; all is as it was. */
static bool grow(void *memory, size_t *room, size_t need, size_t size)
{
    size_t more = *room != 0 ? *room : 64;
    void *old;
    if (need <= *room)
        return true;
    while (more < need)
        more *= 2;
    memcpy(&old, memory, sizeof(old));
    void *moved = realloc(old, more * size);
    if (moved == NULL)
        return false;
    memcpy(memory, &moved, sizeof(moved));
    *room = more;
    return true;
}

/* ---- Frames ---- */

nst_time capture_now(const struct nst_capture *c)
{
    return c->now() + c->epoch;
}

/* The partial sum of p's bytes from `start` on. */
static uint32_t sum_from(const struct nst_capture *c, const struct nst_pkt *p, uint32_t start)
{
    uint32_t sum = 0, done = 0;
    const uint8_t *data = p->data;
    uint32_t len = p->linear;
    for (uint32_t i = 0;; i++) {
        const uint32_t skip = start < len ? start : len;
        start -= skip;
        sum = csum_block_add(sum, c->csum->sum(data + skip, len - skip, 0), done);
        done += len - skip;
        if (i == p->nslices)
            return sum;
        data = p->slice[i].data;
        len = p->slice[i].len;
    }
}

/* Completes the checksum in the first `captured` bytes of p, at `copy`, if it was left to do. */
static void complete_csum(const struct nst_capture *c, const struct nst_pkt *p, uint8_t *copy,
                          uint32_t captured)
{
    if (p->csum != NST_CSUM_PARTIAL)
        return;
    const uint32_t start = nst_pkt_csum_start(p), field = start + p->csum_offset;
    /* What a driver asked for may lie outside of the packet. */
    if (start > p->len || field + 2 > p->linear || field + 2 > captured)
        return;
    const uint32_t sum =
        captured == p->len ? c->csum->sum(copy + start, p->len - start, 0) : sum_from(c, p, start);
    /* Only UDP's field is at 6, where 0 would say that there is none (RFC 768). */
    be16_put(copy + field, p->csum_offset == 6 ? csum_fold_udp(sum) : csum_fold(sum));
}

/* Who wants it? A bit for each output. */
static uint16_t ask_outputs(struct nst_capture *c, const struct interface *interface,
                            const struct nst_pkt *p)
{
    uint16_t outputs = 0;
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if (c->outputs[i] != NULL && output_wants(c->outputs[i], interface, p))
            outputs |= (uint16_t)(1u << i);
    return outputs;
}

static void lose(struct nst_capture *c, uint16_t outputs, uint32_t interface)
{
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if ((outputs & 1u << i) != 0)
            output_lost(c->outputs[i], interface);
}

static void see(void *context, const struct nst_pkt *p, bool outgoing)
{
    const struct interface *interface = context;
    struct nst_capture *c = interface->capture;
    const uint16_t outputs = ask_outputs(c, interface, p);
    if (outputs == 0)
        return;
    const uint32_t captured = p->len < c->snaplen ? p->len : c->snaplen;
    if (c->frame_count >= FRAMES_MAX || c->bytes_len + captured > BYTES_MAX)
        capture_write_frames(c);
    if (!grow(&c->frames, &c->frame_room, c->frame_count + 1, sizeof(*c->frames)) ||
        !grow(&c->bytes, &c->bytes_room, c->bytes_len + captured, 1)) {
        lose(c, outputs, interface->number);
        return;
    }
    nst_pkt_copy_out(p, 0, c->bytes + c->bytes_len, captured);
    complete_csum(c, p, c->bytes + c->bytes_len, captured);
    c->frames[c->frame_count++] = (struct frame){
        .interface = interface->number,
        .trace = p->trace,
        .captured = captured,
        .len = p->len,
        .offset = c->bytes_len,
        .time = capture_now(c),
        .outputs = outputs,
        .outgoing = outgoing,
        .note = outgoing ? p->note : NST_NOTE_NONE,
    };
    c->bytes_len += captured;
}

/* ---- What became of them ---- */

/* The frame with this number that waits, or NULL. Numbers may wrap. */
static struct frame *find(const struct nst_capture *c, uint32_t trace)
{
    size_t low = 0, high = c->frame_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if ((int32_t)(c->frames[middle].trace - trace) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->frame_count && c->frames[low].trace == trace ? &c->frames[low] : NULL;
}

static void count_late(struct nst_capture *c, const char *name)
{
    for (unsigned i = 0; i < CAPTURE_LATE_KINDS; i++) {
        struct late *late = &c->late[i];
        if (late->name == NULL)
            late->name = name;
        if (late->name == name) {
            late->count++;
            return;
        }
    }
}

static void note_drop(struct frame *f, const struct nst_trace_event *event)
{
    if (f->drop_name != NULL)
        return;
    f->drop_name = event->name;
    f->drop_text = event->text;
}

static void take_drop(struct nst_capture *c, const struct nst_trace_event *event)
{
    struct frame *f = find(c, event->trace);
    if (f != NULL)
        note_drop(f, event);
    else
        count_late(c, event->name);
    for (size_t i = 0; c->has_merged && i < c->frame_count; i++)
        if (c->frames[i].into == event->trace)
            note_drop(&c->frames[i], event);
}

static void read_trace(struct nst_capture *c)
{
    struct nst_trace_event event;
    while (c->stack != NULL && nst_stack_trace_next(c->stack, &event)) {
        struct frame *f;
        if (event.kind == NST_TRACE_DROPPED) {
            take_drop(c, &event);
        } else if (event.kind == NST_TRACE_MERGED && (f = find(c, event.trace)) != NULL) {
            f->into = event.into;
            c->has_merged = true;
        }
    }
}

/* The comments of f: why it is sent, what the host says, why it was dropped. */
static void add_comments(const struct nst_capture *c, const struct frame *f, char drop[256],
                         char note[256], struct pcapng_packet *packet)
{
    if (f->note != NST_NOTE_NONE) {
        snprintf(note, 256, "%s: %s", nst_note_name(f->note), nst_note_text(f->note));
        packet->comments[packet->comment_count++] = note;
    }
    for (size_t i = 0; f->trace != 0 && i < c->remark_count; i++)
        if (c->remarks[i].trace == f->trace && packet->comment_count < PCAPNG_COMMENTS_MAX - 1)
            packet->comments[packet->comment_count++] = c->remarks[i].text;
    if (f->drop_name != NULL) {
        snprintf(drop, 256, "dropped: %s: %s", f->drop_name, f->drop_text);
        packet->comments[packet->comment_count++] = drop;
    }
}

static void put_frame(struct nst_capture *c, const struct frame *f)
{
    char drop[256], note[256];
    struct pcapng_packet packet = {
        .interface = f->interface,
        .direction = f->outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
        .time = (uint64_t)f->time,
        .len = f->len,
    };
    add_comments(c, f, drop, note, &packet);
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if ((f->outputs & 1u << i) != 0 && c->outputs[i] != NULL)
            output_put_frame(c->outputs[i], f, c->bytes + f->offset, &packet);
}

void capture_write_frames(struct nst_capture *c)
{
    read_trace(c);
    for (size_t i = 0; i < c->frame_count; i++)
        put_frame(c, &c->frames[i]);
    c->frame_count = 0;
    c->bytes_len = 0;
    c->remark_count = 0;
    c->has_merged = false;
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if (c->outputs[i] != NULL)
            output_write(c->outputs[i]);
}

void nst_capture_flush(struct nst_capture *c)
{
    capture_write_frames(c);
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if (c->outputs[i] != NULL)
            output_tell_end(c->outputs[i]);
}

void nst_capture_comment(struct nst_capture *c, uint32_t trace, const char *text)
{
    if (trace == 0 || c->remark_count >= REMARKS_MAX || find(c, trace) == NULL ||
        !grow(&c->remarks, &c->remark_room, c->remark_count + 1, sizeof(*c->remarks)))
        return;
    struct remark *r = &c->remarks[c->remark_count++];
    r->trace = trace;
    snprintf(r->text, sizeof(r->text), "%s", text);
}

/* ---- Names ---- */

static bool is_known(const struct nst_capture *c, const struct nst_addr *addr, const char *name)
{
    for (size_t i = 0; i < c->name_count; i++)
        if (nst_addr_equal(&c->names[i].addr, addr) && strcmp(c->names[i].name, name) == 0)
            return true;
    return false;
}

void nst_capture_name(struct nst_capture *c, const struct nst_addr *addr, const char *name)
{
    char *copy = is_known(c, addr, name) ? NULL : strdup(name);
    if (copy == NULL)
        return;
    /* The oldest makes room: outputs that are there have it already. */
    struct pcapng_name *slot = &c->names[c->name_next];
    c->name_next = (c->name_next + 1) % CAPTURE_NAMES_MAX;
    if (c->name_count < CAPTURE_NAMES_MAX)
        c->name_count++;
    free((char *)slot->name);
    *slot = (struct pcapng_name){.addr = *addr, .name = copy};
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        if (c->outputs[i] != NULL)
            output_put_name(c->outputs[i], slot);
}

/* ---- Life ---- */

void capture_outputs_changed(struct nst_capture *c)
{
    bool any = false;
    c->snaplen = 0;
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++) {
        if (c->outputs[i] == NULL)
            continue;
        any = true;
        if (output_snaplen(c->outputs[i]) > c->snaplen)
            c->snaplen = output_snaplen(c->outputs[i]);
    }
    for (unsigned i = 0; i < c->interface_count; i++)
        nst_sniffer_set_off(c->interfaces[i].link, !any);
    if (c->stack == NULL)
        return;
    /* Without memory for the trace there are no drop reasons, and all else goes on. */
    if (any)
        nst_stack_trace_start(c->stack, TRACE_EVENTS);
    else
        nst_stack_trace_stop(c->stack);
}

static int64_t find_epoch(nst_time (*now)(void))
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * NST_SEC + ts.tv_nsec - now();
}

static void ask_host(struct nst_capture *c)
{
    struct utsname name;
    if (uname(&name) < 0)
        return;
    snprintf(c->hardware, sizeof(c->hardware), "%s", name.machine);
    snprintf(c->os, sizeof(c->os), "%s %s", name.sysname, name.release);
}

int nst_capture_new(const struct nst_capture_config *config, struct nst_capture **ret_capture)
{
    char version[32];
    if (config->size != sizeof(*config) || config->stack == NULL)
        return -NST_EINVAL;
    struct nst_capture *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return -NST_ENOMEM;
    const uint32_t v = nst_version();
    snprintf(version, sizeof(version), "nicstack %u.%u.%u", v >> 16, v >> 8 & 0xff, v & 0xff);
    c->application = strdup(config->application != NULL ? config->application : version);
    if (c->application == NULL) {
        free(c);
        return -NST_ENOMEM;
    }
    c->stack = config->stack;
    c->now = config->now != NULL ? config->now : nst_host_now;
    c->epoch = config->epoch != 0 ? config->epoch : find_epoch(c->now);
    c->csum = csum_select();
    ask_host(c);
    *ret_capture = c;
    return 0;
}

static void free_interface(struct interface *i)
{
    nst_sniffer_free(i->link);
    free(i->name);
    free(i->description);
}

struct nst_link *nst_capture_link(struct nst_capture *c, struct nst_link *lower,
                                  const struct nst_capture_interface *config)
{
    if (config->size != sizeof(*config) || config->name == NULL ||
        (unsigned)config->type >= NST_CAPTURE_LINK_TYPES ||
        c->interface_count == NST_CAPTURE_INTERFACES_MAX)
        return NULL;
    struct interface *i = &c->interfaces[c->interface_count];
    *i = (struct interface){
        .capture = c,
        .lower = lower,
        .name = strdup(config->name),
        .description = config->description != NULL ? strdup(config->description) : NULL,
        .type = config->type,
        .number = c->interface_count,
    };
    i->link = nst_sniffer_new(nst_host_allocator(), lower, see, i);
    if (i->link == NULL || i->name == NULL ||
        (i->description == NULL && config->description != NULL)) {
        free_interface(i);
        return NULL;
    }
    c->interface_count++;
    for (unsigned n = 0; n < NST_CAPTURE_OUTPUTS_MAX; n++)
        if (c->outputs[n] != NULL)
            output_put_interface(c->outputs[n], i);
    capture_outputs_changed(c);
    return i->link;
}

void nst_capture_free(struct nst_capture *c)
{
    if (c == NULL)
        return;
    c->stack = NULL;
    for (unsigned i = 0; i < NST_CAPTURE_OUTPUTS_MAX; i++)
        nst_capture_remove(c->outputs[i], 0);
    for (unsigned i = 0; i < c->interface_count; i++)
        free_interface(&c->interfaces[i]);
    for (size_t i = 0; i < c->name_count; i++)
        free((char *)c->names[i].name);
    free(c->frames);
    free(c->bytes);
    free(c->remarks);
    free(c->application);
    free(c);
}
