/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of bulk and request flows. Both ends are alike: each may have sent `allowed` bytes of
 * a pattern by now, reads and checks what comes, says that it ends (FIN) when it will never send
 * more, and closes when it has seen the other's end too.
 */
#include <string.h>

#include "sim/sim.h"

static struct sim_end *peer_of(struct sim_end *end)
{
    return &end->flow->ends[end == &end->flow->ends[0]];
}

static bool is_client(const struct sim_end *end)
{
    return end == &end->flow->ends[0];
}

/* Where byte `offset` of what `end` sends lies in the pattern. */
static const uint8_t *pattern_at(const struct sim_end *end, uint64_t offset)
{
    const uint64_t start = end->flow->index * (uint64_t)7919 + (is_client(end) ? 0 : 31337);
    return end->flow->sim->pattern + (start + offset) % SIM_PERIOD;
}

/* ---- What it may send ---- */

static bool sends_bulk(const struct sim_end *end)
{
    return is_client(end) != end->flow->config.back;
}

static void allow_bulk(struct sim_end *end)
{
    const struct sim_flow *flow = end->flow;
    if (!sends_bulk(end))
        return;
    if (flow->is_stopped || flow->is_off)
        end->allowed = end->sent;
    else
        end->allowed = flow->config.bytes != 0 ? flow->config.bytes : UINT64_MAX;
}

/* A response was read: its time counts, and the next request is planned. */
static void finish_response(struct sim_flow *flow)
{
    const nst_time now = sim_now(flow->sim), delay = now - flow->asked;
    struct nst_sim_flow_result *r = &flow->result;
    sim_count_message(r, delay);
    if (!flow->is_stopped && (flow->config.count == 0 || r->messages < flow->config.count))
        flow->act_at = now + flow->config.think;
}

static void ask(struct sim_flow *flow)
{
    flow->ends[0].allowed += flow->config.request;
    flow->asked = sim_now(flow->sim);
    flow->result.messages_sent++;
}

static void allow_request(struct sim_end *end)
{
    struct sim_flow *flow = end->flow;
    const struct nst_sim_flow *c = &flow->config;
    struct nst_sim_flow_result *r = &flow->result;
    if (!is_client(end)) {
        end->allowed = end->received / c->request * c->response;
        return;
    }
    if (r->messages < r->messages_sent && end->received >= r->messages_sent * c->response)
        finish_response(flow);
    const bool is_due = r->messages == r->messages_sent && flow->act_at == NST_TIME_NEVER;
    if (is_due && !flow->is_stopped && !flow->is_off &&
        (c->count == 0 || r->messages_sent < c->count))
        ask(flow);
}

/* True: end->sent will never grow beyond end->allowed. */
static bool is_final(struct sim_end *end)
{
    const struct sim_flow *flow = end->flow;
    const struct nst_sim_flow *c = &flow->config;
    if (c->kind == NST_SIM_BULK && sends_bulk(end))
        return flow->is_stopped || (c->bytes != 0 && end->sent == c->bytes);
    if (c->kind == NST_SIM_REQUEST && is_client(end))
        return flow->is_stopped || (c->count != 0 && flow->result.messages == c->count);
    return end->has_seen_end;
}

/* ---- Bytes ---- */

static void check_bytes(struct sim_end *end, size_t n)
{
    struct sim_end *peer = peer_of(end);
    struct nst_sim *sim = end->flow->sim;
    if (memcmp(sim->buffer, pattern_at(peer, end->received), n) != 0)
        sim_fault(sim, "flow %u: among the %zu bytes from byte %llu on, some are not what was sent",
                  end->flow->index, n, (unsigned long long)end->received);
    const uint64_t received = end->received + n;
    if (received > peer->sent)
        sim_fault(sim, "flow %u: byte %llu came, but %llu were sent", end->flow->index,
                  (unsigned long long)received, (unsigned long long)peer->sent);
}

static void check_end(struct sim_end *end)
{
    const struct sim_end *peer = peer_of(end);
    if (!peer->is_shut || end->received != peer->sent)
        sim_fault(end->flow->sim, "flow %u ended after %llu bytes of %llu", end->flow->index,
                  (unsigned long long)end->received, (unsigned long long)peer->sent);
}

/* How many bytes it may read now; 0: a slow reader waits, until the flow acts again. */
static size_t readable(const struct sim_end *end)
{
    struct sim_flow *flow = end->flow;
    if (flow->config.reader_bps == 0 || flow->is_stopped || sends_bulk(end))
        return SIM_CHUNK;
    if (flow->readable == 0 && flow->act_at == NST_TIME_NEVER)
        flow->act_at = sim_now(flow->sim) + NST_SEC / SIM_READS;
    return flow->readable < SIM_CHUNK ? (size_t)flow->readable : SIM_CHUNK;
}

