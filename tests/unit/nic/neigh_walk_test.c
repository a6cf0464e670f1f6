/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour machine against a model of it, walked exhaustively.
 *
 * The model is written from NIC.md N82 to N88 and RFC 4861 7.3 with appendix C and RFC 7048, not
 * from the code: one function for each event, over what can be seen of one neighbour. The walk
 * gives events to the model and, by the public API and by frames on the test's own link, to a
 * stack, and after each compares state, link address, what waits, what was asked of whom, what
 * was sent whereto, and how many changes were told.
 *
 * Two walks: (1) every event in every configuration that the model can get into, each reached by
 * its shortest sequence; (2) every sequence of LENGTH events that does not begin with one that
 * finds nothing to do. Time goes by ticks: retransmit 1, first probe 2, reachable 3; two questions
 * of each kind; three packets may wait.
 */
#include "testing.h"

#include "lan.h"

#define PEER    7
#define TICK    NST_SEC
#define RETRANS 1
#define FIRST   2
#define REACH   3
#define PROBES  2
#define WAITING 3

enum {
    NOWHERE,
    A = 20,
    B,
    C
};

/* ---- The model ---- */

struct model {
    int8_t state;  /* enum nst_neigh_state; -1: there is none */
    uint8_t mac;   /* NOWHERE, A, B or C */
    uint8_t left;  /* ticks to the next question; of REACHABLE: to its end */
    uint8_t asked; /* questions of this kind so far */
    uint8_t waiting;
};

/* What a step shows. */
struct shown {
    unsigned ask_all, ask_one, data, changes, failed;
};

#define ABSENT     (-1)
#define INCOMPLETE NST_NEIGH_INCOMPLETE
#define REACHABLE  NST_NEIGH_REACHABLE
#define STALE      NST_NEIGH_STALE
#define DELAY      NST_NEIGH_DELAY
#define PROBE      NST_NEIGH_PROBE
#define STATIC     NST_NEIGH_STATIC
#define UNREACHED  NST_NEIGH_UNREACHABLE

static bool has_mac(const struct model *m)
{
    return m->state >= 0 && m->state != INCOMPLETE && m->state != UNREACHED;
}

static void enter(struct model *m, struct shown *s, int state, unsigned mac)
{
    if (m->state != state || m->mac != mac)
        s->changes++;
    m->state = (int8_t)state;
    m->mac = (uint8_t)mac;
    m->left = state == REACHABLE ? REACH : state == DELAY ? FIRST : 0;
    m->asked = 0;
}

static void ask(struct model *m, struct shown *s)
{
    m->asked++;
    m->left = RETRANS;
    if (m->state == PROBE)
        s->ask_one++;
    else
        s->ask_all++;
}

static void let_go(struct model *m, struct shown *s)
{
    s->data += m->waiting;
    m->waiting = 0;
}

/* N82, N83 */
static void model_send(struct model *m, struct shown *s)
{
    if (has_mac(m)) {
        if (m->state == STALE)
            enter(m, s, DELAY, m->mac);
        s->data++;
        return;
    }
    m->waiting = m->waiting < WAITING ? m->waiting + 1 : WAITING;
    if (m->state == INCOMPLETE)
        return;
    enter(m, s, INCOMPLETE, m->mac);
    ask(m, s);
}

/* N83, N84 */
static void model_tick(struct model *m, struct shown *s)
{
    if (m->left == 0 || --m->left > 0)
        return;
    if (m->state == REACHABLE) {
        enter(m, s, STALE, m->mac);
    } else if (m->state == DELAY) {
        enter(m, s, PROBE, m->mac);
        ask(m, s);
    } else if (m->asked < PROBES) {
        ask(m, s);
    } else {
        enter(m, s, UNREACHED, m->mac);
        m->waiting = 0;
        s->failed++;
    }
}

/* N85; a gratuitous one makes none (N89). */
static void model_request(struct model *m, struct shown *s, unsigned mac, bool make)
{
    if (m->state == STATIC || (m->state == ABSENT && !make) || (has_mac(m) && m->mac == mac))
        return;
    enter(m, s, STALE, mac);
    let_go(m, s);
}

