/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sequences of API calls, frames and time, seeded, on a stack with three NICs. After each
 * step the invariants of the theory of operation hold:
 *
 *  1. what the events said, played back, is what listing says: NICs with their names, MTUs, link
 *     addresses and modes, addresses with their states (nic.c);
 *  2. an endpoint exists exactly where the MTU is enough for its protocol (nic.c);
 *  3. the main address is the first assigned primary one that is not deprecated, else the first
 *     deprecated one (N64); the primary list is the list without the never-primary ones, and IPv4
 *     comes first (N67);
 *  4. what nst_path_lookup finds leaves by an enabled NIC, from an assigned address of that NIC, or
 *     a spoofed one (N62);
 *  5. a disabled NIC has no neighbours (N7) and nothing queued;
 *  6. the packet census balances (N121), and in the end all memory is back.
 *
 * A failure prints the seed; NIC_SEED=N runs that one alone.
 */
#include "testing.h"

#include "nicbox.h"
#include "random.h"
#include "world.h"

#define SEEDS 40
#define STEPS 250

static struct nicbox b;
static uint64_t random_state;
static const uint16_t ethertypes[2] = {NST_ETHERTYPE_IPV4, NST_ETHERTYPE_IPV6};

static uint32_t pick(uint32_t n)
{
    return (uint32_t)(random_next(&random_state) >> 33) % n;
}

/* ---- What the events said ---- */

#define ADDRS_MAX 64

struct mirror_addr {
    struct nst_addr addr;
    uint8_t prefix_len, state;
    bool deprecated;
};

struct mirror_nic {
    bool exists, enabled;
    char name[NST_NIC_NAME_MAX];
    uint32_t mtu; /* 0: no event said */
    struct nst_mac mac;
    struct mirror_addr addrs[ADDRS_MAX];
    int count;
};

static struct mirror_nic mirror[NICBOX_NICS + 1];

static struct mirror_addr *find(struct mirror_nic *m, const struct nst_addr *addr)
{
    for (int i = 0; i < m->count; i++) {
        if (nst_addr_equal(&m->addrs[i].addr, addr))
            return &m->addrs[i];
    }
    return NULL;
}

static struct mirror_addr *known(struct mirror_nic *m, const struct nst_event *e)
{
    struct mirror_addr *a = find(m, &e->addr);
    assert_non_null(a);
    return a;
}

static void play_addr(struct mirror_nic *m, const struct nst_event *e)
{
    switch (e->kind) {
    case NST_EVENT_ADDR_ADDED:
        assert_null(find(m, &e->addr));
        assert_true(m->count < ADDRS_MAX);
        m->addrs[m->count++] = (struct mirror_addr){e->addr, e->prefix_len, NST_ADDR_TENTATIVE, 0};
        break;
    case NST_EVENT_ADDR_ASSIGNED:
        assert_int_equal(known(m, e)->state, NST_ADDR_TENTATIVE);
        known(m, e)->state = NST_ADDR_ASSIGNED;
        break;
    case NST_EVENT_ADDR_TENTATIVE:
        assert_true(known(m, e)->state != NST_ADDR_TENTATIVE);
        known(m, e)->state = NST_ADDR_TENTATIVE;
        break;
    case NST_EVENT_ADDR_DUPLICATE:
        if (e->value == 0) /* else it is kept */
            known(m, e)->state = NST_ADDR_DUPLICATE;
        break;
    case NST_EVENT_ADDR_DEPRECATED:
        assert_true(known(m, e)->deprecated != (e->value != 0));
        known(m, e)->deprecated = e->value != 0;
        break;
    case NST_EVENT_ADDR_REMOVED:
        *known(m, e) = m->addrs[m->count - 1];
        m->count--;
        break;
    default:
        break;
    }
}

