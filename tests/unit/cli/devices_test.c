/* SPDX-License-Identifier: Apache-2.0 */
/* What the NICs of nst up stand on, by orders alone: pipes, bridges and VLANs, which need nothing
 * of the kernel. */
#include "testing.h"

#include "alloc.h"
#include "up/devices.h"

struct rig {
    struct alloc alloc;
    struct nst_stack *stack;
    struct devices devices;
    struct scene scene;
    struct fault fault;
    char *said;
};

static bool act_on_devices(void *context, const struct order *order, const struct show *show,
                           struct fault *fault)
{
    struct rig *r = context;
    return devices_act(&r->devices, &r->scene, order, show, fault);
}

static bool act(struct rig *r, const char *text)
{
    char line[256];
    struct words words;
    struct order order;
    size_t len;
    free(r->said);
    r->said = NULL;
    const struct show show = {.out = open_memstream(&r->said, &len)};
    snprintf(line, sizeof(line), "%s", text);
    r->fault.text[0] = '\0';
    const bool ok = words_split(line, &words, &r->fault) &&
                    order_parse(&words, &order, &r->fault) &&
                    order_act(&r->scene, &order, &show, &r->fault);
    fclose(show.out);
    return ok;
}

static void done(struct rig *r, const char *text)
{
    if (!act(r, text))
        fail_msg("%s: %s", text, r->fault.text);
}

static void refused(struct rig *r, const char *text, const char *why)
{
    assert_false(act(r, text));
    if (strstr(r->fault.text, why) == NULL)
        fail_msg("%s: it says: %s", text, r->fault.text);
}

static void shows(struct rig *r, const char *text, const char *expected)
{
    assert_true(act(r, text));
    if (strstr(r->said, expected) == NULL)
        fail_msg("%s shows: %s", text, r->said);
}

/* A pipe from a to b, and a bridge br0. */
static void rig_init(struct rig *r)
{
    *r = (struct rig){0};
    alloc_init(&r->alloc);
    const struct nst_stack_config config = {
        .size = sizeof(config), .allocator = r->alloc.allocator, .now = NST_SEC, .seed = {1}};
    assert_int_equal(nst_stack_new(&config, &r->stack), 0);
    r->devices = (struct devices){
        .stack = r->stack, .allocator = r->alloc.allocator, .instance = "t", .memory = 1 << 20};
    r->scene = (struct scene){.stack = r->stack, .act = act_on_devices, .context = r};
    done(r, "nic add a type pipe peer b");
    done(r, "bridge add br0");
}

static void rig_fini(struct rig *r)
{
    nst_stack_free(r->stack);
    devices_fini(&r->devices);
    free(r->said);
    assert_int_equal(r->alloc.live_bytes, 0);
}

static struct device *device(const struct rig *r, const char *name)
{
    struct device *d = r->devices.first;
    while (d != NULL && strcmp(d->name, name) != 0)
        d = d->next;
    return d;
}

static void a_vlan_is_never_larger_than_what_it_stands_on(void **state)
{
    struct rig r;
    rig_init(&r);
    done(&r, "vlan add v link a id 5");
    done(&r, "vlan add w link v id 6");
    done(&r, "vlan add x link a id 7 mtu 1300");
    done(&r, "vlan add y link a id 8");
    done(&r, "nic set y master br0");
    done(&r, "nic set a mtu 1400");
    shows(&r, "nic show a", "mtu 1400");
    shows(&r, "nic show v", "mtu 1400");
    shows(&r, "nic show w", "mtu 1400");
    shows(&r, "nic show x", "mtu 1300");
    assert_int_equal(device(&r, "y")->top->mtu, 1400);
    refused(&r, "nic set v mtu 1500", "EINVAL");
    done(&r, "nic set a mtu 1500");
    shows(&r, "nic show v", "mtu 1400");
    rig_fini(&r);
}

