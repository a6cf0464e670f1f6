/* SPDX-License-Identifier: Apache-2.0 */
/* Words to orders, by a table of what may stand where: see order.h. */
#include "order/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/units.h"

#define SECONDS_MAX UINT32_MAX

enum kind {
    KIND_TEXT,    /* const char * */
    KIND_NIC,     /* const char *: a name of at most 15 bytes */
    KIND_LIST,    /* names, to the next word that the form knows */
    KIND_NUMBER,  /* uint32_t, min to max */
    KIND_CHOICE,  /* uint32_t: which of the choices */
    KIND_SIZE,    /* uint64_t, bytes */
    KIND_SEED,    /* uint64_t */
    KIND_TIME,    /* nst_time; a bare number is seconds */
    KIND_LIFE,    /* nst_time; or "forever" */
    KIND_ADDRESS, /* struct nst_addr */
    KIND_PREFIX,  /* order.addr and order.prefix_len */
    KIND_MAC,     /* struct nst_mac */
    KIND_FLAG,    /* nothing follows it */
};

struct field {
    enum order_field id;
    const char *word; /* NULL: it needs none, and stands first */
    enum kind kind;
    bool required;
    size_t offset; /* in struct order */
    uint32_t min, max;
    const char *const *choices; /* NULL ends them */
};

struct form {
    enum order_object object;
    enum order_verb verb;
    const struct field *fields; /* kind and id of the last one are 0 and FIELD_COUNT */
    const char *usage;
};

#define AT(member) offsetof(struct order, member)
#define END                                                \
    {                                                      \
        FIELD_COUNT, NULL, KIND_FLAG, false, 0, 0, 0, NULL \
    }

static const char *const on_off[] = {"off", "on", NULL};
static const char *const types[] = {"tap", "tun", "packet", "pipe", "loopback", NULL};
static const char *const services[] = {"echo", "discard", "chargen", "http", NULL};
static const char *const protos[] = {"tcp", "udp", NULL};
static const char *const places[] = {"last", "first", "never", NULL};
static const char *const link_locals[] = {"none", "eui64", "opaque", NULL};
static const char *const nuds[] = {"permanent", NULL};
static const char *const nuds_to_flush[] = {"all", NULL};

#define NAME                                                   \
    {                                                          \
        FIELD_NAME, NULL, KIND_NIC, true, AT(name), 0, 0, NULL \
    }
#define NAME_OR_ALL                                             \
    {                                                           \
        FIELD_NAME, NULL, KIND_NIC, false, AT(name), 0, 0, NULL \
    }
#define DEV                                                   \
    {                                                         \
        FIELD_DEV, "dev", KIND_NIC, true, AT(dev), 0, 0, NULL \
    }
#define DEV_OR_ANY                                             \
    {                                                          \
        FIELD_DEV, "dev", KIND_NIC, false, AT(dev), 0, 0, NULL \
    }
#define MTU                                                            \
    {                                                                  \
        FIELD_MTU, "mtu", KIND_NUMBER, false, AT(mtu), 68, 65535, NULL \
    }
#define MAC                                                        \
    {                                                              \
        FIELD_MAC, "address", KIND_MAC, false, AT(mac), 0, 0, NULL \
    }
#define SWITCH(id, word, member)                               \
    {                                                          \
        id, word, KIND_CHOICE, false, AT(member), 0, 0, on_off \
    }
#define MODES                                                                       \
    SWITCH(FIELD_PROMISC, "promisc", promisc), SWITCH(FIELD_SPOOF, "spoof", spoof), \
        {FIELD_UP, "up", KIND_FLAG, false, 0, 0, 0, NULL},                          \
    {                                                                               \
        FIELD_DOWN, "down", KIND_FLAG, false, 0, 0, 0, NULL                         \
    }
#define LINK_LOCAL                                                                            \
    {                                                                                         \
        FIELD_LINK_LOCAL, "link-local", KIND_CHOICE, false, AT(link_local), 0, 0, link_locals \
    }
#define LIFETIMES                                                                     \
    {FIELD_VALID, "valid_lft", KIND_LIFE, false, AT(valid), 0, 0, NULL},              \
    {                                                                                 \
        FIELD_PREFERRED, "preferred_lft", KIND_LIFE, false, AT(preferred), 0, 0, NULL \
    }
#define PREFIX                                                      \
    {                                                               \
        FIELD_PREFIX, NULL, KIND_PREFIX, true, AT(addr), 0, 0, NULL \
    }

