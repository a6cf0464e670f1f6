/* SPDX-License-Identifier: Apache-2.0 */
/* A stack on a memory link, a capture between them, and what its outputs hold. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nicstack/capture.h>
#include <nicstack/nic.h>
#include <nicstack/trace.h>

#include "alloc.h"
#include "frames.h"
#include "memlink.h"
#include "wire/csum.h"
#include "wire/pcapng.h"

#define SECOND_1970 1700000000

struct rig {
    struct alloc alloc;
    struct nst_stack *stack;
    struct memlink link;
    struct nst_capture *capture;
    int file;
    struct nst_capture_output *output;
    struct nst_capture_output_config config;
    int ended, errnum; /* how often it ended, and how */
};

/* What is in a file. */
struct content {
    uint8_t *bytes;
    size_t len;
    unsigned sections, interfaces, packets, names, statistics;
    struct pcapng_packet packet[512];
    struct pcapng_statistics last;
};

static nst_time now(void)
{
    return 5 * NST_SEC;
}

static void on_ended(void *context, struct nst_capture_output *output, int errnum)
{
    struct rig *r = context;
    assert_ptr_equal(output, r->output);
    r->ended++;
    r->errnum = errnum;
}

static void rig_init(struct rig *r, bool ethernet)
{
    const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};
    *r = (struct rig){.file = -1};
    alloc_init(&r->alloc);
    struct nst_stack_config stack = {
        .size = sizeof(stack), .allocator = r->alloc.allocator, .seed = {1}, .now = now()};
    assert_int_equal(nst_stack_new(&stack, &r->stack), 0);
    memlink_init(&r->link, ethernet ? &mac : NULL);
    const struct nst_capture_config config = {
        .size = sizeof(config),
        .stack = r->stack,
        .now = now,
        .epoch = (int64_t)SECOND_1970 * NST_SEC,
        .application = "test",
    };
    assert_int_equal(nst_capture_new(&config, &r->capture), 0);
    const struct nst_capture_interface interface = {
        .size = sizeof(interface),
        .name = "nic1",
        .description = "a test",
        .type = ethernet ? NST_CAPTURE_ETHERNET : NST_CAPTURE_RAW_IP,
    };
    const struct nst_nic_config nic = {
        .size = sizeof(nic),
        .link = nst_capture_link(r->capture, &r->link.link, &interface),
    };
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    uint32_t id;
    assert_non_null(nic.link);
    assert_int_equal(nst_nic_add(r->stack, &nic, &id), 0);
    assert_int_equal(nst_nic_addr_add(r->stack, id, &addr), 0);
    r->config = (struct nst_capture_output_config){
        .size = sizeof(r->config), .fd_count = 1, .ended = on_ended, .context = r};
}

static void rig_add(struct rig *r, int fd)
{
    r->file = fd;
    r->config.fds = &r->file;
    assert_int_equal(nst_capture_add(r->capture, &r->config, &r->output), 0);
}

static int new_file(void)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void rig_begin(struct rig *r)
{
    rig_init(r, false);
    rig_add(r, new_file());
}

static void rig_fini(struct rig *r)
{
    nst_capture_remove(r->output, 0);
    nst_stack_free(r->stack);
    nst_capture_free(r->capture);
    memlink_fini(&r->link);
    if (r->file >= 0)
        close(r->file);
    assert_int_equal(r->alloc.live_bytes, 0);
}

static void turn(struct rig *r)
{
    nst_stack_run(r->stack, now(), 0);
    nst_capture_flush(r->capture);
}

static const struct nst_endpoint stranger = {
    .addr = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}}}, .port = 9};
static const struct nst_endpoint host = {
    .addr = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}}}, .port = 7};

/* An echo request of `len` bytes of data, which is answered in the next turn. */
static void ping(struct rig *r, size_t len)
{
    static uint8_t body[2000], packet[2100];
    const struct icmp4_hdr hdr = {.type = ICMP4_ECHO_REQUEST, .id = 1, .seq = 2};
    const size_t n = frame_icmp4_body(body, &hdr, packet + 100, len);
    memlink_inject(&r->link, packet,
                   frame_ip4(packet, &stranger.addr, &host.addr, IP_PROTO_ICMP, body, n));
}

