/* SPDX-License-Identifier: Apache-2.0 */
/* What -p says. The sockets are tested by tests/interop/run_publish_test.sh. */
#include "testing.h"

#include "run/publish.h"

static void ports_and_addresses(void **state)
{
    static const struct {
        const char *text;
        const char *addr;
        uint16_t host, guest, count;
        bool udp;
    } good[] = {
        {"8000:80", "0.0.0.0", 8000, 80, 1, false},
        {"8000:80/tcp", "0.0.0.0", 8000, 80, 1, false},
        {"53:53/udp", "0.0.0.0", 53, 53, 1, true},
        {"0:80", "0.0.0.0", 0, 80, 1, false},
        {"127.0.0.1:8000:80", "127.0.0.1", 8000, 80, 1, false},
        {"192.0.2.1:0:9000/udp", "192.0.2.1", 0, 9000, 1, true},
        {"65535:65535", "0.0.0.0", 65535, 65535, 1, false},
        {"8000-8010:9000-9010", "0.0.0.0", 8000, 9000, 11, false},
        {"127.0.0.1:8000-8000:1-1/udp", "127.0.0.1", 8000, 1, 1, true},
        {"1-65535:1-65535", "0.0.0.0", 1, 1, 65535, false},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct publish_spec spec;
        struct nst_addr addr;
        assert_null(publish_parse(good[i].text, &spec));
        assert_int_equal(nst_addr_parse(good[i].addr, &addr), 0);
        assert_true(nst_addr_equal(&spec.addr, &addr));
        assert_int_equal(spec.host, good[i].host);
        assert_int_equal(spec.guest, good[i].guest);
        assert_int_equal(spec.count, good[i].count);
        assert_int_equal(spec.udp, good[i].udp);
    }
}

static void nonsense(void **state)
{
    static const char *const bad[] = {
        "",
        "80",
        ":",
        "::",
        "80:",
        ":80",
        "80:0",
        "80:65536",
        "65536:80",
        "-1:80",
        "80:-1",
        " 80:80",
        "80:80 ",
        "80:80/",
        "80:80/sctp",
        "80:80/udpx",
        "80/udp:80",
        "a:b",
        "localhost:80:80",
        "127.0.0.1:80",
        "127.0.0.1::80",
        "127.0.0:80:80",
        "[::1]:80:80",
        "::1:80:80",
        "1:2:3:4",
        "8010-8000:8010-8000",
        "8000-8010:8000-8011",
        "8000-8010:80",
        "0-10:80-90",
        "80:0-0",
        "8000-:80",
        "99999999999999999999:80",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct publish_spec spec = {.host = 77};
        if (publish_parse(bad[i], &spec) == NULL)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(spec.host, 77);
    }
}

TESTS({"ports, ranges and addresses are read", ports_and_addresses},
      {"nonsense is refused", nonsense})
