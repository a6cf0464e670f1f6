/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "script/script.h"

#define HANDSHAKE                                        \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"      \
    "+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"    \
    "+.1 < S 0:0(0) win 30000 <mss 1000,nop,wscale 7>\n" \
    "+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 7>\n"     \
    "+.1 < . 1:1(0) ack 1 win 257\n+0 accept(3, ..., ...) = 4\n"

static struct script_report run(const char *text, bool strict)
{
    const struct script_options options = {.strict = strict};
    struct script_report report;
    script_run("x.pkt", text, strlen(text), &options, &report);
    return report;
}

static void assert_passes(const char *text)
{
    struct script_report r = run(text, true);
    if (r.verdict != SCRIPT_PASSED)
        fail_msg("%s\n%s", r.reason, r.detail);
    assert_string_equal(r.reason, "");
    script_report_free(&r);
}

/* It fails, or is skipped, and says these words. */
static void assert_says(const char *text, enum script_verdict verdict, const char *reason,
                        const char *detail)
{
    struct script_report r = run(text, true);
    if (r.verdict != verdict || strstr(r.reason, reason) == NULL ||
        strstr(r.detail, detail) == NULL)
        fail_msg("verdict %d: %s\n%s", r.verdict, r.reason, r.detail);
    script_report_free(&r);
}

static void passes(void **state)
{
    assert_passes(HANDSHAKE "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n");
    assert_passes(HANDSHAKE "+0 write(4, ..., 10) = 10\n* > P. 1:11(10) ack 1\n");
    assert_passes(HANDSHAKE "+0 write(4, ..., 10) = 10\n+0~+.1 > P. 1:11(10) ack 1 <...>\n");
    assert_passes(HANDSHAKE "+0...0.1 read(4, ..., 10) = 5\n+.1 < P. 1:6(5) ack 1 win 257\n"
                            "+0 > . 1:1(0) ack 6\n");
}