static void play(const struct nst_event *e)
{
    struct mirror_nic *m = &mirror[e->nic];
    if (e->kind == NST_EVENT_NIC_ADDED) {
        assert_false(m->exists);
        *m = (struct mirror_nic){.exists = true};
    }
    assert_true(m->exists);
    memcpy(m->name, e->name, sizeof(m->name));
    switch (e->kind) {
    case NST_EVENT_NIC_REMOVED:
        assert_true(!m->enabled && m->count == 0);
        m->exists = false;
        break;
    case NST_EVENT_NIC_ENABLED:
        m->enabled = true;
        break;
    case NST_EVENT_NIC_DISABLED:
        assert_true(m->enabled);
        m->enabled = false;
        break;
    case NST_EVENT_NIC_MTU:
        assert_true(m->mtu != e->value);
        m->mtu = e->value;
        break;
    case NST_EVENT_NIC_LINK_ADDR:
        m->mac = e->mac;
        break;
    default:
        play_addr(m, e);
        break;
    }
}

/* ---- The invariants ---- */

static void check_addrs(uint32_t id)
{
    struct nst_nic_addr list[ADDRS_MAX], primary[ADDRS_MAX];
    struct mirror_nic *m = &mirror[id];
    const int n = nst_nic_addr_list(b.stack, id, list, ADDRS_MAX);
    const int n_primary = nst_nic_addr_list_primary(b.stack, id, primary, ADDRS_MAX);
    int found = 0, primaries = 0, fours = 0;
    assert_int_equal(n, m->count);
    for (int i = 0; i < n; i++) {
        const struct mirror_addr *a = find(m, &list[i].addr);
        assert_non_null(a);
        assert_int_equal(a->prefix_len, list[i].prefix_len);
        assert_int_equal(a->state, list[i].state);
        assert_int_equal(a->deprecated, list[i].deprecated);
        assert_true(list[i].valid > 0);
        if (nst_addr_is_v4(&list[i].addr))
            assert_int_equal(fours++, i);
        if (list[i].place != NST_PLACE_NEVER_PRIMARY) {
            assert_true(nst_addr_equal(&primary[primaries].addr, &list[i].addr));
            primaries++;
        }
        found++;
    }
    assert_int_equal(found, m->count);
    assert_int_equal(primaries, n_primary);
}

static void check_main(uint32_t id, bool v6)
{
    struct nst_nic_addr list[ADDRS_MAX], got;
    const struct nst_nic_addr *want = NULL;
    const int n = nst_nic_addr_list_primary(b.stack, id, list, ADDRS_MAX);
    for (int i = 0; i < n; i++) {
        const struct nst_nic_addr *a = &list[i];
        if (nst_addr_is_v4(&a->addr) == v6 || a->state != NST_ADDR_ASSIGNED)
            continue;
        if (want == NULL || (want->deprecated && !a->deprecated))
            want = a;
    }
    const int r = nst_nic_addr_main(b.stack, id, ethertypes[v6], &got);
    if (r == -NST_EOPNOTSUPP)
        return;
    assert_int_equal(r, want != NULL ? 0 : -NST_EADDRNOTAVAIL);
    if (want != NULL)
        assert_true(nst_addr_equal(&got.addr, &want->addr));
}

static void check_nic(uint32_t id)
{
    struct nst_nic_info info;
    const struct mirror_nic *m = &mirror[id];
    const int r = nst_nic_get_info(b.stack, id, &info);
    assert_int_equal(r, m->exists ? 0 : -NST_ENOENT);
    if (r < 0)
        return;
    assert_int_equal(info.enabled, m->enabled);
    assert_string_equal(info.name, m->name);
    if (m->mtu != 0)
        assert_int_equal(info.mtu, m->mtu);
    if (m->mac.b[0] != 0)
        assert_memory_equal(&info.addr, &m->mac, 6);
    assert_int_equal(nst_nic_get_forwarding(b.stack, id, NST_ETHERTYPE_IPV4) >= 0, info.mtu >= 68);
    assert_int_equal(nst_nic_get_forwarding(b.stack, id, NST_ETHERTYPE_IPV6) >= 0,
                     info.mtu >= 1280);
    if (!info.enabled && (info.caps & NST_LINK_RESOLVES) != 0)
        assert_int_equal(nst_neigh_list(b.stack, id, NULL, 0), 0);
    check_addrs(id);
    check_main(id, false);
    check_main(id, true);
}

