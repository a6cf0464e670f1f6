/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nst up: a stack that stays, as a config says.
 *
 * Theory of operation. The config is read whole, and its orders are done one after the other, the
 * same way as those that come later by the control socket (order/answer.h). Orders about the stack
 * itself come first: with the first other one the name is taken and the stack is made. Then nst up
 * confines itself, and the loop runs until SIGINT or SIGTERM; everything is torn down from above to
 * below, and what must be so then is checked: the census balances, and all memory is back.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach_text.h"
#include "commands.h"
#include "confine/confine.h"
#include "instance/instance.h"
#include "order/answer.h"
#include "tool/descriptors.h"
#include "tool/options.h"
#include "up/config.h"
#include "up/devices.h"
#include "up/services.h"

#define COMMAND        "nst up"
#define FAILED         1
#define WRONG          2
#define MEMORY_DEFAULT (64u << 20)
#define MEMORY_MIN     (1u << 20)

struct up_options {
    const char *name;
    bool check, quiet, verbose, help;
};

struct up {
    struct up_options options;
    const char *file;
    char *text; /* of the config; orders point into it */
    struct order stack_order;
    bool is_begun; /* the name is taken: what is about the stack came before */
    struct nst_allocator allocator;
    uint64_t live; /* bytes that the allocator gave and were not given back */
    struct nst_loop *loop;
    struct nst_stack *stack;
    struct opener opener;
    struct devices devices;
    struct services services;
    struct scene scene;
    struct instance instance;
};

#define MEMBER(name) offsetof(struct up_options, name)

static const struct option_spec specs[] = {
    {"name", 'n', OPTION_TEXT, "NAME", "how nst addr and others call it; default of the config",
     MEMBER(name)},
    {"check", 0, OPTION_FLAG, NULL, "only see whether the config reads well", MEMBER(check)},
    {"quiet", 'q', OPTION_FLAG, NULL, "say nothing but errors", MEMBER(quiet)},
    {"verbose", 'v', OPTION_FLAG, NULL, "say how it is confined", MEMBER(verbose)},
    {"help", 'h', OPTION_FLAG, NULL, "this", MEMBER(help)},
    {NULL, 0, OPTION_FLAG, NULL, NULL, 0},
};

/* ---- Memory that is counted ---- */

static void *allocate(void *context, size_t size)
{
    struct up *up = context;
    void *memory = nst_host_allocator()->alloc(nst_host_allocator()->context, size);
    if (memory != NULL)
        up->live += size;
    return memory;
}

static void release(void *context, void *memory, size_t size)
{
    struct up *up = context;
    up->live -= size;
    nst_host_allocator()->free(nst_host_allocator()->context, memory, size);
}

/* ---- Asked by others ---- */

static void answer_info(void *context, struct instance_client *client,
                        const struct request *request)
{
    const struct up *up = context;
    (void)request;
    instance_answer_info(client, up->stack, COMMAND, up->services.begun);
}

static void answer_order(void *context, struct instance_client *client,
                         const struct request *request)
{
    const struct up *up = context;
    order_answer(&up->scene, client, request);
}

static const struct instance_command commands[] = {
    {"info", answer_info},
    {"order", answer_order},
    {NULL, NULL},
};

/* ---- Orders ---- */

static bool act(void *context, const struct order *order, const struct show *show,
                struct fault *fault)
{
    struct up *up = context;
    if (order->object == ORDER_STACK)
        return fault_set(fault, 0,
                         "the stack is made already: its settings stand in the first "
                         "lines of the config");
    return order->object == ORDER_SERVICE
               ? services_act(&up->services, order, show, fault)
               : devices_act(&up->devices, &up->scene, order, show, fault);
}

static void describe(void *context, uint32_t nic, struct nic_details *ret_details)
{
    const struct up *up = context;
    devices_describe(&up->devices, nic, ret_details);
}

static void on_ready(void *context, const struct nst_ready *ready)
{
    (void)context;
    services_ready(ready);
}

