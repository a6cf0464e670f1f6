/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "recording.h"

#include "alloc.h"
#include "record/format.h"

static void append(struct recording *r, const void *data, size_t len)
{
    while (r->len + len > r->room) {
        r->room = r->room != 0 ? 2 * r->room : 4096;
        r->data = realloc(r->data, r->room);
        assert_non_null(r->data);
    }
    if (len > 0)
        memcpy(r->data + r->len, data, len);
    r->len += len;
}

static void put(void *context, const struct nst_iovec *head, const struct nst_iovec *pieces,
                size_t count)
{
    append(context, head->base, head->len);
    for (size_t i = 0; i < count; i++)
        append(context, pieces[i].base, pieces[i].len);
}

void recording_start(struct recording *r, struct nst_stack *stack)
{
    struct nst_record_header header = {.version = NST_RECORD_VERSION};
    const struct nst_record_sink sink = {put, r};
    *r = (struct recording){0};
    memcpy(header.magic, NST_RECORD_MAGIC, sizeof(header.magic));
    append(r, &header, sizeof(header));
    assert_int_equal(nst_record_start(stack, &sink), 0);
}

size_t recording_find(const struct recording *r, unsigned kind, unsigned n)
{
    size_t at = sizeof(struct nst_record_header), len;
    for (; (len = record_len(r->data + at, r->len - at)) > 0; at += len)
        if (r->data[at + 6] == kind && n-- == 0)
            return at;
    return 0;
}

struct nst_replay_status recording_replay(const struct recording *r, size_t len)
{
    struct alloc alloc;
    struct nst_replay *replay;
    struct nst_replay_status status;
    char text[1024];
    alloc_init(&alloc);
    const struct nst_replay_config config = {
        .size = sizeof(config), .allocator = alloc.allocator, .data = r->data, .len = len};
    assert_int_equal(nst_replay_new(&config, &replay), 0);
    while (nst_replay_step(replay))
        ;
    nst_replay_get_status(replay, &status);
    if (status.state == NST_REPLAY_DIFFERS && getenv("NST_RECORD_SHOW") != NULL) {
        printf("record %llu at %llu\n", (unsigned long long)status.record,
               (unsigned long long)status.offset);
        printf("recorded: %s\n",
               nst_record_show(status.expected, status.expected_len, text, sizeof(text)));
        printf("replayed: %s\n", nst_record_show(status.got, status.got_len, text, sizeof(text)));
    }
    nst_replay_free(replay);
    assert_int_equal(alloc.live, 0);
    status.expected = status.got = NULL;
    return status;
}

void recording_check(const struct recording *r)
{
    const struct nst_replay_status status = recording_replay(r, r->len);
    if (status.state == NST_REPLAY_COMPLETE && status.offset < r->len)
        return;
    fail_msg("the replay ended in state %d at record %llu, offset %llu of %zu", status.state,
             (unsigned long long)status.record, (unsigned long long)status.offset, r->len);
}

void recording_fini(struct recording *r)
{
    free(r->data);
    *r = (struct recording){0};
}
