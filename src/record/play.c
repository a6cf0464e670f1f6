/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of calls.def once more, by their public names: so the replayed stack records them too.
 */
#include "record/get.h"

/* The arguments were read, and the replay goes on. */
static bool is_good(struct nst_replay *r, const struct record_in *in)
{
    if (!in_is_good(in))
        replay_end(r, NST_REPLAY_MALFORMED);
    return r->status.state == NST_REPLAY_GOES_ON;
}

/* Each gives the result; negative: nothing was done, or an error. */
#define CALL(number, result, name, ...)                                                       \
    static int64_t play_##name(struct nst_replay *r, struct record_in *in)                    \
    {                                                                                         \
        EACH(HOLD, ##__VA_ARGS__)                                                             \
        EACH(GET, ##__VA_ARGS__)                                                              \
        return is_good(r, in) ? (int64_t)nst_##name(r->stack EACH(PASS, ##__VA_ARGS__)) : -1; \
    }
#define CALLQ CALL
#define CALLV(number, name, ...)                                           \
    static int64_t play_##name(struct nst_replay *r, struct record_in *in) \
    {                                                                      \
        EACH(HOLD, ##__VA_ARGS__)                                          \
        EACH(GET, ##__VA_ARGS__)                                           \
        if (is_good(r, in))                                                \
            nst_##name(r->stack EACH(PASS, ##__VA_ARGS__));                \
        return 0;                                                          \
    }
#define ASIDE(name)
#define OWN(name)
#include "record/calls.def"
#undef CALL
#undef CALLV

#define CALL(number, result, name, ...) [number] = play_##name,
#define CALLV(number, name, ...)        [number] = play_##name,
static int64_t (*const plays[256])(struct nst_replay *r, struct record_in *in) = {
#include "record/calls.def"
};

void replay_call(struct nst_replay *r, const uint8_t *record)
{
    struct record_in in;
    const uint8_t call = record[7];
    in_init(&in, record);
    in_u64(&in); /* memory in use: compare() reads it */
    if (plays[call] == NULL) {
        replay_end(r, NST_REPLAY_MALFORMED);
        return;
    }
    r->status.calls++;
    r->lent = NULL;
    const int64_t result = plays[call](r, &in);
    if (r->lent != NULL && result < 0)
        replay_release(r->lent, NULL);
}
