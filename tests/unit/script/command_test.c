/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "script/command.h"

static bool good(const char *text, bool begun, struct command_settings *settings)
{
    struct arena arena = {0};
    const bool result = command_take(&arena, text, begun, settings) == NULL;
    arena_free(&arena);
    return result;
}

static void settings(void **state)
{
    struct command_settings s = {0};
    assert_true(good("sysctl -q -w net.ipv4.tcp_rmem=\"4096 87380 500000\"", false, &s));
    assert_int_equal(s.receive_buffer_max, 500000);
    assert_true(good("../set_sysctls.py /proc/sys/net/ipv4/tcp_wmem='1 2 3000'", false, &s));
    assert_int_equal(s.send_buffer_max, 3000);
    assert_true(good("sysctl -w net.ipv4.tcp_rto_min_us=50000", false, &s));
    assert_int_equal(s.rto_min, 50 * NST_MSEC);
    assert_false(good("sysctl -w net.ipv4.tcp_rmem=1", true, &s));
    assert_true(good("ip route change 192.0.2.0/24 dev tun0 initcwnd 20", false, &s));
    assert_int_equal(s.initial_window, 20);
    assert_true(good("ip route change 192.0.2.0/24 dev tun0 initcwnd 20", true, &s));
    assert_false(good("ip route change 192.0.2.0/24 dev tun0 initcwnd 21", true, &s));
    assert_false(good("ip route change 192.0.2.0/24 dev tun0 initcwnd 0", false, &s));
}

static void switches(void **state)
{
    struct command_settings s = {0};
    assert_true(good("sysctl net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0", false, &s));
    assert_int_equal(s.tcp_off, NST_TCP_OFF_SACK | NST_TCP_OFF_TIMESTAMPS);
    assert_true(good("sysctl net.ipv4.tcp_sack=1", false, &s));
    assert_int_equal(s.tcp_off, NST_TCP_OFF_TIMESTAMPS);
    assert_true(good("sysctl net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=1", true, &s));
    assert_false(good("sysctl net.ipv4.tcp_sack=0", true, &s));
    assert_false(good("sysctl net.ipv4.tcp_window_scaling=2", false, &s));
}

static void what_is_so_anyway(void **state)
{
    struct command_settings s = {0};
    assert_true(
        good("sysctl -q net.ipv4.tcp_sack=1 net.ipv4.tcp_timestamps=1 >/dev/null", true, &s));
    assert_true(good("./defaults.sh", false, &s));
    assert_true(
        good("./common/defaults.sh\nip tcp_metrics flush all > /dev/null 2>&1; true", true, &s));
    assert_true(good("", false, &s));
    assert_true(good("ip route change 192.0.2.0/24 dev tun0 initcwnd 10", false, &s));
    assert_true(good("tc qdisc replace dev tun0 root fq", true, &s));
    assert_true(good("sysctl net.ipv4.tcp_mem='1 2 3' net.ipv4.tcp_syncookies=0", true, &s));
    assert_false(good("sysctl net.ipv4.tcp_recovery=1", false, &s));
    assert_false(good("sysctl net.ipv4.tcp_congestion_control=cubic", false, &s));
}

static void what_is_not(void **state)
{
    struct command_settings s = {0};
    assert_false(good("rm -rf /", false, &s));
    assert_false(good("true && reboot", false, &s));
    assert_false(good("sysctl net.ipv4.tcp_nonsense=1", false, &s));
    assert_false(good("ip link set lo down", false, &s));
    assert_false(good("'unclosed", false, &s));
}

TESTS({"settings that the stack has are taken over, before it runs", settings},
      {"what TCP can do without is switched off", switches},
      {"what is so anyway is fine", what_is_so_anyway},
      {"nothing else is run, and the script is skipped", what_is_not})