static struct nst_addr some_addr(void)
{
    static const char *const texts[] = {"10.0.0.1", "10.0.0.2", "10.0.1.1", "192.0.2.1",  "fd00::1",
                                        "fd00::2",  "fe80::1",  "fd01::1",  "2001:db8::1"};
    return nicbox_parse(texts[pick(sizeof(texts) / sizeof(texts[0]))]);
}

static bool is_assigned(uint32_t id, const struct nst_addr *addr)
{
    const struct mirror_addr *a = mirror[id].exists ? find(&mirror[id], addr) : NULL;
    return a != NULL && a->state == NST_ADDR_ASSIGNED;
}

static bool is_assigned_somewhere(const struct nst_addr *addr)
{
    bool found = false;
    for (uint32_t id = 1; id <= NICBOX_NICS; id++)
        found |= mirror[id].enabled && is_assigned(id, addr);
    return found;
}

static void check_path(void)
{
    struct nst_path path;
    struct nst_nic_info info;
    const struct nst_addr to = some_addr(), local = some_addr();
    if (nst_path_lookup(b.stack, &to, pick(3) == 0 ? &local : NULL, pick(4), &path) < 0)
        return;
    assert_int_equal(nst_nic_get_info(b.stack, path.nic, &info), 0);
    assert_true(info.enabled);
    /* To ourselves any address of ours will do. */
    if (!info.spoofing && !is_assigned(path.nic, &path.source) &&
        !(is_assigned_somewhere(&to) && is_assigned_somewhere(&path.source)))
        fail_msg("a source that is not ours");
    if (path.is_local)
        assert_true(is_assigned_somewhere(&to));
}

static void check_all(void)
{
    struct nst_event e;
    uint64_t number = 0;
    while (nst_event_next(b.stack, &e)) {
        assert_true(e.kind != NST_EVENT_LOST);
        assert_true(number == 0 || e.number == number + 1);
        number = e.number;
        play(&e);
    }
    for (uint32_t id = 1; id <= NICBOX_NICS; id++)
        check_nic(id);
    check_path();
    world_check_census(b.stack, false);
}

/* ---- The steps ---- */

static uint32_t some_nic(void)
{
    return 1 + pick(NICBOX_NICS);
}

static void add_nic(void)
{
    static const enum nicbox_kind kinds[] = {NICBOX_ETHERNET, NICBOX_IP, NICBOX_ETHERNET};
    const uint32_t id = some_nic();
    const struct nst_nic_config config = {
        .disabled = pick(4) == 0, .promiscuous = pick(6) == 0, .link_local = (uint8_t)pick(3)};
    nicbox_add_with(&b, id, kinds[id - 1], &config);
}

static struct nst_nic_addr some_nic_addr(void)
{
    struct nst_nic_addr a = {.addr = some_addr(),
                             .place = (uint8_t)pick(3),
                             .kind = (uint8_t)pick(3),
                             .no_dad = pick(2),
                             .deprecated = pick(4) == 0};
    a.prefix_len = (uint8_t)(nst_addr_is_v4(&a.addr) ? 16 + pick(17) : 64);
    if (pick(2)) {
        a.valid = (1 + pick(20)) * NST_SEC;
        a.preferred = pick(2) ? a.valid / 2 : 0;
    }
    return a;
}

static void change_nic(void)
{
    static const uint32_t mtus[] = {20, 68, 500, 1279, 1280, 1500, 9000};
    static const char *const names[] = {"a", "b", "nic1", "nic2", ""};
    const uint32_t id = some_nic();
    switch (pick(7)) {
    case 0:
        nst_nic_set_mtu(b.stack, id, mtus[pick(7)]);
        break;
    case 1:
        nst_nic_set_name(b.stack, id, names[pick(5)]);
        break;
    case 2:
        nst_nic_set_link_addr(b.stack, id, WORLD_MAC((uint8_t)(id + 16 * pick(4))));
        break;
    case 3:
        nst_nic_set_forwarding(b.stack, id, ethertypes[pick(2)], pick(2));
        break;
    case 4:
        nst_nic_set_promiscuous(b.stack, id, pick(2));
        break;
    case 5:
        nst_nic_set_spoofing(b.stack, id, pick(4) == 0);
        break;
    default:
        b.links[id - 1].refuses = pick(4) == 0 ? NST_EBUSY : 0;
        break;
    }
}

