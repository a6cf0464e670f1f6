/* SPDX-License-Identifier: Apache-2.0 */
/* What nst sim and nst replay write, where there is little memory or much to write. */
#include "small_memory.h"
#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <nicstack/host.h>

#include "alloc.h"
#include "commands.h"
#include "packet/pool.h"
#include "replay/replay_capture.h"
#include "simulate/sim.h"
#include "tool/file.h"
#include "wire/pcapng.h"

#define FLOWS 400 /* whose samples take more than what is allowed below */
#define LINKS 300000
#define NICS  300

static void make_name(char name[32])
{
    strcpy(name, "/tmp/nst-capture-XXXXXX");
    const int fd = mkstemp(name);
    assert_true(fd >= 0);
    close(fd);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* A topology of a pair with many flows. */
static void write_topology(const char *name)
{
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    fprintf(out, "host a b\nlink a -- b rate 1gbit delay 1ms\n");
    for (int i = 0; i < FLOWS; i++)
        fprintf(out, "udp a -> b rate 1kbit size 100\n");
    fclose(out);
}

/* Runs nst sim, and keeps what it says on stderr. */
static int run_sim(const char *topology, const char *plot, char *said, size_t size)
{
    char name[32];
    const char *const words[] = {"sim", "--duration", "10ms", "-q", "--plot", plot, topology, NULL};
    char *argv[8];
    memcpy(argv, words, sizeof(argv));
    make_name(name);
    fflush(stderr);
    const int to = dup(STDERR_FILENO), fd = open(name, O_WRONLY);
    dup2(fd, STDERR_FILENO);
    const int status = command_sim(7, argv);
    fflush(stderr);
    dup2(to, STDERR_FILENO);
    close(to);
    close(fd);
    size_t len;
    char *text = file_read(name, FILE_ANY_SIZE, &len);
    snprintf(said, size, "%s", text);
    free(text);
    unlink(name);
    return status;
}

static void a_plot_without_memory_for_it_is_an_error_that_is_said(void **state)
{
    char topology[32], plot[32], said[4096];
    make_name(topology);
    make_name(plot);
    write_topology(topology);
    assert_int_equal(run_sim(topology, plot, said, sizeof(said)), 1);
    if (strstr(said, "no memory for the plot") == NULL)
        fail_msg("it says: %s", said);
    unlink(topology);
    unlink(plot);
}

static void a_capture_that_fails_leaves_no_file_open(void **state)
{
    const struct nst_sim_topology topology = {.link_count = LINKS};
    char name[32];
    make_name(name);
    const unsigned before = count_descriptors();
    assert_null(sim_capture_open(NULL, &topology, name, NULL));
    assert_int_equal(count_descriptors(), before);
    unlink(name);
}

/* Counts the blocks of a file by type. */
static void count_blocks(const char *name, unsigned *ret_interfaces, unsigned *ret_packets)
{
    size_t len, at = 0;
    uint8_t *data = (uint8_t *)file_read(name, FILE_ANY_SIZE, &len);
    assert_non_null(data);
    *ret_interfaces = *ret_packets = 0;
    while (at < len) {
        struct pcapng_block block;
        struct pcapng_packet packet;
        const int n = pcapng_read(data + at, len - at, &block);
        assert_true(n > 0);
        at += (size_t)n;
        *ret_interfaces += block.type == PCAPNG_INTERFACE;
        if (pcapng_read_packet(&block, &packet)) {
            /* Each was seen once, in order, and begins with its NIC. */
            assert_int_equal(packet.interface, *ret_packets);
            assert_int_equal(packet.data[0], *ret_packets & 0xff);
            ++*ret_packets;
        }
    }
    free(data);
}

static void every_nic_of_a_replay_has_its_interface(void **state)
{
    char name[32];
    struct alloc alloc;
    struct nst_pool *pool;
    const struct nst_record_header header = {.version = 1};
    unsigned interfaces, packets;
    make_name(name);
    alloc_init(&alloc);
    pool = pool_new(&alloc.allocator, 1 << 20);
    assert_non_null(pool);
    struct replay_capture *c = replay_capture_new(name, &header);
    assert_non_null(c);
    for (uint32_t i = 0; i < NICS; i++) {
        struct nst_pkt *p = nst_pkt_new(pool, 0, 20);
        memset(nst_pkt_put(p, 20), (int)(i & 0xff), 20);
        const struct nst_replay_packet packet = {.packet = p, .nic = i + 1, .ethernet = true};
        replay_capture_see(c, &packet);
        nst_pkt_free(p);
    }
    assert_true(replay_capture_free(c));
    count_blocks(name, &interfaces, &packets);
    assert_int_equal(interfaces, NICS);
    assert_int_equal(packets, NICS);
    pool_retire(pool);
    unlink(name);
}

TESTS({"a plot without memory for it is an error that is said",
       a_plot_without_memory_for_it_is_an_error_that_is_said},
      {"a capture that fails leaves no file open", a_capture_that_fails_leaves_no_file_open},
      {"every NIC of a replay has its interface", every_nic_of_a_replay_has_its_interface})
