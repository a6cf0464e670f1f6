/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and strangers write: configs of nst up and orders by its socket, done to a stack, and
 * requests to its status page. The first byte chooses which.
 */
#include "input.h"

#include "alloc.h"
#include "memlink.h"
#include "order/act.h"
#include "up/config.h"
#include "up/services.h"

static struct nst_stack *stack;
static struct memlink link;

/* What was taken is in its range, and is done, to a NIC that stays. */
static bool take(void *context, const struct order *order, struct fault *fault)
{
    const struct scene scene = {.stack = stack};
    const struct show *show = context;
    check(order->prefix_len <= 128 && order->port <= 65535 && order->id <= 4094);
    check(order->port_count <= ORDER_PORTS_MAX && order->type <= TYPE_LOOPBACK);
    check(order->mtu == 0 || (order->mtu >= 68 && order->mtu <= 65535));
    check(order->valid >= 0 && order->preferred >= 0 && order->ageing >= 0);
    fault->text[0] = '\0';
    if (!order_act(&scene, order, show, fault))
        check(fault->text[0] != '\0');
    return true; /* to the next line */
}

static void run_config(const uint8_t *data, size_t size, bool json)
{
    char *out = NULL, *text = malloc(size + 1);
    size_t len;
    unsigned line;
    struct fault fault;
    struct show show = {.out = open_memstream(&out, &len), .is_json = json};
    memcpy(text, data, size);
    text[size] = '\0';
    fault.text[0] = '\0';
    if (!config_parse(text, size, take, &show, &line, &fault))
        check(fault.text[0] != '\0' && line >= 1 && fault.column <= size + 1);
    fclose(show.out);
    free(out);
    free(text);
}

static void run_http(const uint8_t *data, size_t size)
{
    const struct scene scene = {.stack = stack};
    const struct services services = {.scene = &scene, .instance = "fuzz"};
    char *request = malloc(size + 1);
    size_t len;
    memcpy(request, data, size);
    (void)http_is_whole(request, size);
    char *answer = http_answer(&services, request, size, &len);
    if (answer != NULL)
        check(len >= 12 && memcmp(answer, "HTTP/1.1 ", 9) == 0);
    free(answer);
    free(request);
}

static void begin(struct alloc *alloc)
{
    const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};
    const struct nst_nic_config nic = {.size = sizeof(nic), .name = "eth0", .link = &link.link};
    alloc_init(alloc);
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = alloc->allocator,
                                            .memory_limit = 1 << 20,
                                            .now = NST_SEC,
                                            .seed = {1}};
    memlink_init(&link, &mac);
    check(nst_stack_new(&config, &stack) == 0 && nst_nic_add(stack, &nic, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct alloc alloc;
    if (size == 0 || size > 4096)
        return 0;
    begin(&alloc);
    if (data[0] % 4 == 0)
        run_http(data + 1, size - 1);
    else
        run_config(data + 1, size - 1, data[0] % 4 == 1);
    nst_stack_run(stack, 2 * NST_SEC, 0);
    nst_stack_free(stack);
    memlink_fini(&link);
    check(alloc.live_bytes == 0);
    return 0;
}
