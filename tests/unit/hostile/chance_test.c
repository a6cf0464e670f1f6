/* SPDX-License-Identifier: Apache-2.0 */
/* HOSTILE.md: a hundred thousand ISNs and ports, tested for chance. The seed is fixed, so are the
 * numbers: the bounds are six standard deviations wide and never fail by bad luck. */
#include "testing.h"

#include <nicstack/socket.h>

#include "wire/ip4.h"
#include "world.h"

#define COUNT     100000u
#define DEVIATION 950 /* six times sqrt(COUNT / 4) */

static struct world w;
static uint32_t isns[COUNT];
static uint16_t ports[COUNT];

/* Connects again and again, in steps of a millisecond. RFC 6056 3.3.4: ports go up from a secret
 * place for each destination, so that none comes again soon; so each time to another one. */
static void gather(void)
{
    const struct world_config config = {.bare_ip = true};
    world_init_single(&w, &config);
    for (uint32_t i = 0; i < COUNT; i++) {
        nst_socket s;
        size_t len;
        struct tcp_hdr hdr;
        const struct nst_endpoint to =
            frame_endpoint(10, 0, 0, (uint8_t)(2 + i % 250), (uint16_t)(1 + i / 250));
        assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
        assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), -NST_EINPROGRESS);
        world_run(&w);
        const uint8_t *packet = world_sent(&w, 0, &len);
        assert_non_null(packet);
        assert_true(tcp_parse(packet + IP4_HDR_LEN, len - IP4_HDR_LEN, &hdr) != 0);
        assert_int_equal(hdr.flags, TCP_SYN);
        isns[i] = hdr.seq;
        ports[i] = hdr.src_port;
        assert_int_equal(nst_socket_abort(w.hosts[0].stack, s), 0);
        world_run(&w);
        memlink_clear(&w.memlink);
        w.now += NST_MSEC;
    }
    world_fini(&w);
}

/* Every bit, and every bit of the differences of neighbours, is set half of the time. */
static void isns_are_chance(void **state)
{
    for (int bit = 0; bit < 32; bit++) {
        int set = 0, differs = 0;
        for (uint32_t i = 1; i < COUNT; i++) {
            set += isns[i] >> bit & 1;
            differs += (isns[i] ^ isns[i - 1]) >> bit & 1;
        }
        assert_in_range(set, COUNT / 2 - DEVIATION, COUNT / 2 + DEVIATION);
        assert_in_range(differs, COUNT / 2 - DEVIATION, COUNT / 2 + DEVIATION);
    }
}

static void ports_are_chance(void **state)
{
    static uint8_t seen[65536];
    uint16_t low = 65535, high = 0;
    uint32_t used = 0, near = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        low = ports[i] < low ? ports[i] : low;
        high = ports[i] > high ? ports[i] : high;
        used += !seen[ports[i]];
        seen[ports[i]] = 1;
        /* RFC 6056 2: the next one is not to be guessed from the last. */
        near += i > 0 && abs(ports[i] - ports[i - 1]) < 16;
    }
    const uint32_t range = (uint32_t)high - low + 1;
    assert_true(low >= 1024);
    assert_true(range > 10000);
    assert_true(used > range * 9 / 10);
    /* By chance 31 of `range`. */
    assert_true((uint64_t)near * range < (uint64_t)COUNT * 62);
}

static int setup(void **state)
{
    gather();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"RFC 6528: 100,000 ISNs: no bit tells the next", isns_are_chance, NULL, NULL, NULL},
        {"RFC 6056: 100,000 ports: no port tells the next", ports_are_chance, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
