/* SPDX-License-Identifier: Apache-2.0 */
/* Making a call: at once, or over time when it blocks; then its result is compared. */
#include "script/call.h"

#include <errno.h>
#include <string.h>

#include "script/show.h"
#include "script/symbols.h"

static const struct call_entry *find_in(const struct call_entry *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static const struct call_entry *find(const char *name)
{
    static const struct call_entry *const tables[] = {call_socket_table, call_data_table,
                                                      call_option_table, call_poll_table};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const struct call_entry *entry = find_in(tables[i], name);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* "-1 EAGAIN" or a number. */
static const char *show_result(struct arena *arena, int64_t result)
{
    char text[24];
    if (result >= 0)
        return arena_format(arena, "%lld", (long long)result);
    return arena_format(arena, "-1 %s", symbols_errno_name((int)result, text));
}

static const char *show_wanted(struct arena *arena, const struct script_call *call)
{
    char text[24];
    const char *value = show_value(arena, call->result);
    return call->error == 0
               ? value
               : arena_format(arena, "%s %s", value, symbols_errno_name(call->error, text));
}

static bool result_is_wanted(const struct call *c, const struct call_entry *entry, int64_t result)
{
    const struct script_call *s = c->script;
    if (s->result->kind == VALUE_ANY)
        return true;
    if (result < 0)
        return s->result->number == -1 && (s->error == 0 || s->error == -result ||
                                           (s->error == EWOULDBLOCK && result == -EAGAIN));
    if (entry->opens)
        return s->result->number >= 0;
    return s->result->number == result;
}

/* From now on the script's name for a descriptor is ours. */
static void learn_fd(struct call *c, const struct call_entry *entry, int64_t result)
{
    const struct script_value *name = c->script->result;
    if (!entry->opens || result < 0)
        return;
    const int64_t script_fd = name->kind == VALUE_NUMBER ? name->number : result;
    if (script_fd >= 0 && script_fd < RUN_FDS)
        c->run->fds[script_fd] = (int)result;
}

static bool wrong_result(struct call *c, int64_t result)
{
    struct run *run = c->run;
    runner_fail(run, c->event->pos, "%s gave another result", c->script->name);
    runner_detail(run, "  call      %s", show_call(&run->arena, c->script));
    runner_detail(run, "  expected  %s", show_wanted(&run->arena, c->script));
    runner_detail(run, "  came      %s", show_result(&run->arena, result));
    return false;
}

/* When it should have ended. */
static nst_time due(const struct call *c)
{
    const struct script_when *when = &c->event->when;
    return when->blocks ? c->base + when->until : c->started;
}

static bool check_end(struct call *c)
{
    struct run *run = c->run;
    char now[32], want[32];
    const nst_time tolerance = runner_tolerance(run, due(c) - c->base);
    const nst_time off = run->world.now - due(c);
    if (off <= tolerance && off >= -tolerance)
        return true;
    return runner_fail(run, c->event->pos, "%s ended at %s, but %s was expected", c->script->name,
                       show_time(run->world.now, now), show_time(due(c), want));
}

static bool done(struct call *c, const struct call_entry *entry, int64_t result)
{
    struct run *run = c->run;
    runner_log(run, run->world.now, c->event->pos.line,
               arena_format(&run->arena, "%s = %s", show_call(&run->arena, c->script),
                            show_result(&run->arena, result)));
    if (run->kernel.unsupported != NULL)
        return runner_skip(run, c->event->pos, "%s: %s", c->script->name, run->kernel.unsupported);
    if (!result_is_wanted(c, entry, result) && !run->script->config.calls_not_fatal)
        return wrong_result(c, result);
    learn_fd(c, entry, result);
    if (!check_end(c))
        return false;
    const bool good = result < 0 || entry->check == NULL || entry->check(c, result);
    if (c->fault != NULL)
        return runner_fail(run, c->bad != NULL ? c->bad->pos : c->event->pos, "%s", c->fault);
    return good;
}

/* One try. *ret_over: it is finished, one way or the other. */
static bool try(struct call *c, bool *ret_over)
{
    struct run *run = c->run;
    const struct call_entry *entry = find(c->script->name);
    c->slots = 0;
    const int64_t result = entry->make(c);
    *ret_over = true;
    if (c->fault != NULL)
        return runner_fail(run, c->bad != NULL ? c->bad->pos : c->event->pos, "%s", c->fault);
    stage_run(&run->world);
    runner_collect(run);
    if (result == KERNEL_WAIT) {
        *ret_over = false;
        return true;
    }
    return done(c, entry, result);
}

bool call_again(struct run *run)
{
    struct call *c = run->pending;
    bool over;
    if (run->over)
        return false;
    if (c == NULL)
        return true;
    const bool good = try(c, &over);
    if (over)
        run->pending = NULL;
    return good;
}

/* A call whose script does not say that it blocks, or whose end has come. */
bool call_finish(struct run *run)
{
    struct call *c = run->pending;
    if (c == NULL)
        return !run->over;
    const nst_time limit = due(c) + runner_tolerance(run, due(c) - c->base);
    while (run->pending == c && runner_step(run, limit))
        ;
    if (run->over || run->pending != c)
        return !run->over;
    run->pending = NULL;
    return runner_fail(run, c->event->pos, "%s blocks: it has not ended by %lld us",
                       c->script->name, (long long)(limit / NST_USEC));
}

static bool check_form(struct run *run, const struct script_event *event,
                       const struct call_entry *entry)
{
    const struct script_call *s = event->call;
    if (entry == NULL)
        return runner_skip(run, event->pos, "the call %s is not built in", s->name);
    if (s->count < entry->least || s->count > entry->most)
        return runner_fail(run, event->pos, "%s takes %u to %u arguments, not %u", s->name,
                           entry->least, entry->most, s->count);
    if (s->result->kind != VALUE_ANY && s->result->kind != VALUE_NUMBER)
        return runner_fail(run, s->result->pos, "a result is a number, or ...");
    return true;
}

bool call_event(struct run *run, const struct script_event *event)
{
    if (!call_finish(run) || !check_form(run, event, find(event->call->name)))
        return false;
    struct call *c = ARENA_NEW(&run->arena, struct call);
    *c = (struct call){.run = run, .event = event, .script = event->call};
    c->base = event->when.kind == WHEN_RELATIVE ? run->last : 0;
    c->started = run->world.now;
    c->wait.until = NST_TIME_NEVER;
    run->pending = c;
    if (!call_again(run))
        return false;
    return run->pending == NULL || event->when.blocks || call_finish(run);
}
