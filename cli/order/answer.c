/* SPDX-License-Identifier: Apache-2.0 */
/* Orders by an instance's socket: see answer.h. */
#include "order/answer.h"

#include <stdlib.h>
#include <string.h>

static bool read_show(const struct request *request, struct show *ret_show)
{
    uint64_t json, pretty, family;
    if (!request_get_number(request, "json", 0, &json) ||
        !request_get_number(request, "pretty", 0, &pretty) ||
        !request_get_number(request, "family", 0, &family) ||
        (family != 0 && family != 4 && family != 6))
        return false;
    *ret_show =
        (struct show){.is_json = json != 0, .is_pretty = pretty != 0, .family = (int)family};
    return true;
}

/* The line is split in place, so in a copy. */
static bool act(const struct scene *scene, char *line, const struct show *show, struct fault *fault)
{
    struct words words;
    struct order order;
    return words_split(line, &words, fault) && order_parse(&words, &order, fault) &&
           order_act(scene, &order, show, fault);
}

static void reply(struct instance_client *client, char *data, size_t len)
{
    char text[64];
    struct request_line line;
    request_begin(&line, text, sizeof(text), "ok");
    request_put_number(&line, "bytes", len);
    instance_reply(client, &line, data, len);
}

void order_answer(const struct scene *scene, struct instance_client *client,
                  const struct request *request)
{
    const char *said = request_get(request, "line");
    struct fault fault = {0};
    struct show show;
    char *data = NULL;
    size_t len = 0;
    if (said == NULL || !read_show(request, &show)) {
        instance_refuse(client, "this is no order: is it of another version?");
        return;
    }
    char *line = strdup(said);
    show.out = line != NULL ? open_memstream(&data, &len) : NULL;
    bool ok = show.out != NULL;
    if (ok)
        ok = act(scene, line, &show, &fault);
    else
        fault_set(&fault, 0, "no memory for an answer (ENOMEM)");
    if (show.out != NULL && fclose(show.out) != 0)
        ok = fault_set(&fault, 0, "no memory for an answer (ENOMEM)");
    free(line);
    if (ok) {
        reply(client, data, len);
        return;
    }
    free(data);
    instance_refuse(client, fault.text);
}
