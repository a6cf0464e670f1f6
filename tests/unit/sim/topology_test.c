/* SPDX-License-Identifier: Apache-2.0 */
/* Topologies as text: what is read, where errors are, and back. */
#include "testing.h"

#include <nicstack/host.h>
#include <nicstack/sim.h>

static const char whole[] =
    "# a comment\n"
    "seed 9\n"
    "duration 90s\n"
    "host client[3] rcvbuf 64k sndbuf 128k memory 8m\n"
    "host server\n"
    "switch s\n"
    "link client[*] -- s rate 10mbit delay 5ms 1ms\n"
    "link s -- server mtu 1400 there rate 2mbit queue fq_codel limit 50 "
    "target 10ms interval 200ms ecn mark 1% mark-from 5 back loss 1.5% "
    "burst 1% 20% 50% duplicate 2% corrupt 3% reorder 4% latency 80ms\n"
    "bulk client[*] -> server bytes 10m start 1s stop 2s on 100ms off 50ms\n"
    "bulk client2 <- server ipv6 reader 1mbit\n"
    "request client1 -> server count 5 request 7 response 9 think 3ms # end\n"
    "udp client3 -> server rate 1mbit size 200 count 8\n";

static struct nst_sim_topology *read_text(const char *text)
{
    struct nst_sim_topology *t;
    struct nst_sim_error error;
    assert_int_equal(nst_sim_topology_new(nst_host_allocator(), &t), 0);
    if (nst_sim_topology_read(t, text, strlen(text), &error) != 0)
        fail_msg("%u:%u: %s", error.line, error.column, error.text);
    return t;
}

static void everything_is_read(void **state)
{
    struct nst_sim_topology *t = read_text(whole);
    assert_int_equal(t->seed, 9);
    assert_int_equal(t->duration, 90 * NST_SEC);
    assert_int_equal(t->node_count, 5);
    assert_string_equal(t->nodes[2].name, "client3");
    assert_int_equal(t->nodes[2].receive_buffer, 65536);
    assert_int_equal(t->nodes[2].memory, 8 << 20);
    assert_int_equal(t->nodes[4].kind, NST_SIM_SWITCH);
    assert_int_equal(t->link_count, 4);
    assert_int_equal(t->links[1].from, 1);
    assert_int_equal(t->links[1].to, 4);
    assert_int_equal(t->links[1].way[1].rate_bps, 10000000);
    assert_int_equal(t->links[1].way[0].jitter, NST_MSEC);
    const struct nst_sim_link *l = &t->links[3];
    assert_int_equal(l->mtu, 1400);
    assert_int_equal(l->way[0].discipline, NST_QUEUE_FQ_CODEL);
    assert_int_equal(l->way[0].queue, 50);
    assert_int_equal(l->way[0].interval, 200 * NST_MSEC);
    assert_true(l->way[0].ecn);
    assert_int_equal(l->way[0].mark_from, 5);
    assert_int_equal(l->way[0].loss_ppm, 0);
    assert_int_equal(l->way[1].rate_bps, 0);
    assert_int_equal(l->way[1].loss_ppm, 15000);
    assert_int_equal(l->way[1].burst_end_ppm, 200000);
    assert_int_equal(l->way[1].burst_loss_ppm, 500000);
    assert_int_equal(l->way[1].latency, 80 * NST_MSEC);
    assert_int_equal(t->flow_count, 6);
    assert_int_equal(t->flows[2].from, 2);
    assert_int_equal(t->flows[2].bytes, 10 << 20);
    assert_int_equal(t->flows[2].off, 50 * NST_MSEC);
    assert_true(t->flows[3].back && t->flows[3].ipv6);
    assert_int_equal(t->flows[3].reader_bps, 1000000);
    assert_int_equal(t->flows[4].think, 3 * NST_MSEC);
    assert_int_equal(t->flows[5].size, 200);
    nst_sim_topology_free(t);
}

static char *write_text(const struct nst_sim_topology *t)
{
    const size_t len = nst_sim_topology_write(t, NULL, 0);
    char *text = malloc(len + 1);
    assert_non_null(text);
    assert_int_equal(nst_sim_topology_write(t, text, len + 1), len);
    assert_int_equal(strlen(text), len);
    return text;
}

static void assert_same(const struct nst_sim_topology *x, const struct nst_sim_topology *y)
{
    assert_true(x->seed == y->seed && x->duration == y->duration);
    assert_int_equal(x->node_count, y->node_count);
    assert_int_equal(x->link_count, y->link_count);
    assert_int_equal(x->flow_count, y->flow_count);
    for (uint32_t i = 0; i < x->node_count; i++)
        assert_memory_equal(&x->nodes[i], &y->nodes[i], sizeof(x->nodes[i]));
    for (uint32_t i = 0; i < x->link_count; i++)
        assert_memory_equal(&x->links[i], &y->links[i], sizeof(x->links[i]));
    for (uint32_t i = 0; i < x->flow_count; i++)
        assert_memory_equal(&x->flows[i], &y->flows[i], sizeof(x->flows[i]));
}

static void what_is_written_reads_the_same(void **state)
{
    struct nst_sim_topology *t = read_text(whole);
    char *text = write_text(t);
    struct nst_sim_topology *again = read_text(text);
    assert_same(t, again);
    nst_sim_topology_free(t);
    nst_sim_topology_free(again);
    free(text);
}

static void random_worlds_are_written_and_read_the_same(void **state)
{
    for (uint64_t seed = 1; seed < 300; seed++) {
        struct nst_sim_topology *t;
        struct nst_sim_error error;
        struct nst_sim *sim;
        assert_int_equal(nst_sim_topology_new(nst_host_allocator(), &t), 0);
        assert_int_equal(nst_sim_topology_random(t, seed), 0);
        char *text = write_text(t);
        struct nst_sim_topology *again = read_text(text);
        assert_same(t, again);
        assert_int_equal(nst_sim_new(nst_host_allocator(), t, &error, &sim), 0);
        nst_sim_free(sim);
        nst_sim_topology_free(t);
        nst_sim_topology_free(again);
        free(text);
    }
}