static void add_block(struct content *c, const struct pcapng_block *block)
{
    uint16_t link;
    char name[16];
    if (block->type == PCAPNG_SECTION) {
        c->sections++;
    } else if (pcapng_read_interface(block, &link, name, sizeof(name))) {
        assert_string_equal(name, "nic1");
        c->interfaces++;
    } else if (block->type == PCAPNG_NAMES) {
        c->names++;
    } else if (pcapng_read_statistics(block, &c->last)) {
        c->statistics++;
    } else {
        assert_true(c->packets < 512);
        assert_true(pcapng_read_packet(block, &c->packet[c->packets++]));
    }
}

/* All blocks are whole, and begin with a section. */
static void content_parse(struct content *c)
{
    struct pcapng_block block;
    for (size_t at = 0; at < c->len; at += block.len) {
        assert_true(pcapng_read(c->bytes + at, c->len - at, &block) > 0);
        assert_true(at > 0 || block.type == PCAPNG_SECTION);
        add_block(c, &block);
    }
}

static void content_read(struct content *c, int fd)
{
    const off_t size = lseek(fd, 0, SEEK_END);
    *c = (struct content){.bytes = malloc((size_t)size + 1), .len = (size_t)size};
    assert_int_equal(pread(fd, c->bytes, c->len, 0), size);
    content_parse(c);
}

static void content_free(struct content *c)
{
    free(c->bytes);
}

/* Finishes the output, and reads its file. */
static void read_all(struct rig *r, struct content *c)
{
    nst_capture_remove(r->output, 0);
    r->output = NULL;
    content_read(c, r->file);
}

/* ---- Tests ---- */

static void both_ways_are_there_in_order(void **state)
{
    static struct content c;
    struct rig r;
    rig_begin(&r);
    ping(&r, 5);
    turn(&r);
    read_all(&r, &c);
    assert_int_equal(c.sections, 1);
    assert_int_equal(c.interfaces, 1);
    assert_int_equal(c.packets, 2);
    assert_int_equal(c.packet[0].direction, PCAPNG_INBOUND);
    assert_int_equal(c.packet[1].direction, PCAPNG_OUTBOUND);
    assert_true(c.packet[0].time == (SECOND_1970 + 5ull) * NST_SEC);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(c.packet[i].len, 33);
        assert_int_equal(c.packet[i].captured, 33);
        assert_int_equal(c.packet[i].comment_count, 0);
        assert_true(frame_ip4_is_right(c.packet[i].data, 33));
    }
    assert_int_equal(c.statistics, 1);
    assert_true(c.last.received == 2 && c.last.accepted == 2 && c.last.written == 2 &&
                c.last.dropped == 0);
    content_free(&c);
    rig_fini(&r);
}

/* UDP, left to complete, from two slices at an odd offset. */
static void checksums_are_completed_in_the_copy(void **state)
{
    static struct content c;
    struct rig r;
    uint8_t packet[200];
    for (uint32_t snaplen = 0; snaplen <= 64; snaplen += 64) {
        rig_init(&r, false);
        r.config.snaplen = snaplen;
        rig_add(&r, new_file());
        const size_t len = frame_udp(packet, &stranger, &host,
                                     "some bytes of data, many of them "
                                     "all different",
                                     45);
        uint8_t right[2];
        memcpy(right, packet + 26, 2);
        const uint16_t raw = csum_fold_raw(
            csum_pseudo(&stranger.addr, &host.addr, IP_PROTO_UDP, (uint32_t)len - 20));
        memcpy(packet + 26, &raw, 2);
        struct nst_pktq q = {0};
        struct nst_pkt *p = memlink_packet(&r.link, packet, len);
        nst_pkt_request_csum(p, 20, 6);
        nst_pktq_push(&q, p);
        memlink_deliver(&r.link, &q);
        turn(&r);
        read_all(&r, &c);
        assert_true(c.packets >= 1);
        assert_int_equal(c.packet[0].len, len);
        assert_int_equal(c.packet[0].captured, snaplen != 0 ? snaplen : len);
        assert_memory_equal(c.packet[0].data + 26, right, 2);
        content_free(&c);
        rig_fini(&r);
    }
}