/* The name, as it was asked for or made of the config's. */
static bool open_instance(struct up *up, struct fault *fault)
{
    const struct order *o = &up->stack_order;
    const char *name = up->options.name != NULL ? up->options.name : o->name;
    const int error = instance_open(&up->instance, name, up->file);
    const unsigned column = up->options.name == NULL ? o->at[FIELD_NAME] : 0;
    if (error == -EINVAL)
        return fault_set(fault, column,
                         "'%.64s' is no name (EINVAL): letters, digits, '.', '_' and '-', at most "
                         "63",
                         name);
    return error == 0 || fault_set(fault, column,
                                   "the name '%.64s' cannot be had (%s): another instance may "
                                   "have it: choose another",
                                   name != NULL ? name : "", attach_text_errno(-error));
}

static int make_stack(struct up *up)
{
    const struct order *o = &up->stack_order;
    struct nst_stack_config config = {
        .size = sizeof(config),
        .allocator = up->allocator,
        .memory_limit = o->memory != 0 ? o->memory : MEMORY_DEFAULT,
        .now = nst_host_now(),
        .handle_local = o->handle_local != 0,
        .weak_host = o->weak_host != 0,
    };
    int r = nst_host_seed(config.seed);
    if (r == 0 && o->at[FIELD_SEED] != 0) {
        memset(config.seed, 0, sizeof(config.seed));
        memcpy(config.seed, &o->seed, sizeof(o->seed));
        config.seed[31] = 1; /* never all zero */
    }
    if (r == 0)
        r = nst_stack_new(&config, &up->stack);
    if (r == 0)
        r = nst_loop_new(&up->loop);
    if (r == 0)
        r = nst_loop_add_stack(up->loop, up->stack, on_ready, up);
    return r;
}

/* From here on orders can be done. */
static bool begin(struct up *up, struct fault *fault)
{
    const struct order *o = &up->stack_order;
    const char *name = up->options.name != NULL ? up->options.name : o->name;
    const char *slash = strrchr(up->file, '/');
    up->is_begun = true;
    if (o->at[FIELD_MEMORY] != 0 && o->memory < MEMORY_MIN)
        return fault_set(fault, o->at[FIELD_MEMORY], "a stack needs at least 1m: allow more");
    /* First, so that the process which opens devices has no descriptor of ours. */
    int r = opener_start(&up->opener);
    if (r < 0)
        return scene_fail(fault, 0, "cannot start the process that opens devices", r);
    if (!open_instance(up, fault))
        return false;
    r = make_stack(up);
    if (r < 0)
        return scene_fail(fault, 0, "cannot make the stack", r);
    up->scene = (struct scene){.stack = up->stack, .act = act, .describe = describe, .context = up};
    up->devices = (struct devices){
        .stack = up->stack,
        .loop = up->loop,
        .allocator = up->allocator,
        .opener = &up->opener,
        .instance = name != NULL    ? name
                    : slash != NULL ? slash + 1
                                    : up->file,
        .memory = o->memory != 0 ? o->memory : MEMORY_DEFAULT,
    };
    up->services = (struct services){
        .stack = up->stack,
        .loop = up->loop,
        .scene = &up->scene,
        .instance = up->instance.name,
        .begun = nst_host_now(),
    };
    return true;
}

static bool take_stack(struct up *up, const struct order *order, struct fault *fault)
{
    if (up->is_begun)
        return fault_set(fault, 1, "the stack was made for the lines before: 'stack' stands first");
    config_add_stack(&up->stack_order, order);
    return true;
}

static bool take(void *context, const struct order *order, struct fault *fault)
{
    struct up *up = context;
    const struct show show = {.out = stdout};
    if (order->verb == ORDER_SHOW || order->verb == ORDER_GET)
        return fault_set(fault, 1, "a config shows nothing: nst %s show asks when it is up",
                         order_object_name(order->object));
    if (order->object == ORDER_STACK)
        return take_stack(up, order, fault);
    if (up->options.check) {
        up->is_begun = true;
        return true;
    }
    return (up->is_begun || begin(up, fault)) && order_act(&up->scene, order, &show, fault);
}

static bool read_config(struct up *up)
{
    struct fault fault = {0};
    unsigned line;
    size_t len;
    up->text = config_read(COMMAND, up->file, &len);
    if (up->text == NULL)
        return false;
    bool ok = config_parse(up->text, len, take, up, &line, &fault);
    if (ok && !up->is_begun && !up->options.check)
        ok = begin(up, &fault);
    if (ok)
        return true;
    if (fault.column != 0)
        fprintf(stderr, "%s:%u:%u: %s\n", up->file, line, fault.column, fault.text);
    else
        fprintf(stderr, "%s:%u: %s\n", up->file, line, fault.text);
    return false;
}

