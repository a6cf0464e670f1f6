/* SPDX-License-Identifier: Apache-2.0 */
#include "script/run.h"

#include <stdlib.h>
#include <string.h>

#include "script/parse.h"
#include "script/show.h"
#include "wire/tcp.h"

/* ---- How it ends ---- */

static bool end(struct run *run, enum script_verdict verdict, const char *reason)
{
    if (!run->over) {
        run->over = true;
        run->verdict = verdict;
        run->reason = reason;
        run->detail = "";
    }
    return false;
}

/* "line:column: " and the text. */
static const char *at_place(struct run *run, struct script_pos pos, const char *format,
                            va_list args)
{
    const char *text = arena_vformat(&run->arena, format, args);
    return pos.line == 0 ? text : arena_format(&run->arena, "%u:%u: %s", pos.line, pos.col, text);
}

bool runner_fail(struct run *run, struct script_pos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *reason = at_place(run, pos, format, args);
    va_end(args);
    return end(run, SCRIPT_FAILED, reason);
}

bool runner_skip(struct run *run, struct script_pos pos, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *reason = at_place(run, pos, format, args);
    va_end(args);
    return end(run, SCRIPT_SKIPPED, reason);
}

void runner_detail(struct run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_vformat(&run->arena, format, args);
    va_end(args);
    run->detail = arena_format(&run->arena, "%s%s\n", run->detail, text);
}

void runner_log(struct run *run, nst_time at, uint32_t line, const char *text)
{
    struct run_line *l = ARENA_NEW(&run->arena, struct run_line);
    *l = (struct run_line){.at = at, .text = text, .line = line};
    *run->log_end = l;
    run->log_end = &l->next;
}

/* ---- Time ---- */

nst_time runner_tolerance(const struct run *run, nst_time since)
{
    const struct script_config *config = &run->script->config;
    const nst_time part = since > 0 ? since / 1000 * config->tolerance_permille : 0;
    return part > config->tolerance ? part : config->tolerance;
}

void runner_collect(struct run *run)
{
    struct stage_packet *p;
    while ((p = stage_take(&run->world)) != NULL) {
        struct codec_seen *seen = codec_decode(&run->arena, p);
        free(p);
        *run->waiting_end = seen;
        run->waiting_end = &seen->next;
    }
}

bool runner_step(struct run *run, nst_time until)
{
    /* A pending call may have a deadline of its own. */
    const nst_time call = run->pending != NULL ? run->pending->wait.until : NST_TIME_NEVER;
    const bool mine = call > run->world.now && call < until;
    const bool more = stage_step(&run->world, mine ? call : until);
    runner_collect(run);
    return call_again(run) && (more || mine);
}

bool runner_advance(struct run *run, nst_time until)
{
    while (runner_step(run, until))
        ;
    return !run->over;
}

/* ---- Events ---- */

static nst_time time_of(const struct run *run, const struct script_when *when)
{
    return when->kind == WHEN_RELATIVE ? run->last + when->start : when->start;
}

static bool packet_in(struct run *run, const struct script_event *event)
{
    static const size_t room = CODEC_PACKET_MAX;
    struct flow *flow = NULL;
    const struct script_packet *packet = event->packet;
    if (packet->protocol == PROTOCOL_ICMP) {
        /* What an error speaks of. */
        const bool udp = packet->icmp.echoed == ECHOED_UDP;
        flow = run->flows.current[udp ? PROTOCOL_UDP : PROTOCOL_TCP];
        if (flow == NULL && !udp)
            flow = run->flows.current[PROTOCOL_UDP];
    }
    if (flow == NULL)
        flow = flows_incoming(&run->flows, packet);
    uint8_t *bytes = malloc(room);
    const size_t len = bytes != NULL ? codec_build(&run->ends, packet, flow, bytes) : 0;
    runner_log(run, run->world.now, event->pos.line,
               show_packet(&run->arena, packet, run->script->config.ip_version == IP_VERSION_6));
    if (len > 0)
        stage_inject(&run->world, bytes, len);
    free(bytes);
    if (len == 0)
        return runner_fail(run, event->pos, "this packet does not fit: its options or its payload");
    runner_collect(run);
    return call_again(run);
}

static bool do_event(struct run *run, const struct script_event *event)
{
    const nst_time time = time_of(run, &event->when);
    if (event->kind == EVENT_PACKET && event->packet->outgoing)
        return expect_packet(run, event);
    if (!runner_advance(run, time))
        return false;
    bool good = true;
    switch (event->kind) {
    case EVENT_PACKET:
        good = packet_in(run, event);
        break;
    case EVENT_CALL:
        good = call_event(run, event);
        break;
    case EVENT_CODE:
        good = code_event(run, event);
        break;
    case EVENT_COMMAND:
        break; /* looked at before the world began */
    }
    run->last = time;
    return good;
}

/* ---- Before ---- */

static bool take_command(struct run *run, struct script_pos pos, const char *text, bool begun)
{
    if (text == NULL)
        return true;
    const char *why = command_take(&run->arena, text, begun, &run->settings);
    return why == NULL || runner_skip(run, pos, "%s", why);
}

/* The scripts of --init_scripts come first of all, in the order of their names. */
static bool take_init_scripts(struct run *run)
{
    const struct script_pos nowhere = {0, 0};
    const char *names = run->script->config.init_scripts;
    while (names != NULL && *names != '\0') {
        const size_t len = strcspn(names, ",");
        char *name = arena_text(&run->arena, names, len);
        if (!take_command(run, nowhere, name, false))
            return false;
        names += names[len] == ',' ? len + 1 : len;
    }
    return true;
}

