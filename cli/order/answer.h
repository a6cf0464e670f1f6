/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders by an instance's socket: the row "order" of the table of instance.h.
 *
 *     order line=WORDS [json=1] [pretty=1] [family=4|6]      ok bytes=N, then N bytes to be shown
 */
#ifndef NICSTACK_CLI_ORDER_ANSWER_H
#define NICSTACK_CLI_ORDER_ANSWER_H

#include "instance/instance.h"
#include "order/act.h"

/* Does what the request says to the scene, and answers the client. */
void order_answer(const struct scene *scene, struct instance_client *client,
                  const struct request *request);

#endif