static void a_nic_that_becomes_a_port_may_be_set_with_the_same_order(void **state)
{
    struct rig r;
    rig_init(&r);
    done(&r, "nic set a master br0 up");
    assert_ptr_equal(device(&r, "a")->master, device(&r, "br0"));
    done(&r, "nic set a up");
    refused(&r, "nic set a down", "is a port of br0");
    done(&r, "nic set a nomaster mtu 1400 promisc on");
    shows(&r, "nic show a", "PROMISC,UP> mtu 1400");
    done(&r, "nic set a mtu 1300 name c master br0 isolated on");
    assert_int_equal(device(&r, "c")->top->mtu, 1300);
    assert_ptr_equal(device(&r, "c")->master, device(&r, "br0"));
    done(&r, "nic set c nomaster");
    shows(&r, "nic show c", "PROMISC,UP> mtu 1300");
    rig_fini(&r);
}

/* What is refused for one of its words has done none of them. */
static void what_is_refused_is_not_half_done(void **state)
{
    struct rig r;
    rig_init(&r);
    refused(&r, "nic set a mtu 1400 master none", "there is no NIC 'none'");
    refused(&r, "nic set a mtu 1400 master b", "is no bridge");
    refused(&r, "nic set a mtu 1400 isolated on", "is no port of a bridge");
    refused(&r, "nic set a mtu 1400 name b", "EEXIST");
    refused(&r, "nic set a mtu 1400 master br0 down", "cannot be down");
    shows(&r, "nic show a", "mtu 1500");
    done(&r, "nic set b master br0");
    refused(&r, "nic set b nomaster master a", "is no bridge");
    assert_non_null(device(&r, "b")->master);
    /* A port has no NIC, and its name is taken nevertheless. */
    refused(&r, "nic set a name b", "EEXIST");
    rig_fini(&r);
}

/* Every device has a NIC or a master, and not both; it may lack them only for want of memory, and
 * gets its NIC as soon as there is some. */
static void check_devices(struct rig *r)
{
    static const char *const names[] = {"a", "b", "br0"};
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        const struct device *d = device(r, names[i]);
        if (d == NULL)
            continue;
        assert_false(d->nic != 0 && d->master != NULL);
        snprintf(text, sizeof(text), "nic set %s up", names[i]);
        done(r, text);
        assert_true(d->nic != 0 || d->master != NULL);
    }
    done(r, "nic show");
    done(r, "bridge show");
}

static void without_memory_no_device_is_left_without_its_nic(void **state)
{
    static const char *const orders[] = {
        "nic set a nomaster",        "nic set b master br0",        "bridge del br0",
        "nic set a nomaster name c", "nic set a nomaster mtu 1400", "bridge add br1 ports b",
        "vlan add v link b id 5",    "nic add c type pipe peer d",
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        bool ok = false;
        for (int64_t n = 0; !ok; n++) {
            struct rig r;
            rig_init(&r);
            done(&r, "nic set a master br0");
            alloc_fail_after(&r.alloc, n);
            ok = act(&r, orders[i]);
            if (!ok) {
                act(&r, "nic set a up");
                act(&r, "nic set b mtu 1400");
            }
            alloc_fail_after(&r.alloc, -1);
            check_devices(&r);
            rig_fini(&r);
            assert_true(n < 1000);
        }
    }
}

static void a_port_that_cannot_be_freed_stays_as_it_was(void **state)
{
    unsigned stayed = 0;
    bool ok = false;
    for (uint64_t n = 1; !ok; n++) {
        struct rig r;
        struct nst_bridge_port port = {0};
        rig_init(&r);
        done(&r, "nic set a master br0 isolated on");
        r.alloc.fail_at = r.alloc.count + n;
        ok = act(&r, "nic set a nomaster");
        if (device(&r, "a")->master != NULL) {
            nst_bridge_port_list(device(&r, "br0")->bridge, &port, 1);
            assert_true(port.isolated);
            stayed++;
        }
        rig_fini(&r);
    }
    assert_true(stayed > 0);
}

TESTS({"a VLAN is never larger than what it stands on",
       a_vlan_is_never_larger_than_what_it_stands_on},
      {"a NIC that becomes a port may be set with the same order",
       a_nic_that_becomes_a_port_may_be_set_with_the_same_order},
      {"what is refused is not half done", what_is_refused_is_not_half_done},
      {"without memory no device is left without its NIC",
       without_memory_no_device_is_left_without_its_nic},
      {"a port that cannot be freed stays as it was", a_port_that_cannot_be_freed_stays_as_it_was})