/* Commands at time 0 come before everything; later ones must change nothing. */
static bool take_commands(struct run *run)
{
    const struct script *script = run->script;
    const struct script_pos nowhere = {0, 0};
    bool begun = false;
    if (script->skip != NULL)
        return runner_skip(run, script->skip_pos, "%s", script->skip);
    if (!take_init_scripts(run) || !take_command(run, nowhere, script->first_command, false))
        return false;
    for (const struct script_event *e = script->first; e != NULL; e = e->next) {
        begun = begun || e->kind != EVENT_COMMAND;
        if (e->kind == EVENT_COMMAND && !take_command(run, e->pos, e->text, begun))
            return false;
    }
    return true; /* the last command only cleans up, and there is nothing to clean */
}

static void choose_ends(struct run *run)
{
    const struct script_config *config = &run->script->config;
    const bool v6 = config->ip_version == IP_VERSION_6;
    run->ends.local = nst_addr_v4(192, 168, 0, 1);
    run->ends.remote = nst_addr_v4(192, 0, 2, 1);
    if (v6) {
        nst_addr_parse("fd3d:fa7b:d17d::1", &run->ends.local);
        nst_addr_parse("2001:db8::1", &run->ends.remote);
    }
    if (config->has_local_ip)
        run->ends.local = config->local_ip;
    if (config->has_remote_ip)
        run->ends.remote = config->remote_ip;
    run->ends.ts_tick_us = config->ts_tick_us;
}

static bool make_world(struct run *run)
{
    const struct script_config *config = &run->script->config;
    const struct script_pos nowhere = {0, 0};
    const bool v6 = config->ip_version == IP_VERSION_6;
    choose_ends(run);
    if (nst_addr_is_v4(&run->ends.local) == v6 || nst_addr_is_v4(&run->ends.remote) == v6)
        return runner_fail(run, nowhere, "--local_ip and --remote_ip are not of --ip_version");
    uint32_t mtu = config->mtu != 0 ? config->mtu : 1500;
    /* Written for IPv4, whose header is shorter. */
    if (v6 && !config->names_version)
        mtu += 20;
    if (config->mss != 0)
        mtu = config->mss + (v6 ? 60 : 40);
    const struct stage_config stage_config = {
        .local = run->ends.local,
        .prefix_len = config->prefix_len != 0 ? config->prefix_len
                      : v6                    ? 64
                                              : 16,
        .mtu = mtu,
        .cut = config->strict_segments,
        .any = config->is_anyip,
        .rto_min = run->settings.rto_min,
        .time_wait = run->settings.time_wait,
        .send_buffer_max = run->settings.send_buffer_max,
        .receive_buffer_max = run->settings.receive_buffer_max,
        .initial_window = run->settings.initial_window,
        .tcp_off = run->settings.tcp_off,
    };
    const int r = stage_init(&run->world, &stage_config);
    return r == 0 || runner_fail(run, nowhere, "no stack with these options: %s", nst_strerror(r));
}

/* ---- After ---- */

static bool check_rest(struct run *run)
{
    if (!call_finish(run))
        return false;
    runner_collect(run);
    const struct codec_seen *rest = run->waiting;
    for (const struct codec_seen *s = rest; s != NULL; s = s->next)
        runner_log(run, s->at, 0, expect_show(run, s));
    if (rest == NULL || !run->options->strict)
        return true;
    runner_fail(run, run->script->last->pos, "a packet came that the script does not name");
    runner_detail(run, "  expected  nothing more");
    runner_detail(run, "  came      %s", expect_show(run, rest));
    return false;
}

static void play(struct run *run)
{
    if (!take_commands(run) || !make_world(run))
        return;
    kernel_init(&run->kernel, &run->world);
    for (const struct script_event *e = run->script->first; e != NULL; e = e->next)
        if (!do_event(run, e))
            break;
    if (!run->over)
        check_rest(run);
    kernel_fini(&run->kernel);
    stage_fini(&run->world);
}

static void bad_syntax(const char *name, const struct script_error *error,
                       const struct script_options *options, struct script_report *ret_report)
{
    struct run run = {.options = options};
    run.log_end = &run.log;
    runner_fail(&run, error->pos, "%s", error->text);
    report_make(&run, name, ret_report);
    arena_free(&run.arena);
}

void script_run(const char *name, const char *text, size_t len,
                const struct script_options *options, struct script_report *ret_report)
{
    struct script *script;
    struct script_error error = {{0, 0}, "no memory"};
    const enum script_ip_version version = options->ipv6 ? IP_VERSION_6 : IP_VERSION_4;
    if (parse_script(text, len, version, &script, &error) < 0) {
        bad_syntax(name, &error, options, ret_report);
        return;
    }
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        parse_free(script);
        bad_syntax(name, &error, options, ret_report);
        return;
    }
    run->script = script;
    run->options = options;
    run->log_end = &run->log;
    run->waiting_end = &run->waiting;
    run->subject = -1;
    run->reason = run->detail = "";
    memset(run->fds, -1, sizeof(run->fds));
    flows_init(&run->flows, &run->arena, script->config.bind_port);
    play(run);
    report_make(run, name, ret_report);
    arena_free(&run->arena);
    parse_free(script);
    free(run);
}

void script_report_free(struct script_report *report)
{
    free(report->reason);
    free(report->detail);
    report->reason = report->detail = NULL;
}
