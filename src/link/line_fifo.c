/* SPDX-License-Identifier: Apache-2.0 */
/* First in, first out; what does not fit is dropped. With ecn it marks what finds a long queue. */
#include "link/line.h"

static void fifo_enqueue(struct nst_line *line, struct nst_pkt *p, nst_time now)
{
    if (line_is_full(line, now)) {
        line_drop(line, p, NST_LINE_OVERFLOWED);
        return;
    }
    if (line->config.mark_from != 0 && line->queue.packets >= line->config.mark_from)
        line_mark(line, p);
    line_queue_push(line, &line->queue.q, p, now);
}

static struct nst_pkt *fifo_dequeue(struct nst_line *line, nst_time now)
{
    nst_time since;
    (void)now;
    return line_queue_pop(line, &line->queue.q, &since);
}

const struct line_queue_ops line_fifo_ops = {.enqueue = fifo_enqueue, .dequeue = fifo_dequeue};