static const struct field stack_set[] = {
    {FIELD_NAME, "name", KIND_TEXT, false, AT(name), 0, 0, NULL},
    {FIELD_MEMORY, "memory", KIND_SIZE, false, AT(memory), 0, 0, NULL},
    SWITCH(FIELD_WEAK_HOST, "weak-host", weak_host),
    SWITCH(FIELD_HANDLE_LOCAL, "handle-local", handle_local),
    {FIELD_SEED, "seed", KIND_SEED, false, AT(seed), 0, 0, NULL},
    END,
};

static const struct field nic_add[] = {
    NAME,
    {FIELD_TYPE, "type", KIND_CHOICE, false, AT(type), 0, 0, types},
    {FIELD_IFNAME, "dev", KIND_NIC, false, AT(ifname), 0, 0, NULL},
    {FIELD_PEER, "peer", KIND_NIC, false, AT(peer), 0, 0, NULL},
    MTU,
    MAC,
    MODES,
    LINK_LOCAL,
    END,
};

static const struct field nic_set[] = {
    NAME,
    MTU,
    MAC,
    MODES,
    SWITCH(FIELD_FORWARDING, "forwarding", forwarding),
    {FIELD_NEW_NAME, "name", KIND_NIC, false, AT(new_name), 0, 0, NULL},
    {FIELD_MASTER, "master", KIND_NIC, false, AT(master), 0, 0, NULL},
    {FIELD_NOMASTER, "nomaster", KIND_FLAG, false, 0, 0, 0, NULL},
    SWITCH(FIELD_ISOLATED, "isolated", isolated),
    END,
};

static const struct field bridge_add[] = {
    NAME,
    {FIELD_PORTS, "ports", KIND_LIST, false, 0, 0, 0, NULL},
    MTU,
    MAC,
    {FIELD_AGEING, "ageing", KIND_TIME, false, AT(ageing), 0, 0, NULL},
    MODES,
    LINK_LOCAL,
    END,
};

static const struct field vlan_add[] = {
    NAME,
    {FIELD_LINK, "link", KIND_NIC, true, AT(link), 0, 0, NULL},
    {FIELD_ID, "id", KIND_NUMBER, true, AT(id), 1, 4094, NULL},
    {FIELD_PCP, "pcp", KIND_NUMBER, false, AT(pcp), 0, 7, NULL},
    MTU,
    MAC,
    MODES,
    LINK_LOCAL,
    END,
};

static const struct field addr_add[] = {
    PREFIX,
    DEV,
    {FIELD_PLACE, "place", KIND_CHOICE, false, AT(place), 0, 0, places},
    LIFETIMES,
    {FIELD_NO_DAD, "nodad", KIND_FLAG, false, 0, 0, 0, NULL},
    END,
};

static const struct field addr_change[] = {
    PREFIX,
    DEV,
    {FIELD_PLACE, "place", KIND_CHOICE, false, AT(place), 0, 0, places},
    LIFETIMES,
    SWITCH(FIELD_DEPRECATED, "deprecated", deprecated),
    END,
};

static const struct field route_add[] = {
    PREFIX,
    {FIELD_VIA, "via", KIND_ADDRESS, false, AT(via), 0, 0, NULL},
    DEV_OR_ANY,
    {FIELD_SRC, "src", KIND_ADDRESS, false, AT(src), 0, 0, NULL},
    {FIELD_METRIC, "metric", KIND_NUMBER, false, AT(metric), 0, UINT32_MAX, NULL},
    MTU,
    END,
};

static const struct field neigh_add[] = {
    PREFIX, {FIELD_MAC, "lladdr", KIND_MAC, true, AT(mac), 0, 0, NULL},
    DEV,    {FIELD_NUD, "nud", KIND_CHOICE, false, AT(nud), 0, 0, nuds},
    END,
};

static const struct field neigh_flush[] = {
    DEV,
    {FIELD_NUD, "nud", KIND_CHOICE, false, AT(nud), 0, 0, nuds_to_flush},
    END,
};

