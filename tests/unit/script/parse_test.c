/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "script/parse.h"
#include "wire/icmp4.h"
#include "wire/tcpopt.h"

static struct script *parse(const char *text)
{
    struct script *script = NULL;
    struct script_error error = {{0, 0}, ""};
    const int r = parse_script(text, strlen(text), IP_VERSION_4, &script, &error);
    if (r < 0)
        fail_msg("%u:%u: %s", error.pos.line, error.pos.col, error.text);
    return script;
}

static void assert_wrong(const char *text, uint32_t line, uint32_t col, const char *part)
{
    struct script *script;
    struct script_error error;
    assert_int_equal(parse_script(text, strlen(text), IP_VERSION_4, &script, &error), -NST_EINVAL);
    if (error.pos.line != line || error.pos.col != col || strstr(error.text, part) == NULL)
        fail_msg("'%s' gave %u:%u: %s", text, error.pos.line, error.pos.col, error.text);
}

static void options(void **state)
{
    struct script *s =
        parse("--ip_version=ipv4_mapped_ipv6 --mtu=900\n--tolerance_usecs=10000\n"
              "--tolerance_percent=5 --local_ip=10.1.2.3/24 --netmask_ip=255.255.0.0\n"
              "--bind_port=81 --strict_segments --tcp_ts_tick_usecs=1000\n"
              "--define=CMD=`sysctl x` --define NAME=7 --non_fatal=syscall\n`init`\n0 CMD\n");
    assert_int_equal(s->config.ip_version, IP_VERSION_MAPPED);
    assert_int_equal(s->config.mtu, 900);
    assert_int_equal(s->config.tolerance, 10 * NST_MSEC);
    assert_int_equal(s->config.tolerance_permille, 50);
    assert_true(s->config.has_local_ip && s->config.local_ip.b[15] == 3);
    assert_int_equal(s->config.prefix_len, 16);
    assert_int_equal(s->config.bind_port, 81);
    assert_true(s->config.strict_segments && s->config.calls_not_fatal);
    assert_string_equal(s->first_command, "init");
    assert_int_equal(s->first->kind, EVENT_COMMAND);
    assert_string_equal(s->first->text, "sysctl x");
    parse_free(s);
}

static void whens(void **state)
{
    struct script *s = parse("0.5 > . 1:1(0)\n+.1 > . 1:1(0)\n* > . 1:1(0)\n1~2 > . 1:1(0)\n"
                             "+1~+2 > . 1:1(0)\n+0...0.2 f() = 0\n");
    const struct script_event *e = s->first;
    assert_int_equal(e->when.kind, WHEN_ABSOLUTE);
    assert_int_equal(e->when.start, NST_SEC / 2);
    e = e->next;
    assert_int_equal(e->when.kind, WHEN_RELATIVE);
    assert_int_equal(e->when.start, 100 * NST_MSEC);
    e = e->next;
    assert_int_equal(e->when.kind, WHEN_ANY);
    e = e->next;
    assert_true(e->when.range && e->when.end == 2 * NST_SEC);
    e = e->next;
    assert_true(e->when.range && e->when.kind == WHEN_RELATIVE && e->when.end == 2 * NST_SEC);
    e = e->next;
    assert_true(e->when.blocks && e->when.until == 200 * NST_MSEC);
    assert_int_equal(e->pos.line, 6);
    assert_int_equal(e->pos.col, 10);
    parse_free(s);
}