static void change_addr(void)
{
    const uint32_t id = some_nic();
    const struct nst_nic_addr a = some_nic_addr();
    switch (pick(4)) {
    case 0:
        nst_nic_addr_remove(b.stack, id, &a.addr);
        break;
    case 1:
        nst_nic_addr_change(b.stack, id, &a);
        break;
    default:
        nst_nic_addr_add(b.stack, id, &a);
        break;
    }
}

static void send_and_receive(nst_socket s)
{
    char src[NST_ADDR_TEXT], dst[NST_ADDR_TEXT];
    struct nst_endpoint to = {.addr = some_addr(), .port = 9, .nic = pick(3)};
    nst_socket_sendto(b.stack, s, "x", 1, 0, &to);
    struct nst_addr from = some_addr();
    to.addr = some_addr();
    if (nst_addr_is_v4(&from) != nst_addr_is_v4(&to.addr))
        from = to.addr;
    nst_addr_format(&from, src, sizeof(src));
    nst_addr_format(&to.addr, dst, sizeof(dst));
    const uint32_t id = some_nic();
    if (mirror[id].exists)
        nicbox_inject(&b, id,
                      &(struct nicbox_udp){.src = src, .dst = dst, .dport = 7, .payload = "y"});
}

/* Noise that begins as the frames of a protocol do. */
static void inject_noise(void)
{
    uint8_t frame[128];
    const uint32_t id = some_nic();
    if (!mirror[id].exists)
        return;
    for (size_t i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)random_next(&random_state);
    static const uint8_t types[][2] = {{8, 0}, {8, 6}, {0x86, 0xdd}};
    memset(frame, 0xff, 6);
    memcpy(frame + 12, types[pick(3)], 2);
    memlink_inject(&b.links[id - 1], frame, 20 + pick(100));
    nicbox_run(&b);
}

/* Another node has one of our addresses. */
static void inject_rival(void)
{
    const uint32_t id = pick(2) ? 1 : 3;
    const struct mirror_nic *m = &mirror[id];
    if (!m->exists || m->count == 0)
        return;
    const struct nst_addr *addr = &m->addrs[pick((uint32_t)m->count)].addr;
    if (!nst_addr_is_v4(addr))
        nicbox_inject_rival(&b, id, addr, pick(2));
}

static void step(nst_socket s)
{
    const uint32_t id = some_nic();
    switch (pick(13)) {
    case 0:
        add_nic();
        break;
    case 1:
        if (pick(3) == 0)
            nst_nic_remove(b.stack, id);
        break;
    case 2:
        pick(3) != 0 ? nst_nic_enable(b.stack, id) : nst_nic_disable(b.stack, id);
        break;
    case 3:
        change_nic();
        break;
    case 4:
    case 5:
    case 6:
        change_addr();
        break;
    case 7:
    case 8:
        send_and_receive(s);
        break;
    case 9:
        inject_noise();
        break;
    case 10:
        inject_rival();
        break;
    default:
        nicbox_advance(&b, pick(3000) * NST_MSEC);
        break;
    }
    if (pick(2))
        nicbox_run(&b);
}

static void run_seed(uint64_t seed)
{
    printf("# seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
    memset(mirror, 0, sizeof(mirror));
    nicbox_begin(&b, &(struct nicbox_config){.weak_host = false, .no_handle_local = pick(4) == 0});
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, NULL, 7, 0);
    nst_socket_watch(b.stack, s, NST_READY_DOWN, NULL);
    for (int i = 0; i < STEPS; i++) {
        step(s);
        check_all();
        for (unsigned k = 0; k < NICBOX_NICS; k++) {
            if (b.has[k])
                memlink_clear(&b.links[k]);
        }
    }
    nicbox_end(&b);
}

static void any_sequence_keeps_the_invariants(void **state)
{
    const char *only = getenv("NIC_SEED");
    if (only != NULL) {
        run_seed(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
}

TESTS({"nic/N69: any sequence of calls and frames keeps the invariants, and its events tell all",
       any_sequence_keeps_the_invariants})