/* As ip ntable names them. */
static const struct field neigh_set[] = {
    DEV,
    {FIELD_BASE_REACHABLE, "base_reachable", KIND_TIME, false, AT(base_reachable), 0, 0, NULL},
    {FIELD_RETRANS, "retrans", KIND_TIME, false, AT(retrans), 0, 0, NULL},
    {FIELD_DELAY_PROBE, "delay_probe", KIND_TIME, false, AT(delay_probe), 0, 0, NULL},
    {FIELD_UCAST_PROBES, "ucast_probes", KIND_NUMBER, false, AT(ucast_probes), 1, 255, NULL},
    {FIELD_MCAST_PROBES, "mcast_probes", KIND_NUMBER, false, AT(mcast_probes), 1, 255, NULL},
    {FIELD_DYNAMIC_MAX, "dynamic_max", KIND_NUMBER, false, AT(dynamic_max), 1, 1048576, NULL},
    END,
};

static const struct field service_add[] = {
    {FIELD_NAME, NULL, KIND_CHOICE, true, AT(service), 0, 0, services},
    {FIELD_PORT, NULL, KIND_NUMBER, false, AT(port), 1, 65535, NULL},
    {FIELD_PROTO, "proto", KIND_CHOICE, false, AT(proto), 0, 0, protos},
    DEV_OR_ANY,
    END,
};

static const struct field name_only[] = {NAME, END};
static const struct field name_or_all[] = {NAME_OR_ALL, DEV_OR_ANY, END};
static const struct field prefix_and_dev[] = {PREFIX, DEV, END};
static const struct field prefix_only[] = {PREFIX, END};
static const struct field dev_only[] = {DEV, END};

