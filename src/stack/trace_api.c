/* SPDX-License-Identifier: Apache-2.0 */
/* The public side of the trace: see <nicstack/trace.h> and packet/trace.h. */
#include "packet/trace.h"

#include "stack/stack.h"

int nst_stack_trace_start(struct nst_stack *stack, uint32_t events)
{
    stack_check_caller(stack);
    return trace_start(stack->pool, events);
}

void nst_stack_trace_stop(struct nst_stack *stack)
{
    trace_stop(stack->pool);
}

bool nst_stack_trace_next(struct nst_stack *stack, struct nst_trace_event *ret_event)
{
    return trace_next(stack->pool, ret_event);
}

uint64_t nst_stack_trace_lost(const struct nst_stack *stack)
{
    return stack->pool->trace != NULL ? stack->pool->trace->ring.lost : 0;
}
