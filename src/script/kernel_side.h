/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a socket tells beside the data, as Linux does: control messages, the error queue, times of
 * what was sent.
 *
 * Theory of operation. Options say what a program wants to hear (wants, stamping). Control messages
 * of a receive are written from what the stack says of the message (kernel_control.c). Errors of
 * ICMP are taken from the stack after each of its runs into the queue here (kernel_error.c), and
 * the errno that Linux has for them becomes the pending error. A send that asks for its times
 * leaves a mark, the position in the stream of its last byte, which is compared with what has left
 * and what is acknowledged after each run (kernel_stamp.c): in virtual time nothing happens in
 * between, so these times are exact. So it is told when memory that was lent (MSG_ZEROCOPY) is
 * given back: everything is copied, as it is on a TUN device, and said to have been.
 *
 * Limits: an error queue of ERRORS_MAX entries; what comes then is not kept. Not done: hardware
 * times, SOF_TIMESTAMPING_OPT_CMSG, _OPT_STATS and _OPT_PKTINFO.
 */
#ifndef NICSTACK_SRC_SCRIPT_KERNEL_SIDE_H
#define NICSTACK_SRC_SCRIPT_KERNEL_SIDE_H

#include <sys/socket.h>

#include <nicstack/socket.h>

struct kernel;
struct kernel_file;
struct kernel_error;
struct kernel_mark;

/* Bits of wants: one for each option that is on or off. */
enum kernel_want {
    WANT_TIME = 0x001,    /* SO_TIMESTAMP */
    WANT_TIME_NS = 0x002, /* SO_TIMESTAMPNS */
    WANT_INQ = 0x004,     /* TCP_INQ */
    WANT_TTL = 0x008,     /* of IPv4 */
    WANT_TOS = 0x010,
    WANT_INFO = 0x020,
    WANT_HOPS = 0x040, /* of IPv6 */
    WANT_CLASS = 0x080,
    WANT_INFO6 = 0x100,
    WANT_ERRORS = 0x200, /* IP_RECVERR */
    WANT_ERRORS6 = 0x400,
    WANT_COPIES = 0x800, /* SO_ZEROCOPY: when what a send lent is given back */
};

struct kernel_side {
    uint32_t wants;     /* enum kernel_want */
    uint32_t stamping;  /* SOF_TIMESTAMPING_* */
    int mtu_discover;   /* IP_PMTUDISC_*, as it was set */
    uint64_t key_base;  /* what OPT_ID counts from: bytes of a stream */
    uint32_t key_next;  /* of datagrams */
    uint32_t copy_next; /* of sends with MSG_ZEROCOPY */
    struct kernel_error *errors, **errors_end;
    uint32_t error_count;
    struct kernel_mark *marks, **marks_end;
    int error; /* pending errno of an error that was queued; 0: none */
};

/* What control messages of a send ask for; -1 (nic: 0) for what they do not. */
struct kernel_send {
    int ttl, tos;
    int64_t stamping;
    uint32_t nic;
};

void kernel_side_init(struct kernel_side *side);
void kernel_side_free(struct kernel_side *side);
/* What an accepted connection has from its listener: all that was asked for. */
void kernel_side_inherit(struct kernel *p, struct kernel_file *f, const struct kernel_file *from);
/* After a run of the stack: takes in errors and times. */
void kernel_side_ran(struct kernel *p);

/* ---- Options ---- */
/* 0, a negative errno, or 1: it is none of these options. */
int kernel_side_set(struct kernel *p, struct kernel_file *f, int level, int name, int value);
/* 0, or 1: it is none of these options. */
int kernel_side_get(const struct kernel_file *f, int level, int name, int64_t *ret_value);

/* ---- Control messages ---- */
/* Writes what the socket wants to be told of the `len` bytes of `message` into msg. */
void kernel_control_put(struct kernel *p, const struct kernel_file *f, struct msghdr *msg,
                        const struct nst_message *message, int64_t len);
/* Reads what a send asks for. 0 or a negative errno. */
int kernel_control_take(struct kernel *p, const struct kernel_file *f, const struct msghdr *msg,
                        struct kernel_send *ret_send);
/* One more message at *used of the room in msg->msg_control; MSG_CTRUNC where it does not fit. */
void kernel_control_add(struct msghdr *msg, size_t *used, int level, int type, const void *data,
                        size_t len);
/* The times that SCM_TIMESTAMPING has: `at` in the first of its three places. */
void kernel_control_add_stamp(const struct kernel *p, struct msghdr *msg, size_t *used,
                              nst_time at);

/* ---- The error queue ---- */
/* The oldest entry, with its control messages. -EAGAIN: there is none. */
int64_t kernel_error_recv(struct kernel *p, struct kernel_file *f, struct msghdr *msg);
/* Takes the stack's errors of a socket over. */
void kernel_error_collect(struct kernel *p, struct kernel_file *f);
/* One that tells when something was sent: `what` is SCM_TSTAMP_*, `len` bytes of it come along. */
void kernel_error_add_stamp(struct kernel_file *f, nst_time at, uint32_t what, uint32_t key,
                            size_t len);
/* Linux's errno of an error of the stack's, which may have come by ICMP. */
int kernel_error_number(struct kernel *p, const struct kernel_file *f, int error);
/* One that gives back what the send number `key` lent; it joins the one before it. */
void kernel_error_add_copied(struct kernel_file *f, uint32_t key);
/* The pending errno, negated, which is cleared; 0. */
int kernel_error_take(struct kernel_file *f);
void kernel_error_free(struct kernel_side *side);

/* ---- Times of what was sent ---- */
/* A send took `len` bytes; `stamping` is which times it asked for, `lends` whether it lent them. */
void kernel_stamp_sent(struct kernel *p, struct kernel_file *f, uint32_t stamping, bool lends,
                       size_t len);
/* How much of a stream was ever written; info is of now. */
uint64_t kernel_stamp_written(struct kernel *p, const struct kernel_file *f,
                              const struct nst_tcp_info *info);
/* What of it has left or is acknowledged by now. */
void kernel_stamp_collect(struct kernel *p, struct kernel_file *f);
void kernel_stamp_free(struct kernel_side *side);

#endif