static const struct form forms[] = {
    {ORDER_STACK, ORDER_SET, stack_set,
     "stack [name NAME] [memory SIZE] [weak-host on|off] [handle-local on|off] [seed N]"},
    {ORDER_NIC, ORDER_SHOW, name_or_all, "nic [show] [NIC]"},
    {ORDER_NIC, ORDER_ADD, nic_add,
     "nic add NIC [type tap|tun|packet|pipe|loopback] [dev INTERFACE] [peer NIC] [mtu N] [address "
     "MAC] [promisc on|off] [spoof on|off] [link-local none|eui64|opaque] [up|down]"},
    {ORDER_NIC, ORDER_DEL, name_only, "nic del NIC"},
    {ORDER_NIC, ORDER_SET, nic_set,
     "nic set NIC [up|down] [mtu N] [address MAC] [name NAME] [promisc on|off] [spoof on|off] "
     "[forwarding on|off] [master BRIDGE|nomaster] [isolated on|off]"},
    {ORDER_BRIDGE, ORDER_SHOW, name_or_all, "bridge [show] [BRIDGE]"},
    {ORDER_BRIDGE, ORDER_ADD, bridge_add,
     "bridge add BRIDGE [ports NIC...] [mtu N] [address MAC] [ageing TIME] [promisc on|off] [spoof "
     "on|off] [link-local none|eui64|opaque] [up|down]"},
    {ORDER_BRIDGE, ORDER_DEL, name_only, "bridge del BRIDGE"},
    {ORDER_VLAN, ORDER_SHOW, name_or_all, "vlan [show] [VLAN]"},
    {ORDER_VLAN, ORDER_ADD, vlan_add,
     "vlan add VLAN link NIC id 1...4094 [pcp 0...7] [mtu N] [address MAC] [promisc on|off] [spoof "
     "on|off] [link-local none|eui64|opaque] [up|down]"},
    {ORDER_VLAN, ORDER_DEL, name_only, "vlan del VLAN"},
    {ORDER_ADDR, ORDER_SHOW, name_or_all, "addr [show] [NIC]"},
    {ORDER_ADDR, ORDER_ADD, addr_add,
     "addr add ADDRESS/LENGTH dev NIC [place last|first|never] [valid_lft TIME|forever] "
     "[preferred_lft TIME|forever] [nodad]"},
    {ORDER_ADDR, ORDER_CHANGE, addr_change,
     "addr change ADDRESS dev NIC [place last|first|never] [valid_lft TIME|forever] [preferred_lft "
     "TIME|forever] [deprecated on|off]"},
    {ORDER_ADDR, ORDER_DEL, prefix_and_dev, "addr del ADDRESS[/LENGTH] dev NIC"},
    {ORDER_ADDR, ORDER_FLUSH, dev_only, "addr flush dev NIC"},
    {ORDER_ROUTE, ORDER_SHOW, name_or_all, "route [show] [NIC]"},
    {ORDER_ROUTE, ORDER_GET, prefix_only, "route get ADDRESS"},
    {ORDER_ROUTE, ORDER_ADD, route_add,
     "route add default|PREFIX/LENGTH [via ADDRESS] [dev NIC] [src ADDRESS] [metric N] [mtu N]"},
    {ORDER_ROUTE, ORDER_DEL, route_add,
     "route del default|PREFIX/LENGTH [via ADDRESS] [dev NIC] [src ADDRESS] [metric N] [mtu N]"},
    {ORDER_ROUTE, ORDER_FLUSH, dev_only, "route flush dev NIC"},
    {ORDER_NEIGH, ORDER_SHOW, name_or_all, "neigh [show] [NIC]"},
    {ORDER_NEIGH, ORDER_ADD, neigh_add, "neigh add ADDRESS lladdr MAC dev NIC"},
    {ORDER_NEIGH, ORDER_DEL, prefix_and_dev, "neigh del ADDRESS dev NIC"},
    {ORDER_NEIGH, ORDER_FLUSH, neigh_flush, "neigh flush dev NIC [nud all]"},
    {ORDER_NEIGH, ORDER_SET, neigh_set,
     "neigh set dev NIC [base_reachable TIME] [retrans TIME] [delay_probe TIME] [ucast_probes N] "
     "[mcast_probes N] [dynamic_max N]"},
    {ORDER_STATS, ORDER_SHOW, name_or_all, "stats [show] [NIC]"},
    {ORDER_SERVICE, ORDER_SHOW, name_or_all, "service [show]"},
    {ORDER_SERVICE, ORDER_ADD, service_add,
     "service add echo|discard|chargen|http [PORT] [proto tcp|udp] [dev NIC]"},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

/* ---- Words ---- */

struct alias {
    const char *word;
    int value;
};

static int look_up(const struct alias *aliases, const char *word)
{
    for (; aliases->word != NULL; aliases++)
        if (strcmp(aliases->word, word) == 0)
            return aliases->value;
    return -1;
}

static const struct alias objects[] = {
    {"stack", ORDER_STACK}, {"nic", ORDER_NIC},         {"link", ORDER_NIC},
    {"l", ORDER_NIC},       {"bridge", ORDER_BRIDGE},   {"vlan", ORDER_VLAN},
    {"addr", ORDER_ADDR},   {"address", ORDER_ADDR},    {"a", ORDER_ADDR},
    {"route", ORDER_ROUTE}, {"r", ORDER_ROUTE},         {"neigh", ORDER_NEIGH},
    {"n", ORDER_NEIGH},     {"neighbour", ORDER_NEIGH}, {"neighbor", ORDER_NEIGH},
    {"stats", ORDER_STATS}, {"service", ORDER_SERVICE}, {NULL, 0},
};

static const struct alias verbs[] = {
    {"show", ORDER_SHOW}, {"list", ORDER_SHOW},     {"ls", ORDER_SHOW}, {"add", ORDER_ADD},
    {"del", ORDER_DEL},   {"delete", ORDER_DEL},    {"set", ORDER_SET}, {"flush", ORDER_FLUSH},
    {"get", ORDER_GET},   {"change", ORDER_CHANGE}, {NULL, 0},
};

int order_object_of(const char *word)
{
    return look_up(objects, word);
}

const char *order_object_name(enum order_object object)
{
    static const char *const names[] = {
        [ORDER_STACK] = "stack", [ORDER_NIC] = "nic",     [ORDER_BRIDGE] = "bridge",
        [ORDER_VLAN] = "vlan",   [ORDER_ADDR] = "addr",   [ORDER_ROUTE] = "route",
        [ORDER_NEIGH] = "neigh", [ORDER_STATS] = "stats", [ORDER_SERVICE] = "service",
    };
    return names[object];
}

const char *order_type_name(enum order_type type)
{
    return types[type];
}

const char *order_service_name(enum order_service service)
{
    return services[service];
}

static const struct form *find_form(enum order_object object, enum order_verb verb)
{
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].object == object && forms[i].verb == verb)
            return &forms[i];
    return NULL;
}

/* ---- Values ---- */

static bool store_number(const struct field *f, const struct word *word, void *to,
                         struct fault *fault)
{
    uint64_t n;
    if (!order_parse_number(word->text, f->max, &n) || n < f->min)
        return fault_set(fault, word->column, "'%.64s' is no number from %u to %u: write one",
                         word->text, f->min, f->max);
    *(uint32_t *)to = (uint32_t)n;
    return true;
}

