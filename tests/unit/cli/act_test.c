/* SPDX-License-Identifier: Apache-2.0 */
/* Orders, done to a stack and shown, as text and JSON. */
#include "testing.h"

#include "alloc.h"
#include "memlink.h"
#include "order/act.h"
#include "up/services.h"

struct rig {
    struct alloc alloc;
    struct memlink link;
    struct nst_stack *stack;
    struct scene scene;
    struct fault fault;
    char *said;
    int family; /* -4, -6; 0: neither */
};

static void rig_init(struct rig *r)
{
    const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};
    const struct nst_nic_config nic = {.size = sizeof(nic), .name = "eth0", .link = &r->link.link};
    *r = (struct rig){0};
    alloc_init(&r->alloc);
    const struct nst_stack_config config = {
        .size = sizeof(config), .allocator = r->alloc.allocator, .now = NST_SEC, .seed = {1}};
    memlink_init(&r->link, &mac);
    assert_int_equal(nst_stack_new(&config, &r->stack), 0);
    assert_int_equal(nst_nic_add(r->stack, &nic, NULL), 0);
    r->scene.stack = r->stack;
}

static void rig_fini(struct rig *r)
{
    nst_stack_free(r->stack);
    memlink_fini(&r->link);
    free(r->said);
    assert_int_equal(r->alloc.live_bytes, 0);
}

/* True: it was done; what it showed is r->said. */
static bool act(struct rig *r, const char *text, bool json)
{
    char line[256];
    struct words words;
    struct order order;
    size_t len;
    free(r->said);
    r->said = NULL;
    const struct show show = {
        .out = open_memstream(&r->said, &len), .is_json = json, .family = r->family};
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
    if (!act(r, text, false))
        fail_msg("%s: %s", text, r->fault.text);
}

static void shows(struct rig *r, const char *text, bool json, const char *expected)
{
    assert_true(act(r, text, json));
    if (strstr(r->said, expected) == NULL)
        fail_msg("%s shows: %s", text, r->said);
}

static void hides(struct rig *r, const char *text, const char *gone)
{
    assert_true(act(r, text, false));
    if (strstr(r->said, gone) != NULL)
        fail_msg("%s shows: %s", text, r->said);
}

static void refused(struct rig *r, const char *text, const char *why)
{
    assert_false(act(r, text, false));
    if (strstr(r->fault.text, why) == NULL)
        fail_msg("%s: it says: %s", text, r->fault.text);
}

static void addresses_come_change_and_go(void **state)
{
    struct rig r;
    rig_init(&r);
    done(&r, "addr add 10.0.0.1/24 dev eth0");
    done(&r, "addr add fd00::1/64 dev eth0 nodad valid_lft 60 preferred_lft 30");
    shows(&r, "addr", false, "    inet 10.0.0.1/24 scope global eth0\n");
    shows(&r, "addr show eth0", false, "valid_lft 60sec preferred_lft 30sec");
    shows(&r, "addr", true, "\"local\":\"fd00::1\",\"prefixlen\":64,\"scope\":\"global\"");
    done(&r, "addr change 10.0.0.1 dev eth0 deprecated on");
    shows(&r, "addr", true, "\"deprecated\":true");
    refused(&r, "addr add 10.0.0.1/24 dev eth0", "EEXIST");
    refused(&r, "addr del 10.0.0.2 dev eth0", "EADDRNOTAVAIL");
    refused(&r, "addr add 10.0.0.9/24 dev eth1", "there is no NIC 'eth1'");
    done(&r, "addr del 10.0.0.1/24 dev eth0");
    done(&r, "addr flush dev eth0");
    struct nst_nic_addr left;
    assert_int_equal(nst_nic_addr_list(r.stack, 1, &left, 1), 0);
    rig_fini(&r);
}

/* What was not said stays, however many addresses there are before it. */
static void the_hundredth_address_is_changed(void **state)
{
    struct rig r;
    rig_init(&r);
    for (int i = 1; i <= 100; i++) {
        char text[96];
        snprintf(text, sizeof(text), "addr add 10.0.0.%d/24 dev eth0 valid_lft 60 preferred_lft 30",
                 i);
        done(&r, text);
    }
    done(&r, "addr change 10.0.0.100 dev eth0 preferred_lft 20");
    shows(&r, "addr", false, "valid_lft 60sec preferred_lft 20sec");
    hides(&r, "addr", "forever");
    rig_fini(&r);
}

