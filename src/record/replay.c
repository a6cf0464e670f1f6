/* SPDX-License-Identifier: Apache-2.0 */
#include "record/replay.h"

#include "base/config.h"
#include "record/get.h"

void replay_end(struct nst_replay *r, enum nst_replay_state state)
{
    if (r->status.state != NST_REPLAY_GOES_ON)
        return;
    r->status.state = state;
    r->status.offset = r->at + sizeof(struct nst_record_header);
    r->status.time = r->stack != NULL ? nst_stack_now(r->stack) : 0;
}

/* ---- Memory ---- */

static void *take(const struct nst_replay *r, size_t size)
{
    const struct nst_allocator *a = &r->config.allocator;
    return a->alloc(a->context, size);
}

static void give(const struct nst_replay *r, void *memory, size_t size)
{
    const struct nst_allocator *a = &r->config.allocator;
    if (memory != NULL)
        a->free(a->context, memory, size);
}

void *replay_scratch(struct nst_replay *r, size_t size)
{
    if (size <= r->scratch_size && r->scratch != NULL)
        return r->scratch;
    give(r, r->scratch, r->scratch_size);
    r->scratch_size = max_size(size, 4096);
    r->scratch = take(r, r->scratch_size);
    if (r->scratch == NULL)
        replay_end(r, NST_REPLAY_NO_MEMORY);
    return r->scratch;
}

/* Memory that a stack has: this in front of it. */
struct lent {
    struct nst_allocator allocator;
    size_t size;
    uint64_t align;
};

uint8_t *replay_lend(struct nst_replay *r, const void *bytes, size_t len, size_t size,
                     void **ret_context)
{
    struct lent *lent = take(r, sizeof(*lent) + size);
    if (lent == NULL) {
        replay_end(r, NST_REPLAY_NO_MEMORY);
        return NULL;
    }
    *lent = (struct lent){.allocator = r->config.allocator, .size = sizeof(*lent) + size};
    uint8_t *memory = (uint8_t *)(lent + 1);
    if (len > 0)
        memcpy(memory, bytes, len);
    *ret_context = lent;
    return memory;
}

void replay_release(void *context, uint8_t *memory)
{
    struct lent *lent = context;
    const struct nst_allocator allocator = lent->allocator;
    allocator.free(allocator.context, lent, lent->size);
}

uint64_t replay_lighten(struct nst_replay *r)
{
    struct mem *mem = &r->stack->pool->mem;
    const uint64_t used = mem->used;
    mem->used -= r->ballast;
    r->ballast = 0;
    return used;
}

void replay_weigh(struct nst_replay *r, uint64_t used)
{
    struct mem *mem = &r->stack->pool->mem;
    replay_lighten(r);
    if (used > mem->used) {
        r->ballast = used - mem->used;
        mem->used = used;
    }
}

/* ---- Comparing ---- */

/* The memory in use is not compared. */
#define USED_END (RECORD_HEAD + sizeof(uint64_t))

static bool is_same(const uint8_t *expected, const struct nst_iovec *head,
                    const struct nst_iovec *pieces, size_t count)
{
    const uint8_t *got = head->base;
    size_t from = 0;
    if (memcmp(expected, got, RECORD_HEAD) != 0)
        return false;
    if (record_has_memory(got[6]))
        from = USED_END;
    if (memcmp(expected + from, got + from, head->len - from) != 0)
        return false;
    expected += head->len;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > 0 && memcmp(expected, pieces[i].base, pieces[i].len) != 0)
            return false;
        expected += pieces[i].len;
    }
    return true;
}

/* Keeps both, if there is memory for what the stack did. */
static void differ(struct nst_replay *r, const struct nst_iovec *head,
                   const struct nst_iovec *pieces, size_t count)
{
    const size_t len = RECORD_HEAD + (size_t)le32_get(head->base);
    uint8_t *to = take(r, len);
    replay_end(r, NST_REPLAY_DIFFERS);
    r->status.expected = r->data + r->at;
    r->status.expected_len = record_len(r->data + r->at, r->len - r->at);
    r->got = to;
    if (to == NULL)
        return;
    r->status.got = to;
    r->status.got_len = len;
    memcpy(to, head->base, head->len);
    to += head->len;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > 0)
            memcpy(to, pieces[i].base, pieces[i].len);
        to += pieces[i].len;
    }
}

/* The sink of the replayed stack. */
static void compare(void *context, const struct nst_iovec *head, const struct nst_iovec *pieces,
                    size_t count)
{
    struct nst_replay *r = context;
    if (r->status.state != NST_REPLAY_GOES_ON)
        return;
    const uint8_t *expected = r->data + r->at;
    const size_t len = record_len(expected, r->len - r->at);
    /* The program that recorded was killed in the middle of a call. */
    if (len == 0) {
        replay_end(r, NST_REPLAY_TRUNCATED);
        return;
    }
    if (!is_same(expected, head, pieces, count)) {
        differ(r, head, pieces, count);
        return;
    }
    if (record_has_memory(expected[6]))
        replay_weigh(r, le64_get(expected + RECORD_HEAD));
    r->at += len;
    r->status.record++;
}

