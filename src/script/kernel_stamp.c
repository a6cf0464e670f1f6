/* SPDX-License-Identifier: Apache-2.0 */
/* Times of what was sent (SO_TIMESTAMPING): into the queue, onto the link, acknowledged. And when
 * what was lent for it (SO_ZEROCOPY) is given back. */
#include <time.h> /* errqueue.h wants it before */

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <stdlib.h>

#include "script/kernel.h"

#define ASKED                                                             \
    ((uint32_t)SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | \
     (uint32_t)SOF_TIMESTAMPING_TX_ACK)

struct kernel_mark {
    struct kernel_mark *next;
    uint64_t end;  /* position in the stream behind the last byte of the send */
    uint32_t left; /* of ASKED: what is still to come */
    uint32_t key;
    size_t len; /* bytes that come along with each time */
    bool lends; /* and copy_key is the number of the send */
    uint32_t copy_key;
};

/* Nothing shapes a script's link: what enters its queue leaves at once. */
static void note_left(struct kernel_file *f, nst_time at, const struct kernel_mark *mark)
{
    if ((mark->left & SOF_TIMESTAMPING_TX_SCHED) != 0)
        kernel_error_add_stamp(f, at, SCM_TSTAMP_SCHED, mark->key, mark->len);
    if ((mark->left & SOF_TIMESTAMPING_TX_SOFTWARE) != 0)
        kernel_error_add_stamp(f, at, SCM_TSTAMP_SND, mark->key, mark->len);
}

uint64_t kernel_stamp_written(struct kernel *p, const struct kernel_file *f,
                              const struct nst_tcp_info *info)
{
    int64_t queued = 0;
    nst_socket_get(p->world->stack, f->socket, NST_OPT_SEND_QUEUED, &queued);
    return info->bytes_acked + (uint64_t)queued;
}

static void mark_stream(struct kernel *p, struct kernel_file *f, const struct kernel_mark *mark)
{
    struct kernel_side *side = &f->side;
    struct nst_tcp_info info = {0};
    struct kernel_mark *m = malloc(sizeof(*m));
    if (m == NULL)
        return;
    *m = *mark;
    nst_socket_tcp_info(p->world->stack, f->socket, &info);
    m->end = kernel_stamp_written(p, f, &info);
    if ((side->stamping & SOF_TIMESTAMPING_OPT_ID) != 0)
        m->key = (uint32_t)(m->end - 1 - side->key_base);
    *side->marks_end = m;
    side->marks_end = &m->next;
}

void kernel_stamp_sent(struct kernel *p, struct kernel_file *f, uint32_t stamping, bool lends,
                       size_t len)
{
    struct kernel_side *side = &f->side;
    const bool bare = (side->stamping & SOF_TIMESTAMPING_OPT_TSONLY) != 0;
    struct kernel_mark mark = {.left = stamping & ASKED, .len = bare ? 0 : len};
    mark.lends = lends && len > 0 && (side->wants & WANT_COPIES) != 0;
    if (mark.lends)
        mark.copy_key = side->copy_next++;
    if (mark.left == 0 && !mark.lends)
        return;
    if (f->type == NST_STREAM) {
        if (len > 0)
            mark_stream(p, f, &mark);
        return;
    }
    if (mark.lends)
        kernel_error_add_copied(f, mark.copy_key);
    if (mark.left == 0)
        return;
    if ((side->stamping & SOF_TIMESTAMPING_OPT_ID) != 0)
        mark.key = side->key_next++;
    note_left(f, stage_stack_time(p->world), &mark);
}

void kernel_stamp_collect(struct kernel *p, struct kernel_file *f)
{
    struct kernel_side *side = &f->side;
    struct nst_tcp_info info;
    const nst_time now = stage_stack_time(p->world);
    if (side->marks == NULL || nst_socket_tcp_info(p->world->stack, f->socket, &info) < 0)
        return;
    const uint64_t left = kernel_stamp_written(p, f, &info) - info.unsent;
    struct kernel_mark **at = &side->marks;
    while (*at != NULL) {
        struct kernel_mark *m = *at;
        if (left >= m->end) {
            note_left(f, now, m);
            m->left &= SOF_TIMESTAMPING_TX_ACK;
        }
        if (info.bytes_acked >= m->end && m->left != 0) {
            kernel_error_add_stamp(f, now, SCM_TSTAMP_ACK, m->key, m->len);
            m->left = 0;
        }
        if (m->lends && (info.bytes_acked >= m->end || info.state == NST_TCP_CLOSED)) {
            kernel_error_add_copied(f, m->copy_key);
            m->lends = false;
        }
        if (m->left == 0 && !m->lends) {
            *at = m->next;
            free(m);
        } else {
            at = &m->next;
        }
    }
    side->marks_end = at;
}

void kernel_stamp_free(struct kernel_side *side)
{
    while (side->marks != NULL) {
        struct kernel_mark *m = side->marks;
        side->marks = m->next;
        free(m);
    }
}