static void routes_come_and_go(void **state)
{
    struct rig r;
    rig_init(&r);
    done(&r, "addr add 10.0.0.1/24 dev eth0");
    done(&r, "route add default via 10.0.0.9 metric 7 mtu 1400");
    shows(&r, "route", false, "default via 10.0.0.9 dev eth0 metric 7 mtu 1400\n");
    shows(&r, "route", true, "\"dst\":\"default\",\"family\":\"inet\",\"gateway\":\"10.0.0.9\"");
    shows(&r, "route get 192.0.2.1", false, "default via 10.0.0.9 dev eth0");
    done(&r, "route add 192.0.2.0/24 dev eth0");
    done(&r, "route del 192.0.2.0/24");
    refused(&r, "route del 192.0.2.0/24", "ENOENT");
    refused(&r, "route add 192.0.2.0/24", "needs a gateway or a NIC");
    done(&r, "route add 192.0.2.0/24 dev eth0 src 10.0.0.1 mtu 1400");
    refused(&r, "route del 192.0.2.0/24 src 10.0.0.2", "ENOENT");
    refused(&r, "route del 192.0.2.0/24 mtu 1300", "ENOENT");
    done(&r, "route del 192.0.2.0/24 src 10.0.0.1 mtu 1400");
    done(&r, "route flush dev eth0");
    refused(&r, "route get 10.0.0.5", "ENETUNREACH");
    rig_fini(&r);
}

/* Orders of -4 and -6. */
static bool act_of(struct rig *r, int family, const char *text)
{
    r->family = family;
    const bool ok = act(r, text, false);
    r->family = 0;
    return ok;
}

static void done_of(struct rig *r, int family, const char *text)
{
    if (!act_of(r, family, text))
        fail_msg("-%d %s: %s", family, text, r->fault.text);
}

static void a_flush_takes_the_family_that_was_asked_for(void **state)
{
    struct rig r;
    rig_init(&r);
    done(&r, "addr add 10.0.0.1/24 dev eth0");
    done(&r, "addr add fd00::1/64 dev eth0 nodad");
    done(&r, "route add 192.0.2.0/24 dev eth0");
    done(&r, "route add 2001:db8::/32 dev eth0");
    done_of(&r, 6, "route flush dev eth0");
    hides(&r, "route", "2001:db8::/32");
    shows(&r, "route", false, "192.0.2.0/24 dev eth0");
    done_of(&r, 4, "route flush dev eth0");
    hides(&r, "route", "192.0.2.0/24");
    done_of(&r, 4, "addr flush dev eth0");
    hides(&r, "addr", "10.0.0.1");
    shows(&r, "addr", false, "inet6 fd00::1/64");
    done(&r, "addr add 10.0.0.1/24 dev eth0");
    done_of(&r, 6, "addr flush dev eth0");
    hides(&r, "addr", "fd00::1");
    shows(&r, "addr", false, "inet 10.0.0.1/24");
    rig_fini(&r);
}

static void default_is_of_the_family_that_was_asked_for(void **state)
{
    struct rig r;
    rig_init(&r);
    done_of(&r, 6, "route add default dev eth0");
    shows(&r, "route", true, "\"dst\":\"default\",\"family\":\"inet6\"");
    refused(&r, "route get 192.0.2.1", "ENETUNREACH");
    refused(&r, "route del default", "ENOENT");
    done_of(&r, 6, "route del default dev eth0");
    done_of(&r, 4, "route add default dev eth0");
    shows(&r, "route get 192.0.2.1", false, "default dev eth0");
    assert_false(act_of(&r, 6, "route del 0.0.0.0/0 via 10.0.0.9"));
    assert_non_null(strstr(r.fault.text, "-6"));
    assert_false(act_of(&r, 6, "addr add 10.0.0.1/24 dev eth0"));
    assert_false(act_of(&r, 4, "route add ::/0 dev eth0"));
    assert_false(act_of(&r, 4, "addr add fd00::1/64 dev eth0"));
    assert_non_null(strstr(r.fault.text, "-4"));
    rig_fini(&r);
}