static bool store_choice(const struct field *f, const struct word *word, void *to,
                         struct fault *fault)
{
    char all[96] = "";
    for (uint32_t i = 0; f->choices[i] != NULL; i++) {
        if (strcmp(f->choices[i], word->text) == 0) {
            *(uint32_t *)to = i;
            return true;
        }
        const size_t len = strlen(all);
        snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "", f->choices[i]);
    }
    return fault_set(fault, word->column, "'%.64s' is none of: %s", word->text, all);
}

static bool store_name(const struct word *word, void *to, struct fault *fault)
{
    const size_t len = strlen(word->text);
    if (len == 0 || len >= NST_NIC_NAME_MAX || strpbrk(word->text, "/ :\"\\") != NULL)
        return fault_set(fault, word->column,
                         "'%.64s' is no name of a NIC: at most %d bytes, without blanks, slashes, "
                         "colons and quotes",
                         word->text, NST_NIC_NAME_MAX - 1);
    *(const char **)to = word->text;
    return true;
}

static bool store_time(const struct field *f, const struct word *word, void *to,
                       struct fault *fault)
{
    uint64_t seconds;
    if (f->kind == KIND_LIFE && strcmp(word->text, "forever") == 0) {
        *(nst_time *)to = NST_TIME_NEVER;
        return true;
    }
    if (order_parse_number(word->text, SECONDS_MAX, &seconds)) {
        *(nst_time *)to = (nst_time)seconds * NST_SEC;
        return true;
    }
    return units_parse_time(word->text, to) ||
           fault_set(fault, word->column, "'%.64s' is no time: write seconds, or such as 300s",
                     word->text);
}

static bool store_address(const struct word *word, struct nst_addr *to, struct fault *fault)
{
    return nst_addr_parse(word->text, to) == 0 ||
           fault_set(fault, word->column,
                     "'%.64s' is no address: write such as 10.0.0.1 or fd00::1", word->text);
}

static bool store_wide(const struct field *f, const struct word *word, void *to,
                       struct fault *fault)
{
    if (f->kind == KIND_SIZE)
        return units_parse_size(word->text, to) ||
               fault_set(fault, word->column, "'%.64s' is no size: write such as 64m", word->text);
    return order_parse_number(word->text, UINT64_MAX, to) ||
           fault_set(fault, word->column, "'%.64s' is no number: write such as 7", word->text);
}

static bool store(const struct field *f, const struct word *word, struct order *order,
                  struct fault *fault)
{
    void *to = (char *)order + f->offset;
    switch (f->kind) {
    case KIND_TEXT:
        *(const char **)to = word->text;
        return true;
    case KIND_NIC:
        return store_name(word, to, fault);
    case KIND_NUMBER:
        return store_number(f, word, to, fault);
    case KIND_CHOICE:
        return store_choice(f, word, to, fault);
    case KIND_SIZE:
    case KIND_SEED:
        return store_wide(f, word, to, fault);
    case KIND_TIME:
    case KIND_LIFE:
        return store_time(f, word, to, fault);
    case KIND_ADDRESS:
        return store_address(word, to, fault);
    case KIND_PREFIX:
        return order_parse_prefix(word->text, &order->addr, &order->prefix_len) ||
               fault_set(fault, word->column,
                         "'%.64s' is no ADDRESS/LENGTH: write such as 10.0.0.1/24 or fd00::1/64",
                         word->text);
    case KIND_MAC:
        return order_parse_mac(word->text, to) ||
               fault_set(fault, word->column,
                         "'%.64s' is no link address: write such as 02:00:00:00:00:01", word->text);
    case KIND_LIST:
    case KIND_FLAG:
        break;
    }
    return true;
}

/* ---- A form ---- */

struct parse {
    const struct words *words;
    unsigned next;
    const struct form *form;
    struct order *order;
    struct fault *fault;
};

static const struct field *find_field(const struct form *form, const char *word)
{
    for (const struct field *f = form->fields; f->id != FIELD_COUNT; f++)
        if (f->word != NULL && strcmp(f->word, word) == 0)
            return f;
    return NULL;
}

/* Names up to the next word of the form. */
static bool take_list(struct parse *p)
{
    struct order *order = p->order;
    while (p->next < p->words->count) {
        const struct word *word = &p->words->word[p->next];
        if (find_field(p->form, word->text) != NULL)
            break;
        if (order->port_count == ORDER_PORTS_MAX)
            return fault_set(p->fault, word->column, "more than %d ports", ORDER_PORTS_MAX);
        order->port_column[order->port_count] = word->column;
        if (!store_name(word, &order->ports[order->port_count], p->fault))
            return false;
        order->port_count++;
        p->next++;
    }
    return order->port_count > 0 || fault_set(p->fault, p->words->word[p->next - 1].column,
                                              "'ports' needs names of NICs behind it");
}

