/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <arpa/inet.h>

#include <nicstack/types.h>

#include "base/check.h"
#include "random.h"

static void round_trip(const char *text, const char *expected)
{
    struct nst_addr addr;
    char out[NST_ADDR_TEXT];
    assert_int_equal(nst_addr_parse(text, &addr), 0);
    assert_string_equal(nst_addr_format(&addr, out, sizeof(out)), expected);
}

static void good_addresses(void **state)
{
    round_trip("1.2.3.4", "1.2.3.4");
    round_trip("0.0.0.0", "0.0.0.0");
    round_trip("255.255.255.255", "255.255.255.255");
    round_trip("::ffff:10.0.0.1", "10.0.0.1");
    round_trip("::", "::");
    round_trip("::1", "::1");
    round_trip("1::", "1::");
    round_trip("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
    round_trip("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
    round_trip("64:ff9b::192.0.2.33", "64:ff9b::c000:221");
    round_trip("FE80:0000::00aB", "fe80::ab");
    round_trip("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"); /* RFC 5952 4.2.3 */
    round_trip("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
    round_trip("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* RFC 5952 4.2.2 */
}

static void bad_addresses(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "01.2.3.4",
                                      "1.2.3.4 ",
                                      "1..3.4",
                                      ":",
                                      ":::",
                                      "1:",
                                      ":1",
                                      "1::2::3",
                                      "12345::",
                                      "g::",
                                      "1:2:3:4:5:6:7",
                                      "1.2.3.4::",
                                      "1:2:3:4:5:6:7:8:9",
                                      "::1.2.3",
                                      "::1.2.3.4:5",
                                      "fe80::1%1",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "1::2:3:4:5:6:7:8",
                                      "1:2:3:4:5:6:7:8:",
                                      "1:2:3:4:5:6:7:8::",
                                      "0x1.2.3.4",
                                      "-1.2.3.4",
                                      "1.2.3.4\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct nst_addr addr = nst_addr_v4(9, 9, 9, 9), before = addr;
        assert_int_equal(nst_addr_parse(bad[i], &addr), -NST_EINVAL);
        assert_true(nst_addr_equal(&addr, &before));
    }
    struct nst_addr addr;
    assert_int_equal(nst_addr_parse(NULL, &addr), -NST_EINVAL);
}

static void agrees_with_the_host(void **state)
{
    uint64_t seed = 77;
    for (unsigned i = 0; i < 20000; i++) {
        struct nst_addr addr;
        char ours[NST_ADDR_TEXT], theirs[INET6_ADDRSTRLEN];
        for (unsigned n = 0; n < 8; n++) {
            uint64_t v = random_next(&seed);
            uint16_t group = v & 3 ? 0 : (uint16_t)(v >> 8 >> (v >> 4 & 15));
            memcpy(addr.b + 2 * n, &group, 2);
        }
        nst_addr_format(&addr, ours, sizeof(ours));
        struct nst_addr back, other;
        assert_int_equal(nst_addr_parse(ours, &back), 0);
        assert_true(nst_addr_equal(&addr, &back));
        inet_ntop(AF_INET6, addr.b, theirs, sizeof(theirs));
        assert_int_equal(nst_addr_parse(theirs, &other), 0);
        assert_true(nst_addr_equal(&addr, &other));
        if (!strchr(theirs, '.'))
            assert_string_equal(ours, theirs);
    }
}

static void short_buffers(void **state)
{
    struct nst_addr addr = nst_addr_v4(192, 168, 100, 200);
    for (size_t size = 1; size < 20; size++) {
        char *text = malloc(size);
        nst_addr_format(&addr, text, size);
        assert_int_equal(strlen(text), size - 1 < 15 ? size - 1 : 15);
        assert_memory_equal(text, "192.168.100.200", strlen(text));
        free(text);
    }
    assert_null(nst_addr_format(&addr, NULL, 0));
}

TESTS({"addresses are read and written as RFC 5952 says", good_addresses},
      {"anything else is refused and changes nothing", bad_addresses},
      {"random addresses agree with inet_ntop", agrees_with_the_host},
      {"a short buffer gets the beginning, always terminated", short_buffers})