static void neighbours_come_and_go(void **state)
{
    struct rig r;
    rig_init(&r);
    done(&r, "neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0");
    shows(&r, "neigh", false, "10.0.0.9 dev eth0 lladdr 02:00:00:00:00:09 PERMANENT\n");
    shows(&r, "neigh", true, "\"lladdr\":\"02:00:00:00:00:09\",\"state\":[\"PERMANENT\"]");
    done(&r, "neigh flush dev eth0");
    shows(&r, "neigh", false, "PERMANENT");
    done(&r, "neigh del 10.0.0.9 dev eth0");
    refused(&r, "neigh del 10.0.0.9 dev eth0", "ENOENT");
    done(&r, "neigh set dev eth0 base_reachable 10 ucast_probes 7");
    struct nst_neigh_config c = {.size = sizeof(c)};
    assert_int_equal(nst_neigh_get_config(r.stack, 1, NST_ETHERTYPE_IPV4, &c), 0);
    assert_true(c.base_reachable == 10 * NST_SEC && c.unicast_probes == 7);
    assert_true(c.retransmit == NST_SEC);
    rig_fini(&r);
}

static void counters_are_shown_by_name(void **state)
{
    struct rig r;
    rig_init(&r);
    shows(&r, "stats eth0", false, "NIC statistics:\n     rx_packets: 0\n");
    shows(&r, "stats", false, "Stack statistics:\n");
    shows(&r, "stats eth0", true, "[{\"ifname\":\"eth0\",\"rx_packets\":0,");
    refused(&r, "stats eth9", "there is no NIC 'eth9' (ENOENT)");
    rig_fini(&r);
}

static void what_is_fixed_is_only_shown(void **state)
{
    struct rig r;
    rig_init(&r);
    r.scene.fixed = "not here";
    refused(&r, "addr add 10.0.0.1/24 dev eth0", "not here");
    refused(&r, "nic set eth0 down", "not here");
    shows(&r, "nic", false, "1: eth0: <BROADCAST,MULTICAST,UP> mtu 1500 state UP\n");
    refused(&r, "bridge", "has no bridges of its own");
    rig_fini(&r);
}

/* The page, and every length of a request. */
static void the_page_answers_whole_requests(void **state)
{
    static const char request[] = "GET /addr.json?x HTTP/1.1\r\nHost: a\r\n\r\n";
    struct rig r;
    rig_init(&r);
    const struct services services = {.scene = &r.scene, .instance = "a<b"};
    size_t len;
    for (size_t n = 0; n < sizeof(request); n++) {
        char *cut = malloc(n + 1);
        memcpy(cut, request, n);
        assert_int_equal(http_is_whole(cut, n), n >= sizeof(request) - 1);
        char *answer = http_answer(&services, cut, n, &len);
        assert_non_null(answer);
        free(answer);
        free(cut);
    }
    char *answer = http_answer(&services, request, sizeof(request) - 1, &len);
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", 49);
    free(answer);
    answer = http_answer(&services, "PUT / HTTP/1.1\r\n\r\n", 18, &len);
    assert_memory_equal(answer, "HTTP/1.1 405 ", 13);
    free(answer);
    answer = http_answer(&services, "GET /nothing HTTP/1.1\r\n\r\n", 25, &len);
    assert_memory_equal(answer, "HTTP/1.1 404 ", 13);
    free(answer);
    answer = http_answer(&services, "HEAD /stats.json HTTP/1.1\r\n\r\n", 29, &len);
    assert_memory_equal(answer + len - 4, "\r\n\r\n", 4);
    free(answer);
    rig_fini(&r);
}

static void chargen_shifts_each_line(void **state)
{
    char text[(size_t)2 * CHARGEN_LINE * 95], part[10];
    chargen_fill(text, sizeof(text), 0);
    assert_memory_equal(text, " !\"#", 4);
    assert_memory_equal(text + CHARGEN_LINE - 2, "\r\n!\"#", 5);
    assert_memory_equal(text, text + sizeof(text) / 2, sizeof(text) / 2);
    chargen_fill(part, sizeof(part), 70);
    assert_memory_equal(part, text + 70, sizeof(part));
}

TESTS({"addresses come, change and go", addresses_come_change_and_go},
      {"the hundredth address is changed", the_hundredth_address_is_changed},
      {"routes come and go", routes_come_and_go},
      {"a flush takes the family that was asked for", a_flush_takes_the_family_that_was_asked_for},
      {"default is of the family that was asked for", default_is_of_the_family_that_was_asked_for},
      {"neighbours come and go, and their settings", neighbours_come_and_go},
      {"counters are shown by name", counters_are_shown_by_name},
      {"what is fixed is only shown", what_is_fixed_is_only_shown},
      {"the page answers requests that are whole", the_page_answers_whole_requests},
      {"chargen is a line of 72, a character on each time", chargen_shifts_each_line})