/* ---- Steps ---- */

/* What stands in front of a call: links that changed. It is passed when the call is made. */
static void call_next(struct nst_replay *r)
{
    const uint8_t *at = r->data + r->at, *end = r->data + r->len;
    while (record_len(at, (size_t)(end - at)) > 0 && at[6] == RECORD_LINK) {
        if (!replay_link_change(r, at)) {
            replay_end(r, NST_REPLAY_MALFORMED);
            return;
        }
        at += record_len(at, (size_t)(end - at));
    }
    if (record_len(at, (size_t)(end - at)) == 0)
        replay_end(r, NST_REPLAY_TRUNCATED);
    else if (at[6] == RECORD_CALL && le32_get(at) >= sizeof(uint64_t))
        replay_call(r, at);
    else
        replay_end(r, NST_REPLAY_MALFORMED);
}

bool nst_replay_step(struct nst_replay *r)
{
    if (r->status.state != NST_REPLAY_GOES_ON)
        return false;
    const size_t before = r->at;
    if (record_len(r->data + r->at, r->len - r->at) == 0)
        replay_end(r, NST_REPLAY_TRUNCATED);
    else if (replay_next(r, RECORD_END) != NULL)
        replay_end(r, NST_REPLAY_COMPLETE);
    else if (replay_next(r, RECORD_DELIVERED) != NULL || replay_next(r, RECORD_WRITABLE) != NULL)
        replay_link_inputs(r);
    else
        call_next(r);
    if (r->at == before)
        replay_end(r, NST_REPLAY_MALFORMED);
    if (r->has_idle_links)
        replay_links_free(r, true);
    return r->status.state == NST_REPLAY_GOES_ON;
}

/* ---- Begin and end ---- */

static int start_stack(struct nst_replay *r, const uint8_t *record)
{
    struct record_in in;
    struct nst_stack_config config;
    const struct nst_record_sink sink = {compare, r};
    in_init(&in, record);
    get_stack_config(&in, &config);
    if (!in_is_good(&in)) {
        replay_end(r, NST_REPLAY_MALFORMED);
        return 0;
    }
    config.allocator = r->config.allocator;
    config.log = r->config.log;
    config.log_context = r->config.context;
    int error = nst_stack_new(&config, &r->stack);
    if (error == 0)
        error = nst_record_start(r->stack, &sink);
    if (error == -NST_EINVAL)
        replay_end(r, NST_REPLAY_MALFORMED);
    return error == -NST_ENOMEM ? error : 0;
}

static bool has_header(const struct nst_replay_config *c)
{
    const uint8_t *at = c->data;
    return c->len >= sizeof(struct nst_record_header) &&
           memcmp(at, NST_RECORD_MAGIC, sizeof(NST_RECORD_MAGIC) - 1) == 0 &&
           le32_get(at + offsetof(struct nst_record_header, version)) == NST_RECORD_VERSION;
}

static int start(struct nst_replay *r)
{
    if (!has_header(&r->config)) {
        replay_end(r, NST_REPLAY_MALFORMED);
        return 0;
    }
    r->data = (const uint8_t *)r->config.data + sizeof(struct nst_record_header);
    r->len = r->config.len - sizeof(struct nst_record_header);
    const uint8_t *first = replay_next(r, RECORD_START);
    if (first != NULL)
        return start_stack(r, first);
    replay_end(r, record_len(r->data, r->len) == 0 ? NST_REPLAY_TRUNCATED : NST_REPLAY_MALFORMED);
    return 0;
}

int nst_replay_new(const struct nst_replay_config *config, struct nst_replay **ret_replay)
{
    struct nst_replay_config c;
    if (!config_copy(&c, sizeof(c), config, offsetof(struct nst_replay_config, see)) ||
        c.allocator.alloc == NULL || c.allocator.free == NULL || (c.data == NULL && c.len > 0))
        return -NST_EINVAL;
    struct nst_replay *r = c.allocator.alloc(c.allocator.context, sizeof(*r));
    if (r == NULL)
        return -NST_ENOMEM;
    *r = (struct nst_replay){.config = c, .status = {.record = 1}};
    const int error = start(r);
    if (error < 0) {
        nst_replay_free(r);
        return error;
    }
    *ret_replay = r;
    return 0;
}

void nst_replay_get_status(const struct nst_replay *r, struct nst_replay_status *ret_status)
{
    *ret_status = r->status;
    if (r->status.state != NST_REPLAY_GOES_ON)
        return;
    ret_status->offset = r->at + sizeof(struct nst_record_header);
    ret_status->time = nst_stack_now(r->stack);
}

const struct nst_stack *nst_replay_get_stack(const struct nst_replay *r)
{
    return r->stack;
}

void nst_replay_free(struct nst_replay *r)
{
    if (r == NULL)
        return;
    replay_end(r, NST_REPLAY_COMPLETE); /* nothing that follows is compared */
    if (r->stack != NULL)
        replay_lighten(r);
    nst_stack_free(r->stack);
    replay_links_free(r, false);
    give(r, r->scratch, r->scratch_size);
    give(r, r->got, r->status.got_len);
    give(r, r, sizeof(*r));
}