static void a_drop_says_why(void **state)
{
    static struct content c;
    struct rig r;
    uint8_t packet[100];
    rig_begin(&r);
    const size_t len = frame_udp(packet, &stranger, &host, "x", 1);
    memlink_inject(&r.link, packet, len); /* nobody listens: an error is sent */
    packet[len - 1] ^= 1;
    memlink_inject(&r.link, packet, len);
    turn(&r);
    read_all(&r, &c);
    assert_int_equal(c.packets, 3);
    assert_int_equal(c.packet[0].comment_count, 1);
    assert_memory_equal(c.packet[0].comments[0], "dropped: no_socket: ", 20);
    assert_int_equal(c.packet[1].comment_count, 1);
    assert_memory_equal(c.packet[1].comments[0], "dropped: trans_csum: ", 21);
    assert_int_equal(c.packet[2].comment_count, 0);
    content_free(&c);
    rig_fini(&r);
}

/* A segment of ten bytes, from `seq` on, of a connection that there is not. */
static struct nst_pkt *segment(struct rig *r, uint32_t seq)
{
    uint8_t packet[100];
    const struct tcp_hdr hdr = {
        .src_port = 9, .dst_port = 7, .seq = seq, .ack = 1, .flags = TCP_ACK, .hdr_len = 20};
    const struct nst_iovec payload = {.base = (void *)"0123456789", .len = 10};
    return memlink_packet(&r->link, packet,
                          frame_tcp4(packet, &stranger, &host, &hdr, NULL, &payload));
}

static void what_was_merged_shares_its_fate(void **state)
{
    static struct content c;
    struct rig r;
    rig_begin(&r);
    struct nst_pktq q = {0};
    for (uint32_t i = 0; i < 3; i++)
        nst_pktq_push(&q, segment(&r, 100 + 10 * i));
    memlink_deliver(&r.link, &q);
    turn(&r);
    read_all(&r, &c);
    assert_int_equal(c.packets, 4); /* and one reset */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(c.packet[i].comment_count, 1);
        assert_memory_equal(c.packet[i].comments[0], "dropped: no_socket: ", 20);
    }
    assert_int_equal(c.packet[3].comment_count, 1);
    assert_memory_equal(c.packet[3].comments[0], "no_socket: ", 11);
    content_free(&c);
    rig_fini(&r);
}

static void the_host_adds_comments(void **state)
{
    static struct content c;
    struct rig r;
    rig_begin(&r);
    ping(&r, 1);
    ping(&r, 2);
    nst_capture_comment(r.capture, 2, "policy: a reason");
    nst_capture_comment(r.capture, 2, "and another");
    nst_capture_comment(r.capture, 77, "of none");
    nst_capture_comment(r.capture, 0, "of none");
    turn(&r);
    nst_capture_comment(r.capture, 1, "too late");
    turn(&r);
    read_all(&r, &c);
    assert_int_equal(c.packets, 4);
    assert_int_equal(c.packet[0].comment_count, 0);
    assert_int_equal(c.packet[1].comment_count, 2);
    assert_memory_equal(c.packet[1].comments[0], "policy: a reason", 16);
    assert_int_equal(c.packet[2].comment_count, 0);
    content_free(&c);
    rig_fini(&r);
}

static void names_come_before_what_follows_and_once(void **state)
{
    static struct content c;
    struct rig r;
    rig_begin(&r);
    ping(&r, 1);
    turn(&r);
    nst_capture_name(r.capture, &stranger.addr, "stranger.test");
    nst_capture_name(r.capture, &stranger.addr, "stranger.test");
    ping(&r, 1);
    turn(&r);
    nst_capture_remove(r.output, 0);
    content_read(&c, r.file);
    assert_int_equal(c.names, 1);
    content_free(&c);
    close(r.file);
    /* Who comes later gets them with the header. */
    rig_add(&r, new_file());
    read_all(&r, &c);
    assert_int_equal(c.names, 1);
    content_free(&c);
    rig_fini(&r);
}

static void a_snap_length_cuts(void **state)
{
    static struct content c;
    struct rig r;
    rig_init(&r, true);
    r.config.snaplen = 70;
    rig_add(&r, new_file());
    uint8_t packet[600], frame[700];
    const size_t len = frame_udp(packet, &stranger, &host, packet, 500);
    const struct nst_mac from = {{2, 0, 0, 0, 0, 2}}, to = {{2, 0, 0, 0, 0, 1}};
    memlink_inject(&r.link, frame, frame_eth(frame, from, to, 0x0800, packet, len));
    turn(&r);
    read_all(&r, &c);
    assert_int_equal(c.packet[0].captured, 70);
    assert_int_equal(c.packet[0].len, len + 14);
    assert_memory_equal(c.packet[0].data, frame, 70);
    content_free(&c);
    rig_fini(&r);
}