static void segments(void **state)
{
    struct script *s = parse("0 < (ect0, tos 0x10, ttl 9) 5 > 6 FP. 1:11(10) ack 7 win 8 urg 9 "
                             "<mss 1460,nop,wscale 7,sackOK,sack 1:2 3:4,TS val 1 ecr 2,eol,"
                             "md5 00ff,FO,FOEXP abcd,ECN e1b 1 ceb 2 e0b 3>\n"
                             "0 > P.5 1:1(0) <...>\n0 > SEW 0:0(0)\n0 < - 0:0(0)\n");
    const struct script_packet *p = s->first->packet;
    assert_int_equal(p->ip.ecn, ECN_ECT0);
    assert_int_equal(p->ip.tos, 0x10);
    assert_int_equal(p->ip.ttl, 9);
    assert_true(p->has_ports && p->src_port == 5 && p->dst_port == 6);
    assert_int_equal(p->tcp.flags, TCP_FIN | TCP_PSH | TCP_ACK);
    assert_int_equal(p->tcp.len, 10);
    assert_true(p->tcp.has_ack && p->tcp.ack == 7 && p->tcp.wnd == 8 && p->tcp.urg == 9);
    static const uint8_t kinds[] = {
        TCP_OPT_MSS,      TCP_OPT_NOP,        TCP_OPT_WSCALE, TCP_OPT_SACK_PERMITTED,
        TCP_OPT_SACK,     TCP_OPT_TS,         TCP_OPT_EOL,    TCP_OPT_MD5,
        TCP_OPT_FASTOPEN, TCP_OPT_EXPERIMENT, TCP_OPT_ACCECN1};
    const struct script_option *o = p->tcp.options;
    for (size_t i = 0; i < sizeof(kinds); i++, o = o->next)
        assert_int_equal(o->kind, kinds[i]);
    assert_null(o);
    const struct script_event *e = s->first->next;
    assert_int_equal(e->packet->tcp.flags, TCP_PSH | TCP_ACK | TCP_AE | TCP_ECE);
    assert_int_equal(e->packet->tcp.options_mode, OPTIONS_ANY);
    assert_int_equal(e->next->packet->tcp.flags, TCP_SYN | TCP_ECE | TCP_CWR);
    assert_int_equal(e->next->next->packet->tcp.flags, 0);
    parse_free(s);
}

static void datagrams(void **state)
{
    struct script *s = parse("0 < udp 53 > 54 (100)\n"
                             "0 < icmp unreachable frag_needed mtu 1000 [1:11(10)]\n"
                             "0 > icmp echo_reply id 5 [raw (56)]\n0 < icmp type_9 code_3\n"
                             "0 > icmp unreachable port_unreachable [udp (7)]\n");
    const struct script_event *e = s->first;
    assert_int_equal(e->packet->protocol, PROTOCOL_UDP);
    assert_int_equal(e->packet->udp_len, 100);
    e = e->next;
    assert_int_equal(e->packet->icmp.type, ICMP4_UNREACHABLE);
    assert_int_equal(e->packet->icmp.code, ICMP4_FRAG_NEEDED);
    assert_int_equal(e->packet->icmp.mtu, 1000);
    assert_int_equal(e->packet->icmp.echoed, ECHOED_TCP);
    e = e->next;
    assert_int_equal(e->packet->icmp.id, 5);
    assert_int_equal(e->packet->icmp.echoed, ECHOED_RAW);
    e = e->next;
    assert_int_equal(e->packet->icmp.type, 9);
    assert_int_equal(e->packet->icmp.code, 3);
    e = e->next;
    assert_int_equal(e->packet->icmp.echoed, ECHOED_UDP);
    parse_free(s);
}

static void calls(void **state)
{
    struct script *s =
        parse("--define FD=4 --define TEXT=\"hello\"\n"
              "0 setsockopt(FD, SOL_TCP, TCP_NODELAY|0x10, [1], 4) = -1 EINVAL (Bad)\n"
              "0 bind(3, {sa_family=AF_INET, sin_port=htons(80), "
              "sin_addr=inet_addr(\"1.2.3.4\")}, ...) = 0\n"
              "0 recvmsg(3, {msg_name(16)=..., msg_iov(1)=[{\"ab\"..., 5}]}, 0) = ...\n"
              "0 write(3, TEXT, 5) = 0x5 (flags)\n");
    const struct script_call *c = s->first->call;
    assert_string_equal(c->name, "setsockopt");
    assert_int_equal(c->count, 5);
    assert_int_equal(c->args->number, 4);
    assert_int_equal(c->args->next->next->number, TCP_NODELAY | 0x10);
    assert_int_equal(c->result->number, -1);
    assert_int_equal(c->error, EINVAL);
    c = s->first->next->call;
    const struct script_value *v = c->args->next;
    assert_int_equal(v->kind, VALUE_STRUCT);
    assert_string_equal(v->first->field, "sa_family");
    assert_int_equal(v->first->next->kind, VALUE_CALL);
    assert_int_equal(v->next->kind, VALUE_ANY);
    c = s->first->next->next->call;
    v = c->args->next->first;
    assert_int_equal(v->paren->number, 16);
    v = v->next->first->first;
    assert_true(v->kind == VALUE_TEXT && v->open && v->len == 2);
    assert_int_equal(c->result->kind, VALUE_ANY);
    c = s->last->call;
    assert_string_equal(c->args->next->text, "hello");
    assert_int_equal(c->result->number, 5);
    parse_free(s);
}

