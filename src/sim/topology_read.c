/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of topologies (docs/guide-sim.md): one statement a line, words between blanks, and
 * options with their values behind.
 *
 *     host client[10] rcvbuf 256k
 *     switch s
 *     link client[*] -- s  delay 2ms  there rate 10mbit  back rate 100mbit loss 1%
 *     bulk client[*] -> server  bytes 10m start 1s
 *
 * The first error ends it, and says where it is and what was expected there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"
#include "sim/units.h"

enum {
    WORDS_MAX = 64, /* a statement */
    WORD_MAX = 64,  /* bytes, with a NUL */
};

struct word {
    char text[WORD_MAX];
    uint32_t column;
};

struct reader {
    struct nst_sim_topology *t;
    struct nst_sim_error *error;
    uint32_t line;
    struct word words[WORDS_MAX];
    unsigned count, next; /* words of the statement; the one to read */
    uint32_t end_column;
};

static int fail(struct reader *r, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct reader *r, uint32_t column, const char *format, ...)
{
    va_list args;
    *r->error = (struct nst_sim_error){.line = r->line, .column = column};
    va_start(args, format);
    vsnprintf(r->error->text, sizeof(r->error->text), format, args);
    va_end(args);
    return -NST_EINVAL;
}

/* The next word; NULL at the end of the statement. */
static const struct word *take(struct reader *r)
{
    return r->next < r->count ? &r->words[r->next++] : NULL;
}

static const struct word *peek(const struct reader *r)
{
    return r->next < r->count ? &r->words[r->next] : NULL;
}

static bool is(const struct word *w, const char *text)
{
    return w != NULL && strcmp(w->text, text) == 0;
}

/* ---- Options ---- */

enum kind {
    FLAG,    /* bool */
    TIME,    /* nst_time */
    TIMES,   /* two nst_time, the second one optional */
    RATE,    /* uint64_t */
    PERCENT, /* uint32_t, parts per million */
    BURST,   /* three uint32_t, the third one optional */
    SIZE32,  /* uint32_t */
    SIZE64,  /* uint64_t */
    QUEUE,   /* uint8_t */
};

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
};

static const char *const queues[] = {"fifo", "codel", "fq", "fq_codel"};