static void a_filter_chooses(void **state)
{
    static struct content c;
    struct rig r;
    /* The length is more than 40. */
    static const struct nst_capture_insn code[] = {
        {0x80, 0, 0, 0}, {0x25, 0, 1, 40}, {0x06, 0, 0, 1}, {0x06, 0, 0, 0}};
    static const struct nst_capture_insn bad[] = {{0x05, 0, 0, 9}};
    rig_init(&r, false);
    r.config.fds = &r.file;
    r.config.filter[NST_CAPTURE_RAW_IP] = (struct nst_capture_filter){bad, 1};
    assert_int_equal(nst_capture_add(r.capture, &r.config, &r.output), -NST_EINVAL);
    r.config.filter[NST_CAPTURE_RAW_IP] = (struct nst_capture_filter){code, 4};
    r.config.filter_text = "greater 41";
    rig_add(&r, new_file());
    ping(&r, 5);
    ping(&r, 50);
    turn(&r);
    read_all(&r, &c);
    assert_int_equal(c.packets, 2);
    assert_int_equal(c.packet[0].len, 78);
    assert_true(c.last.received == 4 && c.last.accepted == 2 && c.last.written == 2);
    content_free(&c);
    rig_fini(&r);
}

static void a_ring_keeps_the_last(void **state)
{
    static struct content c;
    struct rig r;
    struct nst_capture_stats stats;
    int fds[3];
    rig_init(&r, false);
    for (int i = 0; i < 3; i++)
        fds[i] = new_file();
    r.config.fds = fds;
    r.config.fd_count = 3;
    r.config.file_size = 1000;
    assert_int_equal(nst_capture_add(r.capture, &r.config, &r.output), -NST_EINVAL);
    r.config.file_size = 65536;
    assert_int_equal(nst_capture_add(r.capture, &r.config, &r.output), 0);
    for (int i = 0; i < 3; i++) {
        content_read(&c, fds[i]);
        assert_true(c.sections == 1 && c.interfaces == 1 && c.packets == 0);
        content_free(&c);
    }
    for (int i = 0; i < 100; i++) { /* 300 KiB */
        ping(&r, 1400);
        turn(&r);
    }
    nst_capture_get_stats(r.output, &stats);
    assert_int_equal(stats.written, 200);
    nst_capture_remove(r.output, 0);
    r.output = NULL;
    unsigned packets = 0;
    for (int i = 0; i < 3; i++) {
        content_read(&c, fds[i]);
        assert_true(c.len <= 65536 + 2000);
        assert_int_equal(c.sections, 1);
        assert_int_equal(c.statistics, 1);
        packets += c.packets;
        content_free(&c);
        close(fds[i]);
    }
    assert_true(packets >= 2 * 65536 / 1600 && packets < 200);
    rig_fini(&r);
}

static void a_slow_reader_loses_and_is_told(void **state)
{
    static struct content c;
    struct rig r;
    int ends[2];
    struct nst_capture_stats stats;
    rig_init(&r, false);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    r.config.queue = 1; /* the least there is */
    rig_add(&r, ends[0]);
    unsigned sent = 0;
    do {
        ping(&r, 1400);
        turn(&r);
        sent += 2;
        nst_capture_get_stats(r.output, &stats);
        assert_int_equal(stats.written + stats.dropped, sent);
        assert_true(sent < 10000);
    } while (stats.dropped == 0);
    ping(&r, 1400);
    turn(&r);
    sent += 2;
    assert_int_equal(r.ended, 0);
    /* It reads again: the rest, and with the next packet how many it missed. */
    static uint8_t some[4 << 20];
    size_t len = 0;
    ssize_t n;
    while ((n = read(ends[1], some + len, sizeof(some) - len)) > 0) {
        len += (size_t)n;
        nst_capture_flush(r.capture);
    }
    ping(&r, 100);
    turn(&r);
    sent += 2;
    nst_capture_get_stats(r.output, &stats);
    assert_int_equal(stats.written + stats.dropped, sent);
    nst_capture_remove(r.output, 0);
    r.output = NULL;
    shutdown(ends[0], SHUT_WR);
    while ((n = read(ends[1], some + len, sizeof(some) - len)) > 0)
        len += (size_t)n;
    c = (struct content){.bytes = some, .len = len};
    content_parse(&c);
    assert_int_equal(c.packets, stats.written);
    assert_true(c.last.dropped == stats.dropped && c.last.received == sent);
    assert_int_equal(c.packet[c.packets - 2].dropped, stats.dropped);
    close(ends[1]);
    rig_fini(&r);
}