/* N86; mac NOWHERE: it does not say. */
static void model_confirm(struct model *m, struct shown *s, unsigned mac, bool solicited,
                          bool override)
{
    if (m->state == ABSENT || m->state == STATIC || m->state == UNREACHED)
        return;
    if (m->state == INCOMPLETE) {
        if (mac == NOWHERE)
            return;
        enter(m, s, solicited ? REACHABLE : STALE, mac);
        let_go(m, s);
        return;
    }
    const bool other = mac != NOWHERE && mac != m->mac;
    if (other && !override) {
        if (m->state == REACHABLE)
            enter(m, s, STALE, m->mac);
        return;
    }
    if (solicited)
        enter(m, s, REACHABLE, other ? mac : m->mac);
    else if (other)
        enter(m, s, STALE, mac);
}

/* N87 */
static void model_progress(struct model *m, struct shown *s)
{
    if (has_mac(m) && m->state != STATIC)
        enter(m, s, REACHABLE, m->mac);
}

/* N88 */
static void model_static(struct model *m, struct shown *s)
{
    enter(m, s, STATIC, C);
    let_go(m, s);
}

static void model_remove(struct model *m, struct shown *s)
{
    s->changes += m->state != ABSENT;
    *m = (struct model){.state = ABSENT};
}

/* ---- Events: what the model makes of them, and how they come to the stack ---- */

enum what {
    SEND,
    PASS,
    REQUEST,
    ANNOUNCE,
    CONFIRM,
    PROGRESS,
    ADD,
    REMOVE,
    FLUSH
};

struct event {
    const char *name;
    enum what what;
    uint8_t mac, flags;
};

#define SOL LAN_SOLICITED
#define OVR LAN_OVERRIDE

static const struct event events4[] = {
    {"send", SEND, 0, 0},
    {"tick", PASS, 0, 0},
    {"request A", REQUEST, A, 0},
    {"request B", REQUEST, B, 0},
    {"gratuitous A", ANNOUNCE, A, 0},
    {"gratuitous B", ANNOUNCE, B, 0},
    {"reply A to us", CONFIRM, A, SOL | OVR},
    {"reply B to us", CONFIRM, B, SOL | OVR},
    {"reply A to all", CONFIRM, A, OVR},
    {"reply B to all", CONFIRM, B, OVR},
    {"progress", PROGRESS, 0, 0},
    {"static C", ADD, C, 0},
    {"remove", REMOVE, 0, 0},
    {"flush", FLUSH, 0, 0},
};

static const struct event events6[] = {
    {"send", SEND, 0, 0},
    {"tick", PASS, 0, 0},
    {"solicitation A", REQUEST, A, 0},
    {"solicitation B", REQUEST, B, 0},
    {"advertisement A S O", CONFIRM, A, SOL | OVR},
    {"advertisement B S O", CONFIRM, B, SOL | OVR},
    {"advertisement A S", CONFIRM, A, SOL},
    {"advertisement B S", CONFIRM, B, SOL},
    {"advertisement A O", CONFIRM, A, OVR},
    {"advertisement B O", CONFIRM, B, OVR},
    {"advertisement A", CONFIRM, A, 0},
    {"advertisement B", CONFIRM, B, 0},
    {"advertisement S without address", CONFIRM, NOWHERE, SOL},
    {"advertisement without address", CONFIRM, NOWHERE, 0},
    {"progress", PROGRESS, 0, 0},
    {"static C", ADD, C, 0},
    {"remove", REMOVE, 0, 0},
    {"flush", FLUSH, 0, 0},
};

/* N86: an ARP reply to us counts as solicited when it answers a request of ours. */
static bool is_solicited(const struct model *m, const struct event *e, bool v6)
{
    const bool asking = m->state == INCOMPLETE || m->state == PROBE;
    return (e->flags & SOL) != 0 && (v6 || asking);
}

static struct shown step_model(struct model *m, const struct event *e, bool v6)
{
    struct shown s = {0};
    switch (e->what) {
    case SEND:
        model_send(m, &s);
        break;
    case PASS:
        model_tick(m, &s);
        break;
    case REQUEST:
    case ANNOUNCE:
        model_request(m, &s, e->mac, e->what == REQUEST);
        break;
    case CONFIRM:
        model_confirm(m, &s, e->mac, is_solicited(m, e, v6), (e->flags & OVR) != 0);
        break;
    case PROGRESS:
        model_progress(m, &s);
        break;
    case ADD:
        model_static(m, &s);
        break;
    case REMOVE:
        model_remove(m, &s);
        break;
    case FLUSH:
        if (m->state != STATIC)
            model_remove(m, &s);
        break;
    }
    return s;
}

