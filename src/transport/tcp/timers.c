/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/timers.h"

#include "transport/tcp/fsm.h"
#include "transport/tcp/loss.h"

#define KEEP_IDLE     (7200 * NST_SEC)
#define KEEP_INTERVAL (75 * NST_SEC)
#define KEEP_COUNT    9

static void fire(struct timer *timer, nst_time now);

void timers_init(struct tcb *tcb)
{
    tcb->timers = (struct tcb_timers){NST_TIME_NEVER, NST_TIME_NEVER, NST_TIME_NEVER};
    timer_init(&tcb->timer, fire);
}

void timers_update(struct tcb *tcb)
{
    const struct tcb_timers *t = &tcb->timers;
    const nst_time when = min_i64(min_i64(t->rtx, t->delack), t->life);
    if (when < timer_deadline(&tcb->timer))
        stack_arm(tcb->stack, &tcb->timer, when);
}

void timers_stop(struct tcb *tcb)
{
    tcb->timers = (struct tcb_timers){NST_TIME_NEVER, NST_TIME_NEVER, NST_TIME_NEVER};
    tcb->probing = false;
    wheel_cancel(&tcb->stack->wheel, &tcb->timer);
}

nst_time timers_keep_idle(const struct tcb *tcb)
{
    return tcb->opt != NULL && tcb->opt->keep_idle != 0 ? tcb->opt->keep_idle : KEEP_IDLE;
}

nst_time timers_keep_interval(const struct tcb *tcb)
{
    return tcb->opt != NULL && tcb->opt->keep_interval != 0 ? tcb->opt->keep_interval
                                                            : KEEP_INTERVAL;
}

uint16_t timers_keep_count(const struct tcb *tcb)
{
    return tcb->opt != NULL && tcb->opt->keep_count != 0 ? tcb->opt->keep_count : KEEP_COUNT;
}

void timers_set_life(struct tcb *tcb)
{
    const nst_time now = tcb->stack->now;
    if (tcb->state == NST_TCP_FIN_WAIT_2 && tcb->orphan) {
        tcb->timers.life = now + TIMERS_FIN_WAIT_2;
    } else if (tcb->keepalive && fsm_is_synchronized(tcb->state)) {
        tcb->timers.life = now + timers_keep_idle(tcb);
    } else {
        tcb->timers.life = NST_TIME_NEVER;
    }
    timers_update(tcb);
}

static nst_time user_timeout(const struct tcb *tcb)
{
    return tcb->opt != NULL ? tcb->opt->user_timeout : 0;
}

/* The time since the peer was last heard. */
static nst_time silence(const struct tcb *tcb)
{
    return (nst_time)(tcb_now_ms(tcb) - tcb->alive_ms) * NST_MSEC;
}

/* The retransmission timer has run out. For the first time since the peer was heard: what waits was
 * sent one timeout ago, however long both were silent before. */
static void note_wait(struct tcb *tcb)
{
    if (seq_gt(tcb->waits_ms, tcb->alive_ms))
        return;
    const uint32_t began = tcb_now_ms(tcb) - (uint32_t)(rtt_timeout(tcb) / NST_MSEC);
    tcb->waits_ms = seq_gt(began, tcb->alive_ms) ? began : tcb->alive_ms + 1;
}

/* How long the peer has not answered what waits for it (RFC 5482 2). */
static nst_time waited(const struct tcb *tcb)
{
    return (nst_time)(tcb_now_ms(tcb) - tcb->waits_ms) * NST_MSEC;
}

/* RFC 9293 3.8.3 R2: is it time to give up? */
static bool is_hopeless(const struct tcb *tcb)
{
    const nst_time limit = user_timeout(tcb);
    if (limit > 0 && fsm_is_synchronized(tcb->state))
        return waited(tcb) >= limit;
    switch (tcb->state) {
    case NST_TCP_SYN_SENT:
        return tcb->backoff >= TIMERS_SYN_MAX;
    case NST_TCP_SYN_RECEIVED:
        return tcb->backoff >= TIMERS_SYNACK_MAX;
    default:
        return tcb->backoff >= (tcb->orphan ? TIMERS_ORPHAN_MAX : TIMERS_RTX_MAX);
    }
}

/* RFC 9293 3.8.6.1: the window is still closed; doubled each time, for as long as it is answered.
 */