/* A wrong text, where it is wrong, and a word of what is said. */
static const struct {
    const char *text;
    uint32_t line, column;
    const char *says;
} wrong[] = {
    {"hots a\n", 1, 1, "begins no statement"},
    {"host a\n\nhost a\n", 3, 6, "there is a 'a' already"},
    {"host\n", 1, 5, "name it"},
    {"host a[0]\n", 1, 6, "how many in brackets"},
    {"host a[3\n", 1, 6, "how many in brackets"},
    {"host a[99999]\n", 1, 6, "how many in brackets"},
    {"host -a\n", 1, 6, "is no name"},
    {"host a,b\n", 1, 6, "is no name"},
    {"host a memory\n", 1, 14, "memory needs a number"},
    {"host a memory 8q\n", 1, 15, "is not what memory needs"},
    {"switch s memory 8m\n", 1, 10, "a switch has no options"},
    {"host a b\nlink a -- c\n", 2, 11, "there is no node 'c'"},
    {"host a b\nlink a b\n", 2, 8, "'--' is missing"},
    {"host a b\nlink a --\n", 2, 10, "is missing"},
    {"host a b\nlink a -- b dealy 3ms\n", 2, 13, "no option of a link; there are: rate delay"},
    {"host a b\nlink a -- b delay 3\n", 2, 19, "a time, such as 80ms"},
    {"host a b\nlink a -- b loss 101%\n", 2, 18, "a percentage"},
    {"host a b\nlink a -- b burst 1%\n", 2, 21, "burst needs two"},
    {"host a b\nlink a -- b queue red\n", 2, 19, "fifo, codel, fq or fq_codel"},
    {"host a[2] b[3]\nlink a[*] -- b[*]\n", 2, 14, "cannot be paired"},
    {"host a b\nbulk a -> b size 3\n", 2, 13, "no option of a flow"},
    {"host a b\nudp a <- b\n", 2, 7, "'->' is missing"},
    {"seed\n", 1, 5, "seed needs"},
    {"seed 1 2\n", 1, 8, "one word too many"},
    {"duration 2h\n", 1, 10, "a time"},
};

static void errors_say_where_and_what(void **state)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct nst_sim_topology *t;
        struct nst_sim_error error = {0};
        assert_int_equal(nst_sim_topology_new(nst_host_allocator(), &t), 0);
        const int r = nst_sim_topology_read(t, wrong[i].text, strlen(wrong[i].text), &error);
        if (r != -NST_EINVAL || error.line != wrong[i].line || error.column != wrong[i].column ||
            strstr(error.text, wrong[i].says) == NULL)
            fail_msg("%s%u:%u: %s", wrong[i].text, error.line, error.column, error.text);
        nst_sim_topology_free(t);
    }
}

/* Cut anywhere, in memory of just that size, the text is read or refused. */
static void a_text_that_is_cut_is_read_or_refused(void **state)
{
    for (size_t len = 0; len < sizeof(whole); len++) {
        struct nst_sim_topology *t;
        struct nst_sim_error error = {0};
        char *text = malloc(len + 1 > 1 ? len : 1);
        assert_non_null(text);
        memcpy(text, whole, len);
        assert_int_equal(nst_sim_topology_new(nst_host_allocator(), &t), 0);
        if (nst_sim_topology_read(t, text, len, &error) != 0) {
            assert_true(error.line >= 1 && error.column >= 1);
            assert_true(error.text[0] != '\0');
        }
        nst_sim_topology_free(t);
        free(text);
    }
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } worlds[] = {
        {"host a\nlink a -- a\n", "with itself"},
        {"switch s t\nlink s -- t\nlink t -- s\n", "closes a loop"},
        {"host a b\nlink a -- b mtu 500\n", "mtu 500"},
        {"host a b c\nlink a -- b\nlink b -- c\nbulk a -> c\n", "no path from a to c"},
        {"host a\nswitch s\nlink a -- s\nbulk a -> s\n", "both ends have to be hosts"},
        {"host a b\nlink a -- b\nudp a -> b size 23\n", "size 23"},
        {"host a b\nlink a -- b\nbulk a -> a\n", "no path from a to a"},
        {"host a b\nlink a -- b rate 101gbit\n", "over 100gbit"},
        {"host a b\nlink a -- b\nbulk a -> b on 1s\n", "give both on and off"},
        {"host a b\nlink a -- b\nudp a -> b on 1s off 1us\n", "give both on and off"},
        {"host a b\nlink a -- b\nudp a -> b size 24 rate 1gbit\n", "over a million"},
    };
    for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
        struct nst_sim_topology *t = read_text(worlds[i].text);
        struct nst_sim_error error;
        struct nst_sim *sim;
        assert_int_equal(nst_sim_new(nst_host_allocator(), t, &error, &sim), -NST_EINVAL);
        if (strstr(error.text, worlds[i].says) == NULL)
            fail_msg("%s: %s", worlds[i].text, error.text);
        nst_sim_topology_free(t);
    }
}

TESTS({"everything that the language has is read", everything_is_read},
      {"what is written reads the same", what_is_written_reads_the_same},
      {"random worlds are written, read and made the same",
       random_worlds_are_written_and_read_the_same},
      {"errors say where and what", errors_say_where_and_what},
      {"a text that is cut is read or refused", a_text_that_is_cut_is_read_or_refused},
      {"what makes no sense is refused", what_makes_no_sense_is_refused})