static void step_stack(struct lan *lan, const struct event *e)
{
    const struct nst_addr peer = lan_addr(lan, PEER);
    switch (e->what) {
    case SEND:
        assert_int_equal(lan_send(lan, PEER, 10), 0);
        break;
    case PASS:
        lan_advance(lan, TICK);
        break;
    case REQUEST:
        lan_request(lan, PEER, e->mac);
        break;
    case ANNOUNCE:
        lan_announce(lan, PEER, e->mac);
        break;
    case CONFIRM:
        lan_confirm(lan, PEER, e->mac, e->flags);
        break;
    case PROGRESS:
        nst_neigh_confirm(lan->stack, lan->nic, &peer);
        break;
    case ADD:
        assert_int_equal(nst_neigh_add(lan->stack, lan->nic, &peer, lan_mac(e->mac)), 0);
        break;
    case REMOVE:
        nst_neigh_remove(lan->stack, lan->nic, &peer);
        break;
    case FLUSH:
        nst_neigh_flush(lan->stack, lan->nic, lan_protocol(lan), false);
        break;
    }
    lan_run(lan);
}

/* ---- The comparison ---- */

#define LENGTH_MAX 32

struct walk {
    struct lan lan;
    const struct event *events;
    unsigned count; /* of them */
    uint64_t failed_before;
    uint8_t path[LENGTH_MAX];
    unsigned length;
    struct model model;
    uint64_t steps;
};