static void fire_persist(struct tcb *tcb)
{
    const nst_time limit = user_timeout(tcb);
    const uint8_t max = tcb->orphan ? TIMERS_ORPHAN_MAX : TIMERS_RTX_MAX;
    if ((limit > 0 && waited(tcb) >= limit) || tcb->probes >= max) {
        tcb_end(tcb, NST_ETIMEDOUT);
        return;
    }
    tcb->probes++;
    if (tcb->backoff < 16)
        tcb->backoff++;
    tcb->timers.rtx = tcb->stack->now + rtt_timeout(tcb);
    tcb_schedule(tcb, TODO_PROBE);
}

/* Nothing can leave, for the NIC is down or the address or route is gone (N8). That says nothing of
 * the peer or of the path, so nothing is doubled: it goes on soon after there is a way again. */
static void fire_without_way(struct tcb *tcb)
{
    const nst_time limit = user_timeout(tcb);
    if (waited(tcb) >= (limit > 0 ? limit : TIMERS_NO_WAY_MAX))
        tcb_end(tcb, NST_ETIMEDOUT);
    else
        tcb->timers.rtx = tcb->stack->now + TIMERS_NO_WAY;
}

static void fire_rtx(struct tcb *tcb)
{
    tcb->timers.rtx = NST_TIME_NEVER;
    note_wait(tcb);
    if (fsm_is_synchronized(tcb->state) && !tcb->orphan && tcb_dst(tcb) == NULL) {
        fire_without_way(tcb);
        return;
    }
    if (tcb->probing) {
        fire_persist(tcb);
        return;
    }
    if (is_hopeless(tcb)) {
        tcb_end(tcb, NST_ETIMEDOUT);
        return;
    }
    /* RFC 6298 5.5: doubled. */
    tcb->backoff++;
    tcb->timers.rtx = tcb->stack->now + rtt_timeout(tcb);
    if (tcb->state == NST_TCP_SYN_SENT || tcb->state == NST_TCP_SYN_RECEIVED) {
        tcb_schedule(tcb, TODO_SYN);
    } else if (tcb->tx != NULL) {
        /* What waits for the link was not lost on the way (DESIGN decision 11). */
        if (tcb_flight(tcb) > 0 && !tcb->waiting)
            loss_timeout(tcb);
        tcb_schedule(tcb, TODO_SEND | TODO_TIMEOUT);
    } else {
        timers_stop_rtx(tcb);
    }
}

/* RFC 9293 3.8.4. */
static void fire_keepalive(struct tcb *tcb)
{
    const nst_time idle = timers_keep_idle(tcb);
    if (silence(tcb) < idle || tcb->tx != NULL) {
        /* It was heard since, or what is outstanding is asked after anyway. */
        const nst_time rest = idle - silence(tcb);
        tcb->timers.life = tcb->stack->now + (tcb->tx != NULL || rest <= 0 ? idle : rest);
        return;
    }
    if (tcb->probes >= timers_keep_count(tcb)) {
        tcb_schedule(tcb, TODO_RST);
        tcb_end(tcb, NST_ETIMEDOUT);
        return;
    }
    tcb->probes++;
    tcb->timers.life = tcb->stack->now + timers_keep_interval(tcb);
    tcb_schedule(tcb, TODO_PROBE);
}

static void fire_life(struct tcb *tcb)
{
    tcb->timers.life = NST_TIME_NEVER;
    if (tcb->orphan && tcb->state == NST_TCP_FIN_WAIT_2) {
        tcb_end(tcb, 0);
    } else if (tcb->orphan && tcb->opt != NULL && tcb->opt->linger > 0) {
        tcb_schedule(tcb, TODO_RST);
        tcb_end(tcb, 0);
    } else if (tcb->keepalive) {
        fire_keepalive(tcb);
    }
}

static void fire(struct timer *timer, nst_time now)
{
    struct tcb *tcb = container_of(timer, struct tcb, timer);
    if (tcb->timers.delack <= now) {
        tcb->timers.delack = NST_TIME_NEVER;
        tcb->pingpong = false;
        tcb_schedule(tcb, TODO_ACK);
    }
    if (tcb->timers.rtx <= now)
        fire_rtx(tcb);
    if (tcb->state != NST_TCP_CLOSED && tcb->timers.life <= now)
        fire_life(tcb);
    if (tcb->state != NST_TCP_CLOSED)
        timers_update(tcb);
    tcb_check(tcb);
}