/* The value of a field, whose word was taken. */
static bool take_value(struct parse *p, const struct field *f, unsigned column)
{
    if (p->order->at[f->id] != 0)
        return fault_set(p->fault, column, "'%s' was said already: say it once",
                         f->word != NULL ? f->word : "this");
    p->order->at[f->id] = column;
    if (f->kind == KIND_FLAG)
        return true;
    if (f->kind == KIND_LIST)
        return take_list(p);
    if (p->next == p->words->count)
        return fault_set(p->fault, column, "'%s' needs a word behind it: %s", f->word,
                         p->form->usage);
    const struct word *value = &p->words->word[p->next++];
    p->order->at[f->id] = value->column;
    return store(f, value, p->order, p->fault);
}

/* What needs no word, and stands first. */
static bool take_positional(struct parse *p)
{
    for (const struct field *f = p->form->fields; f->id != FIELD_COUNT; f++) {
        if (f->word != NULL)
            continue;
        const bool is_there = p->next < p->words->count;
        const struct word *word = is_there ? &p->words->word[p->next] : NULL;
        if (word == NULL || find_field(p->form, word->text) != NULL) {
            if (!f->required)
                continue;
            return fault_set(p->fault, word != NULL ? word->column : 0, "something is missing: %s",
                             p->form->usage);
        }
        if (!take_value(p, f, word->column))
            return false;
    }
    return true;
}

static bool check_required(const struct parse *p)
{
    for (const struct field *f = p->form->fields; f->id != FIELD_COUNT; f++)
        if (f->required && p->order->at[f->id] == 0)
            return fault_set(p->fault, 0, "'%s' is missing: %s", f->word, p->form->usage);
    if (p->order->at[FIELD_UP] != 0 && p->order->at[FIELD_DOWN] != 0)
        return fault_set(p->fault, p->order->at[FIELD_DOWN], "either up or down, not both");
    return true;
}

/* The verb, if there is one: else what the object means without. */
static bool take_verb(struct parse *p, enum order_object object)
{
    const struct word *word = p->next < p->words->count ? &p->words->word[p->next] : NULL;
    const int verb = word != NULL ? look_up(verbs, word->text) : -1;
    enum order_verb meant = ORDER_SHOW;
    if (verb >= 0)
        meant = (enum order_verb)verb;
    else if (object == ORDER_STACK)
        meant = ORDER_SET;
    else if (object == ORDER_SERVICE && word != NULL)
        meant = ORDER_ADD;
    p->next += verb >= 0;
    p->form = find_form(object, meant);
    p->order->object = object;
    p->order->verb = meant;
    return p->form != NULL ||
           fault_set(p->fault, word != NULL ? word->column : 0, "'%s' has no '%.32s'",
                     order_object_name(object), word != NULL ? word->text : "show");
}

bool order_parse(const struct words *words, struct order *ret_order, struct fault *fault)
{
    const struct word *first = &words->word[0];
    const int object = words->count > 0 ? order_object_of(first->text) : -1;
    *ret_order = (struct order){0};
    if (object < 0)
        return fault_set(fault, words->count > 0 ? first->column : 0,
                         "'%.64s' is none of: stack, nic, bridge, vlan, addr, route, neigh, stats, "
                         "service",
                         words->count > 0 ? first->text : "");
    struct parse p = {.words = words, .next = 1, .order = ret_order, .fault = fault};
    if (!take_verb(&p, (enum order_object)object) || !take_positional(&p))
        return false;
    while (p.next < words->count) {
        const struct word *word = &words->word[p.next];
        const struct field *f = find_field(p.form, word->text);
        if (f == NULL)
            return fault_set(fault, word->column, "'%.64s' is not known here: %s", word->text,
                             p.form->usage);
        p.next++;
        if (!take_value(&p, f, word->column))
            return false;
    }
    return check_required(&p);
}

void order_print_usage(int object, const char *before, FILE *out)
{
    for (size_t i = 0; i < FORMS; i++)
        if (object < 0 || forms[i].object == (enum order_object)object)
            fprintf(out, "%s%s\n", before, forms[i].usage);
}
