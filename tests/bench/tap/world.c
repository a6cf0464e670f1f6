/* SPDX-License-Identifier: Apache-2.0 */
/* A stack on a TAP, run by the library's loop, or by one that never sleeps. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MTU        1500
#define VNET_HDR   12
#define READY_MAX  64
#define STDIN_LOOK 65536 /* spinning, stdin is looked at once in so many turns */

void must(int64_t r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, nst_strerror((int)r));
    exit(1);
}

/* A TAP whose packets come bare. */
static int open_plain(const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
        give_up("TAP");
    return fd;
}

static void open_tap(struct world *w, const struct tap_config *config)
{
    w->fd = config->plain ? open_plain(config->name) : nst_tuntap_open(config->name, true);
    must(w->fd, "TAP");
    const struct nst_tuntap_config tap = {
        .size = sizeof(tap),
        .fd = w->fd,
        .ethernet = true,
        .vnet_hdr = config->plain ? 0 : VNET_HDR,
        .segmentation = !config->plain,
        .mtu = MTU,
        .addr = {{2, 0, 0, 0, 0, 2}},
    };
    must(nst_tuntap_new(nst_host_allocator(), &tap, &w->link), "link");
}

void world_init(struct world *w, const struct tap_config *config)
{
    *w = (struct world){.spin = config->spin};
    struct nst_stack_config stack = {
        .size = sizeof(stack), .allocator = *nst_host_allocator(), .now = nst_host_now()};
    const struct nst_nic_addr addr = {.addr = config->addr, .prefix_len = 24};

    open_tap(w, config);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = w->link};
    must(nst_host_seed(stack.seed), "seed");
    must(nst_stack_new(&stack, &w->stack), "stack");
    must(nst_nic_add(w->stack, &nic, NULL), "NIC");
    must(nst_nic_addr_add(w->stack, 1, &addr), "address");
}

/* ---- The loop that sleeps ---- */

/* stdin, beside the world that it ends. */
struct watched_stdin {
    struct nst_watch watch; /* first */
    struct world *world;
};

static void on_stdin(struct nst_watch *watch, uint32_t events)
{
    char data[64];
    if (read(watch->fd, data, sizeof(data)) <= 0)
        world_stop(((struct watched_stdin *)watch)->world);
}

static void run_loop(struct world *w)
{
    struct watched_stdin in = {{.fd = STDIN_FILENO, .on_events = on_stdin}, w};
    must(nst_loop_new(&w->loop), "loop");
    must(nst_loop_add_stack(w->loop, w->stack, w->on_ready, w->context), "stack");
    must(nst_loop_add_link(w->loop, w->link, w->fd, nst_tuntap_receive), "link");
    if (w->serves)
        must(nst_loop_add(w->loop, &in.watch, EPOLLIN), "stdin");
    if (!w->stopped)
        must(nst_loop_run(w->loop), "loop");
    if (w->serves)
        nst_loop_remove(w->loop, &in.watch);
    nst_loop_remove_link(w->loop, w->link);
    nst_loop_free(w->loop);
    w->loop = NULL;
}

/* ---- The loop that never sleeps ---- */

static bool stdin_ended(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char data[64];
    return poll(&in, 1, 0) > 0 && read(STDIN_FILENO, data, sizeof(data)) <= 0;
}

/* One turn: a packet is acted on before the next one is looked for. Was there anything to do? */
static bool spin_once(struct world *w, bool more)
{
    struct nst_ready ready[READY_MAX];
    const int received = nst_tuntap_receive(w->link, 1);
    must(received, "TAP");
    if (w->link->tx_blocked)
        nst_link_set_writable(w->link);
    const nst_time now = nst_host_now();
    if (received == 0 && !more && nst_stack_next_deadline(w->stack) > now)
        return false;
    nst_stack_run(w->stack, now, 0);
    const int n = nst_ready_list(w->stack, ready, READY_MAX);
    for (int i = 0; i < n; i++)
        w->on_ready(w->context, &ready[i]);
    if (n > 0)
        nst_stack_run(w->stack, now, 0);
    return n > 0;
}

static void run_spinning(struct world *w)
{
    bool more = true;
    for (uint64_t turn = 1; !w->stopped; turn++) {
        more = spin_once(w, more);
        if (w->serves && turn % STDIN_LOOK == 0 && stdin_ended())
            world_stop(w);
    }
}

void world_run(struct world *w, void (*on_ready)(void *context, const struct nst_ready *ready),
               void *context)
{
    w->on_ready = on_ready;
    w->context = context;
    if (w->spin)
        run_spinning(w);
    else
        run_loop(w);
}

void world_stop(struct world *w)
{
    w->stopped = true;
    if (w->loop != NULL)
        nst_loop_stop(w->loop);
}

/* A counter of the stack, 0 where there is none. */
static unsigned long long counter(const struct world *w, const char *name)
{
    uint64_t value = 0;
    (void)nst_stack_counter_get(w->stack, name, &value);
    return value;
}

void world_report(const struct world *w)
{
    struct nst_tuntap_stats stats;
    struct nst_memory memory;
    struct rusage usage;
    nst_tuntap_get_stats(w->link, &stats);
    nst_stack_get_memory(w->stack, &memory);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"retransmitted\": %llu, \"rx_no_memory\": %llu, \"memory_peak\": %llu, "
           "\"page_faults\": %ld, \"slept\": %ld}\n",
           counter(w, "tcp_segments_retransmitted"), (unsigned long long)stats.rx_no_memory,
           (unsigned long long)memory.peak, usage.ru_minflt, usage.ru_nvcsw);
}

void world_fini(struct world *w)
{
    nst_stack_free(w->stack);
    nst_tuntap_free(w->link);
    close(w->fd);
}
