/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/trace.h"

#include "base/check.h"

#define EVENTS_DEFAULT 4096
#define EVENTS_MAX     (1u << 20)

static size_t size_for(uint32_t capacity)
{
    return sizeof(struct trace) + (size_t)capacity * sizeof(struct trace_record);
}

int trace_start(struct nst_pool *pool, uint32_t events)
{
    uint32_t capacity = 1;
    if (pool->trace != NULL)
        return -NST_EALREADY;
    if (events > EVENTS_MAX)
        return -NST_EINVAL;
    while (capacity < (events != 0 ? events : EVENTS_DEFAULT))
        capacity *= 2;
    struct trace *trace = mem_alloc(&pool->mem, size_for(capacity));
    if (trace == NULL)
        return -NST_ENOMEM;
    ring_init(&trace->ring, trace->records, sizeof(trace->records[0]), capacity);
    pool->trace = trace;
    return 0;
}

void trace_stop(struct nst_pool *pool)
{
    if (pool->trace == NULL)
        return;
    mem_free(&pool->mem, pool->trace, size_for(pool->trace->ring.mask + 1));
    pool->trace = NULL;
}

bool trace_next(struct nst_pool *pool, struct nst_trace_event *ret_event)
{
    struct trace_record record;
    if (pool->trace == NULL || !ring_pop(&pool->trace->ring, &record))
        return false;
    *ret_event = (struct nst_trace_event){
        .trace = record.trace,
        .into = record.into,
        .kind = (enum nst_trace_kind)record.kind,
    };
    if (record.kind == NST_TRACE_DROPPED) {
        ret_event->name = drop_name((enum drop_reason)record.reason);
        ret_event->text = drop_text((enum drop_reason)record.reason);
    }
    return true;
}

static void put(struct nst_pool *pool, const struct trace_record *record)
{
    if (pool->trace != NULL)
        ring_push(&pool->trace->ring, record);
}

SLOW_PATH void trace_dropped(const struct pkt *p, enum drop_reason reason)
{
    const struct trace_record record = {
        .trace = p->trace,
        .kind = NST_TRACE_DROPPED,
        .reason = (uint8_t)reason,
    };
    put(p->pool, &record);
}

SLOW_PATH void trace_merged(const struct pkt *into, uint32_t trace)
{
    const struct trace_record record = {
        .trace = trace,
        .into = into->trace,
        .kind = NST_TRACE_MERGED,
    };
    put(into->pool, &record);
}

uint32_t nst_pkt_trace(struct nst_pkt *public)
{
    struct nst_pool *pool = pkt_of(public)->pool;
    if (pool->trace == NULL)
        return 0;
    /* 0 is no number. */
    if (++pool->trace_last == 0)
        pool->trace_last = 1;
    public->trace = pool->trace_last;
    return public->trace;
}

/* ---- Notes ---- */

static const struct {
    const char *name, *text;
} notes[] = {
    [NST_NOTE_NONE] = {"", ""},
    [NST_NOTE_RETRANSMIT_TIMEOUT] = {"retransmit_timeout",
                                     "sent again: no acknowledgment came in time (RTO)"},
    [NST_NOTE_RETRANSMIT_FAST] = {"retransmit_fast",
                                  "sent again: acknowledgments say that it was lost (fast "
                                  "retransmit)"},
    [NST_NOTE_RETRANSMIT_SYN] = {"retransmit_syn", "sent again: the handshake was not answered"},
    [NST_NOTE_WINDOW_PROBE] = {"window_probe", "a probe: the peer's window is shut"},
    [NST_NOTE_KEEPALIVE] = {"keepalive", "a probe: the peer has been silent for long"},
    [NST_NOTE_WINDOW_UPDATE] = {"window_update", "the application has read: the window is larger"},
    [NST_NOTE_DUPLICATE_ACK] = {"duplicate_ack", "answers a segment that was not acceptable"},
    [NST_NOTE_CHALLENGE_ACK] = {"challenge_ack", "asks the peer whether it meant that (RFC 5961)"},
    [NST_NOTE_REFUSED] = {"refused", "the request was refused outside, or by policy"},
    [NST_NOTE_NO_SOCKET] = {"no_socket", "no connection takes this segment"},
    [NST_NOTE_ABORTED] = {"aborted", "this side gave the connection up"},
};

const char *nst_note_name(unsigned note)
{
    return note < ARRAY_SIZE(notes) ? notes[note].name : "";
}

const char *nst_note_text(unsigned note)
{
    return note < ARRAY_SIZE(notes) ? notes[note].text : "";
}