static void code_and_commands(void **state)
{
    struct script *s = parse("0 %{ assert 1 # one\n assert 2 }%\n+0 `do it`\n`at the end`\n");
    assert_int_equal(s->first->kind, EVENT_CODE);
    assert_string_equal(s->first->text, " assert 1 # one\n assert 2 ");
    assert_int_equal(s->first->text_pos.col, 5);
    assert_string_equal(s->first->next->text, "do it");
    assert_string_equal(s->last_command, "at the end");
    parse_free(s);
}

static void errors(void **state)
{
    assert_wrong("--nonsense=1", 1, 3, "no option");
    assert_wrong("--mtu=much", 1, 3, "no value");
    assert_wrong("0 < S 0:0(0)\n+1 < S 1:5(3)", 2, 12, "4 bytes, not 3");
    assert_wrong("0 < X 0:0(0)", 1, 5, "flags");
    assert_wrong("0 < SS 0:0(0)", 1, 6, "twice");
    assert_wrong("0 < S 0:0(0) <mss 1000,what>", 1, 24, "no TCP option");
    assert_wrong("0 < S 0:0(0) <mss 70000>", 1, 19, "more than 65535");
    assert_wrong("0 < icmp nonsense", 1, 10, "no ICMP type");
    assert_wrong("0 < icmp unreachable nonsense", 1, 22, "no code");
    assert_wrong("0 close(3) = -1 ENONSENSE", 1, 17, "no errno");
    assert_wrong("0 close(3", 1, 10, "')'");
    assert_wrong("0...1 < S 0:0(0)", 1, 7, "only a call");
    assert_wrong("* < S 0:0(0)", 1, 3, "goes out");
    assert_wrong("2~1 > S 0:0(0)", 1, 2, "ends before");
    assert_wrong("0 %{ assert 1", 1, 5, "}%");
    assert_wrong("0 nonsense", 1, 3, "neither a call");
    assert_wrong("0 < S 0:70000(70000)", 1, 7, "more than a packet");
    assert_wrong("0 f({a(&)}) = 1", 1, 9, "a name is missing");
    assert_wrong("`a` `b` `c`", 1, 9, "nothing follows");
}

static void skips(void **state)
{
    struct script *s = parse("0 socket(AF_NONSENSE, 1, 0) = 3\n");
    assert_non_null(s->skip);
    assert_int_equal(s->skip_pos.col, 10);
    parse_free(s);
    s = parse("0 < gre: . 1:1(0)\n0 > . 1:1(0)\n");
    assert_non_null(strstr(s->skip, "gre"));
    assert_int_equal(s->last->pos.line, 2);
    parse_free(s);
}

/* Every beginning of a script that has everything: it parses, or the error is at its end or before;
 * and nothing behind the end is read (the copy is as long as the text). */
static void truncation(void **state)
{
    static const char whole[] =
        "--mtu=900 --define A=1\n`x`\n0 < (ect0) 5 > 6 FP.3 1:11(10) ack 7 win 8 urg 9 "
        "<mss 1460,sack 1:2,TS val 1 ecr 2,FO 0102,ECN e0b 1>\n+1~+2 > udp (5)\n"
        "* > icmp unreachable frag_needed mtu 9 id 4 [1:1(0)]\n"
        "+0...0.1 f(A, \"a\\x41\"..., [1, 2], {a=b(c), b(1, &d), msg_iov(1)=...}) = -1 EAGAIN (x)\n"
        "%{ a }% /* c */ // d\n1 %{ x }%\n`y`";
    for (size_t n = 0; n < sizeof(whole); n++) {
        char *copy = malloc(n + 1); /* malloc(0) may be NULL */
        struct script *script;
        struct script_error error;
        assert_non_null(copy);
        memcpy(copy, whole, n);
        if (n > 0)
            copy = realloc(copy, n);
        if (parse_script(copy, n, IP_VERSION_4, &script, &error) == 0)
            parse_free(script);
        else
            assert_true(error.pos.line >= 1 && error.pos.line <= 8 && error.text[0] != '\0');
        free(copy);
    }
}

static void deep_nesting(void **state)
{
    char text[4096] = "0 f(";
    for (int i = 0; i < 1000; i++)
        strcat(text, "[{");
    assert_wrong(text, 1, 37, "too deep");
}

TESTS({"options, definitions and commands", options}, {"times of every form", whens},
      {"segments with everything", segments}, {"UDP and ICMP", datagrams},
      {"calls and their values", calls}, {"code and commands", code_and_commands},
      {"each error is named with its line and column", errors},
      {"what is not built in makes a script one to skip", skips},
      {"a script may end anywhere", truncation}, {"nesting has a limit", deep_nesting})
