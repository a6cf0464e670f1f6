/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program attached as `nst run` does, with a network in which 10.0.2.2 (and whatever else is
 * asked) answers pings and nothing else answers anything: the process side of nst without a stack.
 *
 *     attach_probe [-v] [-b] [-q QUEUES] [-m METHOD] [-6] [-h] [-s] PROGRAM [ARGS]
 *     -b bare packets without virtio-net header   -6 IPv6 addresses too
 *     -h say "held", and hold the program until a byte or the end comes on stdin
 *     -s the kernel is slow to signal what came from init
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attach/attach.h"

enum {
    PACKET_SIZE = 65536 + 32
};

static uint16_t checksum(const uint8_t *data, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)(data[i] << 8 | data[i + 1]);
    if (size & 1)
        sum += (uint32_t)data[size - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_checksum(uint8_t *at, const uint8_t *data, size_t size)
{
    at[0] = at[1] = 0;
    uint16_t sum = checksum(data, size);
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)sum;
}

/* Turns an IPv4 echo request into its reply. Returns whether it was one. */
static bool answer(uint8_t *packet, size_t size)
{
    if (size < 28 || packet[0] != 0x45 || packet[9] != 1 || packet[20] != 8)
        return false;
    uint8_t source[4];
    memcpy(source, packet + 12, 4);
    memcpy(packet + 12, packet + 16, 4);
    memcpy(packet + 16, source, 4);
    put_checksum(packet + 10, packet, 20);
    packet[20] = 0;
    put_checksum(packet + 22, packet + 20, size - 20);
    return true;
}

static void serve_link(const struct attach *attach, int fd)
{
    static uint8_t buffer[PACKET_SIZE];
    /* A frame goes back as it came: with ARP off, both its addresses are the program's. */
    const size_t header = attach->vnet_hdr_len + (attach->kind == ATTACH_KIND_PACKET ? 14 : 0);
    for (;;) {
        ssize_t size = read(fd, buffer, sizeof(buffer));
        if (size < (ssize_t)header)
            return;
        if (!answer(buffer + header, (size_t)size - header))
            continue;
        memset(buffer, 0, attach->vnet_hdr_len);
        if (write(fd, buffer, (size_t)size) != size)
            perror("attach_probe: write");
    }
}

static void serve(struct attach *attach)
{
    struct pollfd fds[ATTACH_MAX_QUEUES + 1];
    for (unsigned i = 0; i < attach->link_count; i++)
        fds[i] = (struct pollfd){.fd = attach->link_fd[i], .events = POLLIN};
    fds[attach->link_count] = (struct pollfd){.fd = attach->event_fd, .events = POLLIN};
    for (;;) {
        if (poll(fds, attach->link_count + 1, -1) < 0 && errno != EINTR)
            return;
        for (unsigned i = 0; i < attach->link_count; i++)
            if (fds[i].revents & POLLIN)
                serve_link(attach, fds[i].fd);
        if (fds[attach->link_count].revents && attach_run(attach))
            return;
    }
}

/*
 * The kernel wakes those who wait for a record one by one and only then signals that it came.
 * With thousands who wait, and nst the first of them, nst is far ahead of the signal.
 */
static void make_signals_slow(const struct attach *attach)
{
    struct epoll_event event = {.events = EPOLLIN};
    for (int i = 0; i < 15000; i++) {
        int fd = epoll_create1(EPOLL_CLOEXEC);
        if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, attach->control_fd, &event) < 0)
            break; /* as many as there may be */
    }
    /* Who comes last is woken first. */
    epoll_ctl(attach->event_fd, EPOLL_CTL_DEL, attach->control_fd, NULL);
    epoll_ctl(attach->event_fd, EPOLL_CTL_ADD, attach->control_fd, &event);
}

static void hold_program(void)
{
    char byte;
    fputs("held\n", stderr);
    (void)!read(STDIN_FILENO, &byte, 1);
}

int main(int argc, char **argv)
{
    struct attach_options options = {0};
    struct attach attach;
    char message[ATTACH_TEXT_SIZE];
    bool hold = false, slow = false;
    int letter;
    while ((letter = getopt(argc, argv, "+vbhsm:q:6")) != -1) {
        options.verbose |= letter == 'v';
        options.no_vnet_hdr |= letter == 'b';
        hold |= letter == 'h';
        slow |= letter == 's';
        if (letter == 'm')
            options.method = optarg;
        if (letter == 'q')
            options.queues = (unsigned)strtoul(optarg, NULL, 10);
        if (letter == '6') {
            options.address6 = "fd00:0:0:2::15/64";
            options.gateway6 = "fd00:0:0:2::2";
            options.dns6 = "fd00:0:0:2::3";
        }
    }
    options.argv = argv + optind;
    if (attach_start(&options, message, &attach) < 0) {
        fprintf(stderr, "attach_probe: %s\n", message);
        return ATTACH_EXIT_FAILED;
    }
    if (options.verbose)
        fprintf(stderr, "link: %s, %u queues, header %u, offload %#x\n", attach.how,
                attach.link_count, attach.vnet_hdr_len, attach.offload);
    if (slow)
        make_signals_slow(&attach);
    if (hold)
        hold_program();
    attach_release(&attach);
    serve(&attach);
    if (attach_message(&attach))
        fprintf(stderr, "attach_probe: %s\n", attach_message(&attach));
    attach_fini(&attach);
    return attach_status(&attach);
}
