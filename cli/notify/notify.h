/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachment where namespaces are refused: the program's calls of sockets come to nst by seccomp
 * user notification, and sockets are handed in.
 *
 *     PROGRAM --calls--> listener --> nst --> stack of the guest ==pipe==> stack of the gateway
 *        `--read, write--> unix socket pair <--pump--'
 *
 * Theory of operation. The guest's stack (10.0.2.15, and lo) lives in nst and is joined by a pipe
 * to the stack that serves every program, so captures, policy and counters see what they would see
 * of a TUN. socket(2) gives the program one end of a pair of unix sockets, a stream or
 * SOCK_SEQPACKET for datagrams, and nst keeps the other: reads, writes and polls need no help.
 * What names an address, a message or an option comes as a notification, is done here on the
 * guest's stack, and is answered, perhaps later: a call that blocks is kept and tried again when
 * something has happened to its socket. What is for descriptors that are no sockets of ours is told
 * to go on.
 *
 * A socket is known by the inode of the program's end, so dup, fork, exec and passing it on need
 * nothing. It ends when the last copy of the program's end is closed: ours says EPOLLHUP.
 *
 *  - notify_filter.c   which calls are asked about
 *  - notify_target.c   memory and descriptors of the process that waits
 *  - notify_address.c, notify_message.c   what lies in its memory, decoded
 *  - notify_calls.c    each call: its arguments in, its results out
 *  - notify_options.c  getsockopt and setsockopt
 *  - notify_socket.c   the table of sockets, the calls that wait
 *  - notify_stream.c   TCP: connect, listen, accept, the pump
 *  - notify_datagram.c UDP and ping
 *
 * A connect that must not block is told EINPROGRESS, and the program's end is filled with bytes
 * that nobody will see, so that it is not writable until the connection stands or has failed. A
 * reset is passed on by closing our end with such a byte unread, which is ECONNRESET at the other.
 * A socket that listens is made readable by one byte while a connection waits. Of a datagram socket
 * that is not connected at most one datagram is in the program's end, so that its sender is known.
 *
 * (1) What the program says is bounded and checked: lengths, counts, addresses, descriptors.
 * (2) No call of the program can make nst block.
 * (3) This is no cage: a program that wants to escape can (seccomp_unotify(2)). It runs with the
 * user's own rights in the host's namespaces.
 *
 * Not covered: raw, packet and netlink sockets (the latter show the host's interfaces), 32-bit
 * programs, out-of-band data; ICMP errors and TTL of datagrams as
 * control messages; an error of a datagram socket reaches recvfrom(2), recvmsg(2) and SO_ERROR, but
 * recv(2) and read(2) see an empty datagram.
 */
#ifndef NICSTACK_CLI_NOTIFY_NOTIFY_H
#define NICSTACK_CLI_NOTIFY_NOTIFY_H

#include <nicstack/host.h>

struct notify;

struct notify_config {
    struct nst_loop *loop;
    struct nst_link *link; /* of the guest's NIC */
    int listener;          /* from notify_filter_install() in the program */
    uint64_t memory_limit; /* of the guest's stack */
    struct nst_addr address, gateway;
    uint8_t prefix_len;
    bool has_ipv6; /* the next three are given */
    struct nst_addr address6, gateway6;
    uint8_t prefix_len6;
    struct nst_addr dns; /* what is for the name servers of /etc/resolv.conf goes there */
};

/* Serves the program from now on. Loop, link and listener stay the caller's and must outlive it.
 * 0 or -NST_E*. */
int notify_new(const struct notify_config *config, struct notify **ret_notify);

/* The sockets' ends are closed. NULL is fine. */
void notify_free(struct notify *notify);

#endif