static bool parse_queue(const char *text, uint8_t *ret)
{
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
        if (strcmp(text, queues[i]) == 0) {
            *ret = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool parse_size32(const char *text, uint32_t *ret)
{
    uint64_t n;
    if (!units_parse_size(text, &n) || n > INT32_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

/* One value of the kind, at `to`. */
static bool store(enum kind kind, const char *text, void *to)
{
    switch (kind) {
    case TIME:
    case TIMES:
        return units_parse_time(text, to);
    case RATE:
        return units_parse_rate(text, to);
    case PERCENT:
    case BURST:
        return units_parse_percent(text, to);
    case SIZE32:
        return parse_size32(text, to);
    case SIZE64:
        return units_parse_size(text, to);
    case QUEUE:
        return parse_queue(text, to);
    default:
        return false;
    }
}

static const char *const expected[] = {
    [TIME] = "a time, such as 80ms",      [TIMES] = "a time, such as 80ms",
    [RATE] = "a rate, such as 20mbit",    [PERCENT] = "a percentage, such as 1%",
    [BURST] = "a percentage, such as 1%", [SIZE32] = "a number, such as 1500 or 64k",
    [SIZE64] = "a number, such as 10m",   [QUEUE] = "fifo, codel, fq or fq_codel",
};

/* More values than one, the last of which may be missing. */
static int read_more(struct reader *r, const struct option *o, char *to)
{
    const struct word *w;
    if (o->kind == TIMES) {
        w = peek(r);
        if (w != NULL && units_parse_time(w->text, (nst_time *)(void *)(to + sizeof(nst_time))))
            r->next++;
    } else if (o->kind == BURST) {
        w = take(r);
        if (w == NULL || !store(BURST, w->text, to + sizeof(uint32_t)))
            return fail(r, w != NULL ? w->column : r->end_column,
                        "burst needs two percentages: how often one begins, how often it ends");
        w = peek(r);
        if (w != NULL && store(BURST, w->text, to + 2 * sizeof(uint32_t)))
            r->next++;
    }
    return 0;
}

static int read_value(struct reader *r, const struct option *o, void *object)
{
    char *to = (char *)object + o->offset;
    if (o->kind == FLAG) {
        *(bool *)to = true;
        return 0;
    }
    const struct word *w = take(r);
    if (w == NULL)
        return fail(r, r->end_column, "%s needs %s behind it", o->name, expected[o->kind]);
    if (!store(o->kind, w->text, to))
        return fail(r, w->column, "'%s' is not what %s needs: %s", w->text, o->name,
                    expected[o->kind]);
    return read_more(r, o, to);
}

/* The names of a table, for an error. */
static const char *list(const struct option *options, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (const struct option *o = options; o->name != NULL && n + 1 < size; o++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", o == options ? "" : " ", o->name);
    return text;
}

static int read_option(struct reader *r, const struct option *options, const char *of, void *object)
{
    char names[140];
    const struct word *w = take(r);
    for (const struct option *o = options; o->name != NULL; o++)
        if (is(w, o->name))
            return read_value(r, o, object);
    return fail(r, w->column, "'%.20s' is no option of a %s; there are: %s", w->text, of,
                list(options, names, sizeof(names)));
}

static int read_options(struct reader *r, const struct option *options, const char *of,
                        void *object)
{
    int result = 0;
    while (result == 0 && peek(r) != NULL)
        result = read_option(r, options, of, object);
    return result;
}

/* ---- Nodes ---- */

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '.' && (c != '-' || i == 0))
            return false;
    }
    return len > 0 && len < NST_SIM_NAME_MAX - 6; /* and a number behind */
}

static int out_of_room(struct reader *r, uint32_t column, int error, const char *what)
{
    fail(r, column, error == -NST_ENOBUFS ? "there are too many %s" : "no memory for more %s",
         what);
    return error == -NST_ENOBUFS ? -NST_EINVAL : error;
}

static int add_node(struct reader *r, const struct word *w, const struct nst_sim_node *node)
{
    if (nst_sim_topology_find(r->t, node->name) >= 0)
        return fail(r, w->column, "there is a '%s' already; choose another name", node->name);
    const int n = nst_sim_topology_add_node(r->t, node);
    return n < 0 ? out_of_room(r, w->column, n, "nodes") : 0;
}

/* The number in "[3]"; 0: it is none. */
static unsigned long parse_count(const char *bracket)
{
    char *end;
    if (bracket[1] < '0' || bracket[1] > '9')
        return 0;
    const unsigned long count = strtoul(bracket + 1, &end, 10);
    return strcmp(end, "]") == 0 && count <= NST_SIM_NODES_MAX ? count : 0;
}

/* "a", or "a[3]" for a1, a2 and a3. */
static int add_nodes(struct reader *r, const struct word *w, const struct nst_sim_node *like)
{
    struct nst_sim_node node = *like;
    const char *bracket = strchr(w->text, '[');
    const size_t len = bracket != NULL ? (size_t)(bracket - w->text) : strlen(w->text);
    if (!is_name(w->text, len))
        return fail(r, w->column, "'%s' is no name: up to %d letters, digits, '_', '-' and '.'",
                    w->text, NST_SIM_NAME_MAX - 7);
    if (bracket == NULL) {
        memcpy(node.name, w->text, len + 1);
        return add_node(r, w, &node);
    }
    const unsigned long count = parse_count(bracket);
    if (count == 0)
        return fail(r, w->column, "'%s': write how many in brackets, as in host a[3]", w->text);
    int result = 0;
    for (unsigned long i = 1; result == 0 && i <= count; i++) {
        snprintf(node.name, sizeof(node.name), "%.*s%lu", (int)len, w->text, i);
        result = add_node(r, w, &node);
    }
    return result;
}

static const struct option node_options[] = {
    {"memory", SIZE64, offsetof(struct nst_sim_node, memory)},
    {"sndbuf", SIZE32, offsetof(struct nst_sim_node, send_buffer)},
    {"rcvbuf", SIZE32, offsetof(struct nst_sim_node, receive_buffer)},
    {NULL, FLAG, 0},
};

static bool is_option(const struct option *options, const struct word *w)
{
    for (const struct option *o = options; o->name != NULL; o++)
        if (is(w, o->name))
            return true;
    return false;
}

/* host NAME... [options], switch NAME... */
static int read_nodes(struct reader *r, enum nst_sim_node_kind kind)
{
    struct nst_sim_node node = {.kind = (uint8_t)kind};
    const unsigned first = r->next;
    while (peek(r) != NULL && !is_option(node_options, peek(r)))
        r->next++;
    const unsigned end = r->next;
    if (end == first)
        return fail(r, r->end_column, "name it: %s a", kind == NST_SIM_HOST ? "host" : "switch");
    int result = 0;
    if (kind == NST_SIM_HOST)
        result = read_options(r, node_options, "host", &node);
    else if (peek(r) != NULL)
        return fail(r, peek(r)->column, "a switch has no options");
    for (unsigned i = first; result == 0 && i < end; i++)
        result = add_nodes(r, &r->words[i], &node);
    return result;
}

/* Some nodes in a row. */
struct nodes {
    uint32_t first, count;
    bool is_group;
};

/* "a", or "a[*]" for all that "a[3]" made. */
static int read_end(struct reader *r, struct nodes *ret)
{
    char name[WORD_MAX + 8];
    const struct word *w = take(r);
    if (w == NULL)
        return fail(r, r->end_column, "the name of a node is missing");
    const size_t len = strlen(w->text);
    const bool is_group = len > 3 && strcmp(w->text + len - 3, "[*]") == 0;
    snprintf(name, sizeof(name), is_group ? "%.*s1" : "%.*s", (int)(is_group ? len - 3 : len),
             w->text);
    const int first = nst_sim_topology_find(r->t, name);
    if (first < 0)
        return fail(r, w->column, "there is no node '%s' above; name it by host or switch first",
                    name);
    *ret = (struct nodes){.first = (uint32_t)first, .count = 1, .is_group = is_group};
    while (is_group && ret->first + ret->count < r->t->node_count) {
        snprintf(name, sizeof(name), "%.*s%u", (int)(len - 3), w->text, ret->count + 1);
        if (strcmp(r->t->nodes[ret->first + ret->count].name, name) != 0)
            break;
        ret->count++;
    }
    return 0;
}

/* Both ends of a link or flow, with a sign between. */
static int read_ends(struct reader *r, const char *sign, const char *other_sign, struct nodes *from,
                     struct nodes *to, bool *ret_other)
{
    int result = read_end(r, from);
    if (result < 0)
        return result;
    const struct word *w = take(r);
    *ret_other = other_sign != NULL && is(w, other_sign);
    if (!is(w, sign) && !*ret_other)
        return fail(r, w != NULL ? w->column : r->end_column, "'%s' is missing between both ends",
                    sign);
    result = read_end(r, to);
    if (result == 0 && from->is_group && to->is_group && from->count != to->count)
        return fail(r, r->words[r->next - 1].column,
                    "%u nodes on one side and %u on the other cannot be paired", from->count,
                    to->count);
    return result;
}

static uint32_t pairs(const struct nodes *from, const struct nodes *to)
{
    return from->is_group ? from->count : to->count;
}

static uint32_t member(const struct nodes *nodes, uint32_t i)
{
    return nodes->first + (nodes->is_group ? i : 0);
}

/* ---- Links ---- */

#define WAY(member) offsetof(struct nst_impair_direction, member)

static const struct option way_options[] = {
    {"rate", RATE, WAY(rate_bps)},
    {"delay", TIMES, WAY(delay)},
    {"loss", PERCENT, WAY(loss_ppm)},
    {"burst", BURST, WAY(burst_begin_ppm)},
    {"duplicate", PERCENT, WAY(duplicate_ppm)},
    {"corrupt", PERCENT, WAY(corrupt_ppm)},
    {"reorder", PERCENT, WAY(reorder_ppm)},
    {"queue", QUEUE, WAY(discipline)},
    {"limit", SIZE32, WAY(queue)},
    {"latency", TIME, WAY(latency)},
    {"target", TIME, WAY(target)},
    {"interval", TIME, WAY(interval)},
    {"ecn", FLAG, WAY(ecn)},
    {"mark", PERCENT, WAY(mark_ppm)},
    {"mark-from", SIZE32, WAY(mark_from)},
    {NULL, FLAG, 0},
};

static const struct option mtu_option = {"mtu", SIZE32, offsetof(struct nst_sim_link, mtu)};

/* Options are for both ways; behind `there` and `back` for the way from the first end and to it. */
static int read_link_options(struct reader *r, struct nst_sim_link *link)
{
    int way = 2, result = 0;
    while (result == 0 && peek(r) != NULL) {
        if (is(peek(r), "there") || is(peek(r), "back")) {
            way = is(take(r), "back");
        } else if (is(peek(r), "mtu")) {
            take(r);
            result = read_value(r, &mtu_option, link);
        } else if (way < 2) {
            result = read_option(r, way_options, "link", &link->way[way]);
        } else {
            const unsigned again = r->next;
            result = read_option(r, way_options, "link", &link->way[0]);
            r->next = again;
            if (result == 0)
                result = read_option(r, way_options, "link", &link->way[1]);
        }
    }
    return result;
}

static int read_link(struct reader *r)
{
    struct nodes from, to;
    struct nst_sim_link link = {0};
    bool other;
    int result = read_ends(r, "--", NULL, &from, &to, &other);
    if (result == 0)
        result = read_link_options(r, &link);
    for (uint32_t i = 0; result == 0 && i < pairs(&from, &to); i++) {
        link.from = member(&from, i);
        link.to = member(&to, i);
        const int n = nst_sim_topology_add_link(r->t, &link);
        result = n < 0 ? out_of_room(r, r->words[0].column, n, "links") : 0;
    }
    return result;
}

/* ---- Flows ---- */

#define FLOW(member) offsetof(struct nst_sim_flow, member)
#define ANY_FLOW                                                                      \
    {"start", TIME, FLOW(start)}, {"stop", TIME, FLOW(stop)}, {"on", TIME, FLOW(on)}, \
        {"off", TIME, FLOW(off)}, {"ipv6", FLAG, FLOW(ipv6)},                         \
    {                                                                                 \
        NULL, FLAG, 0                                                                 \
    }

static const struct option bulk_options[] = {
    {"bytes", SIZE64, FLOW(bytes)}, {"reader", RATE, FLOW(reader_bps)}, ANY_FLOW};
static const struct option request_options[] = {{"count", SIZE64, FLOW(count)},
                                                {"request", SIZE32, FLOW(request)},
                                                {"response", SIZE32, FLOW(response)},
                                                {"think", TIME, FLOW(think)},
                                                ANY_FLOW};
static const struct option udp_options[] = {{"rate", RATE, FLOW(rate_bps)},
                                            {"size", SIZE32, FLOW(size)},
                                            {"count", SIZE64, FLOW(count)},
                                            ANY_FLOW};

static int read_flow(struct reader *r, enum nst_sim_flow_kind kind, const struct option *options)
{
    struct nodes from, to;
    struct nst_sim_flow flow = {.kind = (uint8_t)kind};
    int result = read_ends(r, "->", kind == NST_SIM_BULK ? "<-" : NULL, &from, &to, &flow.back);
    if (result == 0)
        result = read_options(r, options, "flow", &flow);
    for (uint32_t i = 0; result == 0 && i < pairs(&from, &to); i++) {
        flow.from = member(&from, i);
        flow.to = member(&to, i);
        const int n = nst_sim_topology_add_flow(r->t, &flow);
        result = n < 0 ? out_of_room(r, r->words[0].column, n, "flows") : 0;
    }
    return result;
}

/* ---- Statements ---- */

static int read_setting(struct reader *r)
{
    static const struct option settings[] = {
        {"seed", SIZE64, offsetof(struct nst_sim_topology, seed)},
        {"duration", TIME, offsetof(struct nst_sim_topology, duration)},
        {NULL, FLAG, 0},
    };
    r->next = 0;
    const int result = read_option(r, settings, "topology", r->t);
    if (result == 0 && peek(r) != NULL)
        return fail(r, peek(r)->column, "'%s' is one word too many", peek(r)->text);
    return result;
}

static int read_statement(struct reader *r)
{
    const struct word *w = take(r);
    if (w == NULL)
        return 0;
    if (is(w, "host"))
        return read_nodes(r, NST_SIM_HOST);
    if (is(w, "switch"))
        return read_nodes(r, NST_SIM_SWITCH);
    if (is(w, "link"))
        return read_link(r);
    if (is(w, "bulk"))
        return read_flow(r, NST_SIM_BULK, bulk_options);
    if (is(w, "request"))
        return read_flow(r, NST_SIM_REQUEST, request_options);
    if (is(w, "udp"))
        return read_flow(r, NST_SIM_DATAGRAMS, udp_options);
    if (is(w, "seed") || is(w, "duration"))
        return read_setting(r);
    return fail(r, w->column,
                "'%.30s' begins no statement; there are: host switch link bulk request udp seed "
                "duration",
                w->text);
}

/* Cuts a line into words; '#' begins a comment. */
static int split(struct reader *r, const char *text, size_t len)
{
    size_t i = 0;
    r->count = r->next = 0;
    r->end_column = 1;
    while (i < len && text[i] != '#') {
        if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r') {
            i++;
            continue;
        }
        struct word *w = &r->words[r->count];
        size_t n = 0;
        if (r->count == WORDS_MAX)
            return fail(r, (uint32_t)i + 1, "more than %d words in a line; write two lines",
                        WORDS_MAX);
        while (i + n < len && strchr(" \t\r#", text[i + n]) == NULL)
            n++;
        if (n == 0) /* strchr finds a NUL too */
            return fail(r, (uint32_t)i + 1, "a NUL byte; this is no text");
        if (n >= WORD_MAX)
            return fail(r, (uint32_t)i + 1, "a word of more than %d bytes", WORD_MAX - 1);
        memcpy(w->text, text + i, n);
        w->text[n] = '\0';
        w->column = (uint32_t)i + 1;
        i += n;
        r->end_column = (uint32_t)i + 1;
        r->count++;
    }
    return 0;
}

int nst_sim_topology_read(struct nst_sim_topology *topology, const char *text, size_t len,
                          struct nst_sim_error *ret_error)
{
    struct reader r = {.t = topology, .error = ret_error};
    int result = 0;
    while (result == 0 && len > 0) {
        const char *end = memchr(text, '\n', len);
        const size_t n = end != NULL ? (size_t)(end - text) : len;
        r.line++;
        result = split(&r, text, n);
        if (result == 0)
            result = read_statement(&r);
        const size_t taken = end != NULL ? n + 1 : n;
        text += taken;
        len -= taken;
    }
    return result;
}
