/* SPDX-License-Identifier: Apache-2.0 */
/* Code at its time: over the connection that was made or accepted last. */
#include "script/code.h"
#include "script/run.h"

static bool ask(struct run *run, struct tcpinfo *ret_info)
{
    struct nst_tcp_info info;
    const struct kernel_file *f = kernel_file(&run->kernel, run->subject);
    stage_run(&run->world); /* it tells how long ago things were */
    if (f == NULL || f->kind != KERNEL_SOCKET ||
        nst_socket_tcp_info(run->world.stack, f->socket, &info) < 0)
        return false;
    tcpinfo_fill(&info, ret_info);
    return true;
}

bool code_event(struct run *run, const struct script_event *event)
{
    struct tcpinfo info;
    struct code code = {.arena = &run->arena, .names = run->names};
    if (ask(run, &info))
        code.info = &info;
    const enum code_result result = code_run(&code, event->text, event->text_pos);
    run->names = code.names;
    runner_log(run, run->world.now, event->pos.line, "%{ }%");
    switch (result) {
    case CODE_GOOD:
        return true;
    case CODE_UNSUPPORTED:
        return runner_skip(run, code.pos, "%s", code.reason);
    case CODE_FALSE:
        runner_fail(run, code.pos, "%s", code.reason);
        if (code.values[0] != '\0')
            runner_detail(run, "  where     %s", code.values);
        return false;
    case CODE_BAD:
        break;
    }
    return runner_fail(run, code.pos, "%s", code.reason);
}
