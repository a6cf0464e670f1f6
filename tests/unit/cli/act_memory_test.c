/* SPDX-License-Identifier: Apache-2.0 */
/* Orders where there is no memory for a list. */
#include "small_memory.h"
#include "testing.h"

#include "alloc.h"
#include "memlink.h"
#include "order/act.h"

#define ROUTES 16384 /* a list of them takes more than what is allowed below */

static bool act(const struct scene *scene, const char *text, struct fault *fault)
{
    char line[128];
    struct words words;
    struct order order;
    const struct show show = {.out = stderr};
    snprintf(line, sizeof(line), "%s", text);
    return words_split(line, &words, fault) && order_parse(&words, &order, fault) &&
           order_act(scene, &order, &show, fault);
}

static void refused(const struct scene *scene, const char *text)
{
    struct fault fault = {0};
    assert_false(act(scene, text, &fault));
    if (strstr(fault.text, "ENOMEM") == NULL)
        fail_msg("%s: it says: %s", text, fault.text);
}

static void add_routes(struct nst_stack *stack)
{
    for (uint32_t i = 0; i < ROUTES; i++) {
        struct nst_route route = {.nic = 1, .prefix_len = 32};
        route.prefix = nst_addr_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i);
        assert_int_equal(nst_route_add(stack, &route), 0);
    }
}

static void orders_that_need_a_list_are_refused_without_memory_for_it(void **state)
{
    const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};
    struct alloc alloc;
    struct memlink link;
    struct scene scene = {0};
    alloc_init(&alloc);
    memlink_init(&link, &mac);
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = alloc.allocator,
                                            .memory_limit = 64 << 20,
                                            .now = NST_SEC,
                                            .seed = {1}};
    const struct nst_nic_config nic = {.size = sizeof(nic), .name = "eth0", .link = &link.link};
    assert_int_equal(nst_stack_new(&config, &scene.stack), 0);
    assert_int_equal(nst_nic_add(scene.stack, &nic, NULL), 0);
    add_routes(scene.stack);
    refused(&scene, "route flush dev eth0");
    refused(&scene, "route del 10.1.0.0/32");
    refused(&scene, "route show");
    assert_int_equal(nst_route_list(scene.stack, NULL, 0), ROUTES);
    nst_stack_free(scene.stack);
    memlink_fini(&link);
    assert_int_equal(alloc.live_bytes, 0);
}

TESTS({"orders that need a list are refused without memory for it",
       orders_that_need_a_list_are_refused_without_memory_for_it})