/* Reads what there is. False: the connection has failed. */
static bool receive(struct sim_end *end)
{
    struct nst_sim *sim = end->flow->sim;
    bool moved = false, is_waiting = false;
    while (!end->has_seen_end) {
        const size_t size = readable(end);
        is_waiting = size == 0;
        if (is_waiting)
            break;
        const int64_t n = nst_socket_recv(end->host->stack, end->s, sim->buffer, size, 0);
        if (n == -NST_EAGAIN || n == -NST_ENOTCONN)
            break;
        if (n < 0) {
            sim_flow_fail(end->flow, (int)n);
            return false;
        }
        moved = true;
        if (n == 0) {
            end->has_seen_end = true;
            check_end(end);
            break;
        }
        check_bytes(end, (size_t)n);
        end->received += (uint64_t)n;
        end->flow->result.received += (uint64_t)n;
        end->flow->readable -=
            (uint64_t)n < end->flow->readable ? (uint64_t)n : end->flow->readable;
    }
    const struct sim_end *peer = peer_of(end);
    const bool is_due = peer->sent > end->received || (peer->is_shut && !end->has_seen_end);
    if (moved || is_waiting)
        sim_flow_progress(end, moved, is_due && !is_waiting);
    return true;
}

/* Sends what is allowed and fits. False: the connection has failed. */
static bool send(struct sim_end *end)
{
    while (end->sent < end->allowed) {
        const uint64_t left = end->allowed - end->sent;
        const size_t n = left < SIM_CHUNK ? (size_t)left : SIM_CHUNK;
        const int64_t r =
            nst_socket_send(end->host->stack, end->s, pattern_at(end, end->sent), n, 0);
        if (r == -NST_EAGAIN || r == -NST_ENOTCONN || r == -NST_ENOMEM)
            break;
        if (r < 0) {
            sim_flow_fail(end->flow, (int)r);
            return false;
        }
        end->sent += (uint64_t)r;
        end->flow->result.sent += (uint64_t)r;
        sim_flow_progress(peer_of(end), false, true);
    }
    return true;
}

static void keep_info(struct sim_end *end)
{
    const bool sends = end->flow->config.kind == NST_SIM_BULK ? sends_bulk(end) : !is_client(end);
    if (sends)
        nst_socket_tcp_info(end->host->stack, end->s, &end->flow->result.tcp);
}

void sim_stream_look(struct sim_flow *flow)
{
    for (int i = 0; i < 2; i++)
        if (flow->config.kind != NST_SIM_DATAGRAMS && flow->ends[i].is_open)
            keep_info(&flow->ends[i]);
}

static void finish(struct sim_end *end)
{
    if (!end->is_shut && end->sent >= end->allowed && is_final(end) &&
        nst_socket_shutdown(end->host->stack, end->s, NST_SHUT_SEND) == 0) {
        end->is_shut = true;
        sim_flow_progress(peer_of(end), false, true);
    }
    if (end->is_shut && end->has_seen_end) {
        keep_info(end);
        sim_flow_end_closed(end);
    }
}

void sim_stream_pump(struct sim_end *end)
{
    const int events = nst_socket_events(end->host->stack, end->s);
    if (events < 0 || (events & NST_READY_ERROR) != 0) {
        const int error = nst_socket_error(end->host->stack, end->s);
        keep_info(end);
        sim_flow_fail(end->flow, error != 0 ? error : -NST_ECONNABORTED);
        return;
    }
    if (!receive(end))
        return;
    if (end->flow->config.kind == NST_SIM_BULK)
        allow_bulk(end);
    else
        allow_request(end);
    if (!send(end))
        return;
    finish(end);
    sim_host_kick(end->host);
}

/* ---- Beginning ---- */

void sim_stream_accept(struct sim_end *end)
{
    struct nst_stack *stack = end->host->stack;
    nst_socket s;
    while (nst_socket_accept(stack, end->flow->listener, &s, NULL) == 0) {
        if (end->flow->has_server) {
            sim_fault(end->flow->sim, "flow %u: its only connection was accepted twice",
                      end->flow->index);
            nst_socket_abort(stack, s);
            continue;
        }
        end->flow->has_server = true;
        end->s = s;
        end->is_open = true;
        sim_flow_progress(end, true, false);
        nst_socket_watch(stack, s, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP, end);
        sim_stream_pump(end);
    }
}

void sim_stream_start(struct sim_flow *flow)
{
    struct sim_end *end = &flow->ends[0];
    struct nst_stack *stack = end->host->stack;
    int r = nst_socket_open(stack, NST_STREAM, &end->s);
    if (r < 0) {
        sim_flow_fail(flow, r);
        return;
    }
    end->is_open = true;
    nst_socket_watch(stack, end->s, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP, end);
    r = nst_socket_connect(stack, end->s, &flow->server);
    if (r < 0 && r != -NST_EINPROGRESS) {
        sim_flow_fail(flow, r);
        return;
    }
    sim_flow_progress(&flow->ends[1], false, true);
    sim_host_kick(end->host);
}
