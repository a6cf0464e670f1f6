/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures inside: see <nicstack/capture.h>.
 *
 * Theory of operation. The sniffers under the NICs show each frame to capture.c, which asks the
 * filter of each output, and copies what one of them wants into `bytes`, checksum completed: it
 * waits in `frames`. After the turn nst_capture_flush reads the stack's trace: what became of the
 * frames that wait becomes their comments. Then each output (capture_output.c) makes blocks of them
 * in its own buffer, and writes that.
 *
 * A regular file's buffer is written out whenever it is full. A stream's is a queue: what it does
 * not hold is dropped for this output, counted, and told with the next packet that it does hold.
 *
 * Invariants
 *  1. frames are in the order in which they were shown, so their trace numbers rise.
 *  2. A buffer holds whole blocks, but for the first of a stream, a part of which may be written.
 *  3. The sniffers are on, and the stack traces, while there is an output.
 *  4. Outputs that are over take no more frames; their `ended` is called in nst_capture_flush
 * alone, because frames may also be written while a link is called (too many of them wait).
 */
#ifndef NICSTACK_SRC_HOST_CAPTURE_H
#define NICSTACK_SRC_HOST_CAPTURE_H

#include <nicstack/capture.h>
#include <nicstack/trace.h>

#include "wire/pcapng.h"

#define CAPTURE_NAMES_MAX  1024
#define CAPTURE_LATE_KINDS 32

struct interface {
    struct nst_capture *capture;
    struct nst_link *link, *lower;
    char *name, *description;
    enum nst_capture_link_type type;
    uint32_t number;
};

/* A frame that waits for the flush. */
struct frame {
    uint32_t interface;
    uint32_t trace, into; /* its number, and that of the packet that has its bytes; 0: none */
    uint32_t captured, len;
    size_t offset;    /* in bytes */
    nst_time time;    /* nanoseconds since 1970 */
    uint16_t outputs; /* a bit for each that wants it */
    bool outgoing;
    uint8_t note;          /* enum nst_note */
    const char *drop_name; /* NULL: it was not dropped */
    const char *drop_text;
};

/* What the host said of a frame. */
struct remark {
    uint32_t trace;
    char text[200];
};

/* Drops of frames that had been written already, by reason. */
struct late {
    const char *name;
    uint64_t count;
};

struct nst_capture {
    struct nst_stack *stack;
    nst_time (*now)(void);
    int64_t epoch;
    char *application;
    char hardware[65], os[140]; /* of this machine: asked once, before anybody is confined */
    const struct csum_ops *csum;
    struct interface interfaces[NST_CAPTURE_INTERFACES_MAX];
    uint32_t interface_count;
    struct nst_capture_output *outputs[NST_CAPTURE_OUTPUTS_MAX];
    uint32_t snaplen; /* the largest of them */
    struct frame *frames;
    size_t frame_count, frame_room;
    uint8_t *bytes;
    size_t bytes_len, bytes_room;
    struct remark *remarks;
    size_t remark_count, remark_room;
    bool has_merged; /* a frame has `into` */
    struct pcapng_name names[CAPTURE_NAMES_MAX];
    size_t name_count, name_next;
    struct late late[CAPTURE_LATE_KINDS];
};

/* Nanoseconds since 1970. */
nst_time capture_now(const struct nst_capture *c);

/* ---- capture_output.c, for capture.c ---- */

/* Does o want p of this interface? Counts it. */
bool output_wants(struct nst_capture_output *o, const struct interface *interface,
                  const struct nst_pkt *p);
/* There was no memory for a frame that it wants. */
void output_lost(struct nst_capture_output *o, uint32_t interface);
uint32_t output_snaplen(const struct nst_capture_output *o);
/* The frame, whose bytes are at `data`, as a block, with its comments. */
void output_put_frame(struct nst_capture_output *o, const struct frame *f, const uint8_t *data,
                      struct pcapng_packet *packet);
void output_put_interface(struct nst_capture_output *o, const struct interface *interface);
void output_put_name(struct nst_capture_output *o, const struct pcapng_name *name);
/* Writes what waits in the buffer, as far as the descriptor takes it. */
void output_write(struct nst_capture_output *o);
/* Calls `ended` if it has ended and did not say so yet. o may be gone afterwards. */
void output_tell_end(struct nst_capture_output *o);

/* ---- capture.c, for capture_output.c ---- */

/* Writes every frame that waits to the outputs. */
void capture_write_frames(struct nst_capture *c);
/* An output came or went. */
void capture_outputs_changed(struct nst_capture *c);

#endif