static void complain(const struct walk *w, const char *what, long want, long got)
{
    fprintf(stderr, "%s: the model says %ld, the stack %ld, after", what, want, got);
    for (unsigned i = 0; i < w->length; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", w->events[w->path[i]].name);
    fprintf(stderr, "\n");
    fail();
}

#define SAME(what, want, got)                             \
    do {                                                  \
        if ((long)(want) != (long)(got))                  \
            complain(w, what, (long)(want), (long)(got)); \
    } while (0)

static unsigned count_events(struct lan *lan)
{
    unsigned n = 0;
    struct nst_event e;
    while (nst_event_next(lan->stack, &e))
        n++;
    return n;
}

static void compare(struct walk *w, const struct shown *s)
{
    struct lan *lan = &w->lan;
    const struct model *m = &w->model;
    const struct lan_seen seen = lan_look(lan);
    struct nst_neigh n = {.state = 0};
    const bool there = lan_get(lan, PEER, &n);
    const struct nst_mac none = {{0}}, mac = m->mac == NOWHERE ? none : lan_mac(m->mac);
    SAME("state", m->state, there ? n.state : ABSENT);
    SAME("waiting", m->waiting, n.pending);
    SAME("questions to all", s->ask_all, seen.asked_all);
    SAME("questions to one", s->ask_one, seen.asked_one);
    SAME("data", s->data, seen.data);
    SAME("changes told", s->changes, count_events(lan));
    const uint64_t failed = lan_counter(lan, "neigh_failed");
    SAME("failed", s->failed, failed - w->failed_before);
    w->failed_before = failed;
    if (there)
        SAME("link address", 0, memcmp(&mac, &n.mac, sizeof(mac)));
    if (s->data > 0)
        SAME("whereto", 0, memcmp(&mac, &seen.data_to, sizeof(mac)));
    if (s->ask_one > 0)
        SAME("whom", 0, memcmp(&mac, &seen.one, sizeof(mac)));
}

static void step(struct walk *w, unsigned event)
{
    const struct event *e = &w->events[event];
    w->path[w->length++] = (uint8_t)event;
    const struct shown s = step_model(&w->model, e, w->lan.v6);
    step_stack(&w->lan, e);
    compare(w, &s);
    w->steps++;
}

/* A neighbour that nobody knows. */
static void restart(struct walk *w)
{
    nst_neigh_flush(w->lan.stack, w->lan.nic, 0, true);
    lan_forget_events(&w->lan);
    lan_look(&w->lan);
    w->length = 0;
    w->model = (struct model){.state = ABSENT};
}

static void begin(struct walk *w, bool v6)
{
    memset(w, 0, sizeof(*w));
    w->events = v6 ? events6 : events4;
    w->count = v6 ? sizeof(events6) / sizeof(events6[0]) : sizeof(events4) / sizeof(events4[0]);
    lan_init(&w->lan, v6);
    const struct nst_neigh_config c = {.size = sizeof(c),
                                       .base_reachable = REACH * TICK,
                                       .min_random_ppt = 1000,
                                       .max_random_ppt = 1000,
                                       .retransmit = RETRANS * TICK,
                                       .first_probe = FIRST * TICK,
                                       .multicast_probes = PROBES,
                                       .unicast_probes = PROBES};
    const struct nst_neigh_limits l = {.size = sizeof(l), .packets = WAITING};
    nst_neigh_set_config(w->lan.stack, w->lan.nic, lan_protocol(&w->lan), &c);
    nst_neigh_set_limits(w->lan.stack, w->lan.nic, &l);
    restart(w);
}

/* ---- Walk 1: every event in every configuration ---- */

#define CONFIGURATIONS 256

struct reached {
    struct model model;
    uint8_t path[LENGTH_MAX];
    unsigned length;
};

static bool is_known(const struct reached *r, unsigned count, const struct model *m)
{
    for (unsigned i = 0; i < count; i++)
        if (memcmp(&r[i].model, m, sizeof(*m)) == 0)
            return true;
    return false;
}

static unsigned walk_configurations(struct walk *w)
{
    static struct reached r[CONFIGURATIONS];
    unsigned count = 1, states = 0;
    r[0] = (struct reached){.model = {.state = ABSENT}};
    for (unsigned i = 0; i < count; i++) {
        states |= 1u << (r[i].model.state + 1);
        for (unsigned e = 0; e < w->count; e++) {
            restart(w);
            for (unsigned k = 0; k < r[i].length; k++)
                step(w, r[i].path[k]);
            assert_memory_equal(&w->model, &r[i].model, sizeof(w->model));
            step(w, e);
            if (is_known(r, count, &w->model))
                continue;
            assert_true(count < CONFIGURATIONS && w->length <= LENGTH_MAX);
            r[count].model = w->model;
            r[count].length = w->length;
            memcpy(r[count++].path, w->path, sizeof(w->path));
        }
    }
    assert_int_equal(states, 0xff); /* absent and all seven */
    return count;
}

static void every_event_in_every_configuration(void **state)
{
    static struct walk w;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        begin(&w, v6 != 0);
        const unsigned count = walk_configurations(&w);
        assert_true(count > 30);
        print_message("%u configurations, %u steps\n", count, (unsigned)w.steps);
        lan_fini(&w.lan);
    }
}

/* ---- Walk 2: every sequence ---- */

static bool begins_something(const struct walk *w, unsigned event)
{
    struct model m = {.state = ABSENT};
    step_model(&m, &w->events[event], w->lan.v6);
    return m.state != ABSENT;
}

/* The next sequence in order; false: that was the last. */
static bool next_sequence(uint8_t *path, unsigned length, unsigned count)
{
    for (unsigned i = length; i-- > 0;) {
        if (++path[i] < count)
            return true;
        path[i] = 0;
    }
    return false;
}

static void walk_sequences(struct walk *w, unsigned length)
{
    uint8_t path[LENGTH_MAX] = {0};
    do {
        if (!begins_something(w, path[0]))
            continue;
        restart(w);
        for (unsigned i = 0; i < length; i++)
            step(w, path[i]);
    } while (next_sequence(path, length, w->count));
}

/* NST_WALK_LENGTH walks longer ones. */
static unsigned length_of(bool v6)
{
    const char *asked = getenv("NST_WALK_LENGTH");
    const unsigned long length = asked != NULL ? strtoul(asked, NULL, 10) : 0;
    if (length > 0 && length < LENGTH_MAX)
        return (unsigned)length;
    return v6 ? 4 : 5;
}

static void every_sequence(void **state)
{
    static struct walk w;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        begin(&w, v6 != 0);
        walk_sequences(&w, length_of(v6 != 0));
        lan_fini(&w.lan);
    }
}

TESTS({"nic/N82 to N88: every event in every configuration, as the model says",
       every_event_in_every_configuration},
      {"nic/N82 to N88: every sequence of events, as the model says", every_sequence})