static void a_reader_that_goes_ends_the_output(void **state)
{
    struct rig r;
    int ends[2];
    rig_init(&r, false);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    rig_add(&r, ends[0]);
    close(ends[1]);
    ping(&r, 10);
    turn(&r);
    turn(&r);
    assert_int_equal(r.ended, 1);
    assert_int_equal(r.errnum, EPIPE);
    rig_fini(&r);
}

/* Memory for a file may run out too: here its size may. */
static void a_full_disk_leaves_a_good_file(void **state)
{
    static struct content c;
    struct rig r;
    struct rlimit saved, limited;
    struct nst_capture_stats stats;
    signal(SIGXFSZ, SIG_IGN);
    rig_begin(&r);
    getrlimit(RLIMIT_FSIZE, &saved);
    limited = (struct rlimit){.rlim_cur = 5000, .rlim_max = saved.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limited);
    for (int i = 0; i < 20; i++)
        ping(&r, 300);
    turn(&r);
    setrlimit(RLIMIT_FSIZE, &saved);
    assert_int_equal(r.ended, 1);
    assert_int_equal(r.errnum, EFBIG);
    nst_capture_get_stats(r.output, &stats);
    assert_int_equal(stats.written + stats.dropped, 40);
    read_all(&r, &c);
    assert_true(c.packets > 5);
    assert_int_equal(c.packets, stats.written);
    content_free(&c);
    rig_fini(&r);
}

static void so_many_packets_and_then_it_is_finished(void **state)
{
    static struct content c;
    struct rig r;
    rig_init(&r, false);
    r.config.packets_max = 3;
    rig_add(&r, new_file());
    for (int i = 0; i < 5; i++)
        ping(&r, 10);
    turn(&r);
    assert_int_equal(r.ended, 1);
    assert_int_equal(r.errnum, 0);
    turn(&r);
    assert_int_equal(r.ended, 1);
    read_all(&r, &c);
    assert_int_equal(c.packets, 3);
    assert_int_equal(c.statistics, 1);
    content_free(&c);
    rig_fini(&r);
}

static void many_frames_in_one_turn_are_all_there(void **state)
{
    struct rig r;
    struct nst_capture_stats stats;
    rig_begin(&r);
    for (int i = 0; i < 6000; i++)
        ping(&r, 1400);
    turn(&r);
    nst_capture_get_stats(r.output, &stats);
    assert_true(stats.written >= 6000);
    assert_int_equal(stats.written, stats.received);
    rig_fini(&r);
}

static void without_an_output_nothing_is_followed(void **state)
{
    struct rig r;
    rig_init(&r, false);
    ping(&r, 10);
    turn(&r);
    assert_int_equal(r.link.count, 1);
    assert_int_equal(nst_stack_trace_lost(r.stack), 0);
    assert_int_equal(nst_stack_trace_start(r.stack, 0), 0); /* it was off */
    nst_stack_trace_stop(r.stack);
    rig_fini(&r);
}

TESTS({"both ways are there, in order, with their time", both_ways_are_there_in_order},
      {"checksums are completed in the copy, also of what is cut",
       checksums_are_completed_in_the_copy},
      {"a dropped packet says why", a_drop_says_why},
      {"segments that were merged share their fate", what_was_merged_shares_its_fate},
      {"the host adds comments to what waits", the_host_adds_comments},
      {"names come once, and with every header", names_come_before_what_follows_and_once},
      {"a snap length cuts, and the length stays", a_snap_length_cuts},
      {"a filter chooses", a_filter_chooses}, {"a ring keeps the last", a_ring_keeps_the_last},
      {"a slow reader loses packets, and is told how many", a_slow_reader_loses_and_is_told},
      {"a reader that goes ends the output", a_reader_that_goes_ends_the_output},
      {"a full disk leaves a good file", a_full_disk_leaves_a_good_file},
      {"after so many packets it is finished", so_many_packets_and_then_it_is_finished},
      {"many frames in one turn are all there", many_frames_in_one_turn_are_all_there},
      {"without an output nothing is followed", without_an_output_nothing_is_followed})