/* ---- Serving ---- */

static struct nst_loop *volatile running;

static void on_signal(int signal)
{
    (void)signal;
    if (running != NULL)
        nst_loop_stop(running);
}

static void catch_signals(struct up *up)
{
    struct sigaction action = {.sa_handler = on_signal};
    running = up->loop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void say_up(const struct up *up)
{
    unsigned nics = 0, services = 0;
    for (uint32_t id = nst_nic_next(up->stack, 0); id != 0; id = nst_nic_next(up->stack, id))
        nics++;
    for (const struct service *s = up->services.first; s != NULL; s = s->next)
        services++;
    if (!up->options.quiet)
        fprintf(stderr, "%s: %s is up: %u NICs, %u services; Ctrl-C ends it\n", COMMAND,
                up->instance.name, nics, services);
}

/* From here on it opens nothing: see up/opener.h. */
static void confine(const struct up *up)
{
    char text[CONFINE_TEXT_SIZE];
    const struct confine_options options = {.parts = CONFINE_SERVE};
    (void)confine_self(&options, text);
    if (up->options.verbose)
        fprintf(stderr, "%s: %s\n", COMMAND, text);
}

static bool serve(struct up *up)
{
    int r = instance_start(&up->instance, up->loop, commands, up);
    if (r < 0) {
        fprintf(stderr,
                "%s: cannot serve the control socket (%s): raise sysctl "
                "fs.epoll.max_user_watches\n",
                COMMAND, nst_error_name(r));
        return false;
    }
    catch_signals(up);
    confine(up);
    say_up(up);
    r = nst_loop_run(up->loop);
    if (r < 0)
        fprintf(stderr, "%s: the loop failed (%s): this is a fault of nst: please report it\n",
                COMMAND, nst_error_name(r));
    return r == 0;
}

/* N121, at the end. */
static bool check_census(const struct up *up)
{
    struct nst_census c;
    nst_stack_get_census(up->stack, &c);
    const uint64_t begun = c.received + c.built + c.cloned + c.split;
    const uint64_t ended = c.transmitted + c.queued + c.delivered + c.merged + c.dropped;
    if (begun == ended)
        return true;
    fprintf(stderr,
            "%s: %llu packets began and %llu ended: this is a fault of nst: please report it\n",
            COMMAND, (unsigned long long)begun, (unsigned long long)ended);
    return false;
}

/* From above to below. False: something is not as it must be. */
static bool tear_down(struct up *up)
{
    bool ok = true;
    instance_close(&up->instance);
    services_fini(&up->services);
    if (up->stack != NULL) {
        ok = check_census(up);
        if (up->loop != NULL)
            nst_loop_remove_stack(up->loop, up->stack);
        nst_stack_free(up->stack);
    }
    devices_fini(&up->devices);
    opener_stop(&up->opener);
    running = NULL;
    nst_loop_free(up->loop);
    free(up->text);
    if (up->live != 0)
        fprintf(stderr, "%s: %llu bytes are not back: this is a fault of nst: please report it\n",
                COMMAND, (unsigned long long)up->live);
    return ok && up->live == 0;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: nst up [OPTIONS] CONFIG|-\n");
    if (out == stdout) {
        printf("\nMakes a stack as CONFIG says, and stays until Ctrl-C. Each line of it is one "
               "of:\n\n");
        order_print_usage(-1, "  ", stdout);
        printf("\nbut for those that show; # begins a comment.\n\n");
        options_print(specs);
    }
    return out == stdout ? 0 : WRONG;
}

int command_up(int argc, char **argv)
{
    static struct up up;
    const int first = options_parse(specs, COMMAND, argc, argv, &up.options);
    if (first < 0)
        return WRONG;
    if (up.options.help)
        return usage(stdout);
    if (first + 1 != argc)
        return usage(stderr);
    up.file = argv[first];
    up.allocator = (struct nst_allocator){.alloc = allocate, .free = release, .context = &up};
    descriptors_reserve_standard();
    bool ok = read_config(&up);
    if (ok && !up.options.check)
        ok = serve(&up);
    const bool is_clean = tear_down(&up);
    return ok && is_clean ? 0 : FAILED;
}