static void packets_differ(void **state)
{
    const enum script_verdict failed = SCRIPT_FAILED;
    const char *const script = HANDSHAKE "+0 write(4, ..., 10) = 10\n+0 > ";
    static const struct {
        const char *packet, *detail;
    } cases[] = {
        {". 1:11(10) ack 1\n", "flags     . expected, P. came"},
        {"P. 2:12(10) ack 1\n", "seq       2 expected, 1 came"},
        {"P. 1:12(11) ack 1\n", "length    11 expected, 10 came"},
        {"P. 1:11(10) ack 2\n", "ack       2 expected, 1 came"},
        {"P. 1:11(10)\n", "ack       0 expected, 1 came"},
        {"P. 1:11(10) ack 1 win 9\n", "win       9 expected, 512 came"},
        {"P. 1:11(10) ack 1 urg 1\n", "urg       1 expected, 0 came"},
        {"P. 1:11(10) ack 1 <nop,nop>\n", "options   <nop,nop> expected, <> came"},
        {"(tos 4) P. 1:11(10) ack 1\n", "tos       4 expected, 0 came"},
        {"(ttl 9) P. 1:11(10) ack 1\n", "ttl       9 expected, 64 came"},
        {"udp (10)\n", "protocol  UDP expected, TCP came"},
        {"icmp echo_reply\n", "protocol  ICMP expected, TCP came"},
        {"1 > 2 P. 1:11(10) ack 1\n+0 > 3 > 2 . 1:1(0)\n", "came      nothing"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s%s", script, cases[i].packet);
        assert_says(text, failed,
                    i + 1 < sizeof(cases) / sizeof(cases[0]) ? "x.pkt:9:4: " : "x.pkt:10:4: ",
                    cases[i].detail);
    }
}

static void times_differ(void **state)
{
    assert_says(HANDSHAKE "+0 write(4, ..., 10) = 10\n+.02 > P. 1:11(10) ack 1\n", SCRIPT_FAILED,
                "too early", "0.200000");
    assert_says(HANDSHAKE "+0 write(4, ..., 10) = 10\n+.2 > . 1:1(0) ack 1\n", SCRIPT_FAILED,
                "not as written", "length");
    assert_says(HANDSHAKE "+.1 > . 1:1(0) ack 1\n", SCRIPT_FAILED, "no packet came by 0.312500",
                "came      nothing");
    /* 300 ms, of which an eighth is allowed. */
    const char *const script = HANDSHAKE "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n";
    char text[1024];
    snprintf(text, sizeof(text), "%s+.27 > P. 1:11(10) ack 1\n", script);
    assert_passes(text);
    snprintf(text, sizeof(text), "%s+.26 > P. 1:11(10) ack 1\n", script);
    assert_says(text, SCRIPT_FAILED, "no packet", "");
}

static void calls_differ(void **state)
{
    assert_says(HANDSHAKE "+0 write(4, ..., 10) = 9\n", SCRIPT_FAILED, "x.pkt:8:4: write gave",
                "expected  9");
    assert_says(HANDSHAKE "+0 close(9) = -1 EINVAL\n", SCRIPT_FAILED, "close gave", "-1 EBADF");
    assert_says(HANDSHAKE "+0 close(4) = -1\n", SCRIPT_FAILED, "close gave", "came      0");
    assert_says(HANDSHAKE "+0 close(4, 5) = 0\n", SCRIPT_FAILED, "takes 1 to 1", "");
    assert_says(HANDSHAKE "+0 read(4, ..., 10) = 10\n", SCRIPT_FAILED, "blocks", "");
    assert_says(HANDSHAKE "+0...0.5 read(4, ..., 10) = 10\n", SCRIPT_FAILED, "blocks", "");
    assert_says(HANDSHAKE "+0...0.5 read(4, ..., 10) = 5\n+.1 < P. 1:6(5) ack 1 win 257\n",
                SCRIPT_FAILED, "ended at 0.300000, but 0.700000", "");
    assert_says(HANDSHAKE "+0 poll([{fd=4, events=POLLOUT, revents=POLLIN}], 1, 0) = 1\n",
                SCRIPT_FAILED, "other revents", "POLLOUT");
    assert_says(HANDSHAKE "+0 getsockopt(4, SOL_TCP, TCP_MAXSEG, [999], [4]) = 0\n", SCRIPT_FAILED,
                "another value", "expected  999");
    assert_says(HANDSHAKE "+.1 < P. 1:6(5) ack 1 win 257\n+0 > . 1:1(0) ack 6\n"
                          "+0 read(4, \"hello\", 10) = 5\n",
                SCRIPT_FAILED, "another text", "");
    assert_says(HANDSHAKE "+0 poll(4, 1, 0) = 1\n", SCRIPT_FAILED, "x.pkt:8:9: a list", "");
}

static void segmentation(void **state)
{
    const char *const script = HANDSHAKE "+0 write(4, ..., 3500) = 3500\n";
    char text[1024];
    snprintf(text, sizeof(text), "%s+0 > P. 1:3501(3500) ack 1\n", script);
    assert_passes(text);
    snprintf(text, sizeof(text), "%s+0 > . 1:2001(2000) ack 1\n+0 > P. 2001:3501(1500) ack 1\n",
             script);
    assert_passes(text);
    /* No segment ends there. */
    snprintf(text, sizeof(text), "%s+0 > . 1:1501(1500) ack 1\n", script);
    assert_says(text, SCRIPT_FAILED, "not as written", "length    1500 expected, 3500 came");
    snprintf(text, sizeof(text), "--strict_segments\n%s+0 > P. 1:3501(3500) ack 1\n", script);
    assert_says(text, SCRIPT_FAILED, "not as written", "length    3500 expected, 1000 came");
}

static void unnamed_packets(void **state)
{
    const char *const text = HANDSHAKE "+0 write(4, ..., 10) = 10\n";
    assert_says(text, SCRIPT_FAILED, "does not name", "P. 1:11(10) ack 1");
    struct script_report r = run(text, false);
    assert_int_equal(r.verdict, SCRIPT_PASSED);
    script_report_free(&r);
}

static void skipped(void **state)
{
    assert_says("`iptables -F`\n0 close(3) = -1 EBADF\n", SCRIPT_SKIPPED, "iptables", "");
    assert_says("--init_scripts=defaults.sh,first.sh\n0 close(3) = -1 EBADF\n", SCRIPT_SKIPPED,
                "first.sh", "");
    assert_says("0 nonsense(3) = 0\n", SCRIPT_SKIPPED, "nonsense is not built in", "");
    assert_says(HANDSHAKE "+0 setsockopt(4, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0\n", SCRIPT_SKIPPED,
                "TCP_FASTOPEN", "");
    assert_says(HANDSHAKE "+0 > (ect0) P. 1:11(10) ack 1\n", SCRIPT_SKIPPED, "ECN", "");
    assert_says(HANDSHAKE "+0 > P.E 1:11(10) ack 1\n", SCRIPT_SKIPPED, "ECN", "");
    assert_says(HANDSHAKE "+0 > P.5 1:11(10) ack 1\n", SCRIPT_SKIPPED, "AccECN", "");
    assert_says(HANDSHAKE "+0 > P. 1:11(10) ack 1 <FO 0123>\n", SCRIPT_SKIPPED, "Fast Open", "");
    assert_says(HANDSHAKE "+0 > P. 1:11(10) ack 1 <md5 0123>\n", SCRIPT_SKIPPED, "MD5", "");
    assert_says(HANDSHAKE "+0 %{ import os }%\n", SCRIPT_SKIPPED, "import", "");
    assert_says("0 < ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0)\n", SCRIPT_SKIPPED, "encapsulation", "");
}

static void code_fails(void **state)
{
    assert_says(HANDSHAKE "+0 %{ assert tcpi_snd_cwnd == 3 }%\n", SCRIPT_FAILED,
                "x.pkt:8:14: assert", "tcpi_snd_cwnd = 10");
}

static void syntax(void **state)
{
    assert_says("0 < S 0:0(0)\n0 <\n", SCRIPT_FAILED, "x.pkt:3:1: flags", "");
}

TESTS({"a script that is right passes", passes},
      {"each field of a packet that differs is named", packets_differ},
      {"a packet that is early, late or missing fails", times_differ},
      {"a call with another result, or another end, fails", calls_differ},
      {"a large segment is what it is cut into", segmentation},
      {"a packet that is not named fails a strict run", unnamed_packets},
      {"what is not built in is skipped, never passed", skipped},
      {"an assertion that does not hold fails", code_fails},
      {"a script that is none fails, with the place", syntax})
