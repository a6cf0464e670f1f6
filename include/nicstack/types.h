/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, errors, addresses and the allocator: the words that every other public header uses.
 */
#ifndef NICSTACK_TYPES_H
#define NICSTACK_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else is hidden. */
#define NST_API __attribute__((visibility("default")))

/* Time: nanoseconds on a clock of the host's choice that never runs backwards. */
typedef int64_t nst_time;

#define NST_NSEC       ((nst_time)1)
#define NST_USEC       ((nst_time)1000)
#define NST_MSEC       ((nst_time)1000000)
#define NST_SEC        ((nst_time)1000000000)
#define NST_TIME_NEVER INT64_MAX /* "no deadline" */

/*
 * Errors. Functions return 0 or a positive result, or one of these negated (-NST_EINVAL).
 * The numbers are nicstack's own and never change; nst_strerror gives the text, and
 * nst_error_name the word (e.g. "EINVAL").
 */
enum nst_error {
    NST_EPERM = 1,       /* not permitted by the configuration */
    NST_ENOENT,          /* no such object */
    NST_EIO,             /* the link or the host failed */
    NST_EAGAIN,          /* would block: wait for readiness, then call again */
    NST_ENOMEM,          /* the allocator or the budget refused: free something, try later */
    NST_EFAULT,          /* a required pointer is NULL */
    NST_EBUSY,           /* in use, cannot change now */
    NST_EEXIST,          /* there is one already */
    NST_EINVAL,          /* an argument is out of its range */
    NST_EPIPE,           /* this side was shut down for sending */
    NST_EMSGSIZE,        /* datagram longer than the protocol or the path allows */
    NST_EPROTOTYPE,      /* the socket's type cannot do this */
    NST_ENOPROTOOPT,     /* no such option */
    NST_EPROTONOSUPPORT, /* the stack has no such protocol */
    NST_EOPNOTSUPP,      /* the object cannot do this */
    NST_EAFNOSUPPORT,    /* no such address family, or the families do not match */
    NST_EADDRINUSE,      /* address or port taken */
    NST_EADDRNOTAVAIL,   /* address not ours */
    NST_ENETDOWN,        /* the NIC is disabled or gone */
    NST_ENETUNREACH,     /* no route */
    NST_EHOSTUNREACH,    /* the host or the next hop does not answer */
    NST_ECONNABORTED,    /* ended before it was accepted */
    NST_ECONNRESET,      /* reset by the peer */
    NST_ENOBUFS,         /* a queue or a table is full: try later */
    NST_EISCONN,         /* connected already */
    NST_ENOTCONN,        /* not connected */
    NST_ETIMEDOUT,       /* the peer did not answer in time */
    NST_ECONNREFUSED,    /* the peer refused */
    NST_EALREADY,        /* in progress already */
    NST_EINPROGRESS,     /* started: readiness tells when it is done */
    NST_EBADHANDLE,      /* the handle is stale or was never valid */
    NST_ENOTSUP,         /* not built in */
    NST_ERROR_MAX
};

/* The text ("no route to the network") and the word ("ENETUNREACH") of an error of either sign.
 * Never NULL; an unknown number gives "unknown error" and "E?". */
NST_API const char *nst_strerror(int error);
NST_API const char *nst_error_name(int error);

/*
 * An IP address of either family, in network byte order. IPv4 is held v4-mapped (::ffff:a.b.c.d),
 * so one type, one comparison and one socket serve both families. All zero bytes are IPv6's
 * unspecified address "::"; IPv4's is ::ffff:0.0.0.0.
 */
struct nst_addr {
    union {
        uint8_t b[16];
        uint32_t w[4];
        uint64_t q[2];
    };
};

static inline struct nst_addr nst_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct nst_addr){{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}};
}

static inline bool nst_addr_equal(const struct nst_addr *x, const struct nst_addr *y)
{
    return x->q[0] == y->q[0] && x->q[1] == y->q[1];
}

/* True for an IPv4 address (v4-mapped, 0.0.0.0 too). */
static inline bool nst_addr_is_v4(const struct nst_addr *x)
{
    const struct nst_addr m = nst_addr_v4(0, 0, 0, 0);
    return x->q[0] == 0 && x->w[2] == m.w[2];
}

/* Longest text that nst_addr_format writes, with its NUL. */
#define NST_ADDR_TEXT 46

/*
 * Text to address: dotted IPv4 or RFC 4291 2.2 IPv6, nothing around it. 0, or -NST_EINVAL and
 * *ret_addr unchanged.
 */
NST_API int nst_addr_parse(const char *text, struct nst_addr *ret_addr);

/* Address to text (IPv4 dotted, IPv6 as RFC 5952 says) into `text` of `size` bytes, always
 * NUL-terminated when size > 0. Returns `text`. */
NST_API char *nst_addr_format(const struct nst_addr *addr, char *text, size_t size);

/* One end of a flow. `port` is in host order; `nic` is 0 for any NIC or the id of one (the zone
 * of a link-local address too). */
struct nst_endpoint {
    struct nst_addr addr;
    uint16_t port;
    uint16_t pad;
    uint32_t nic;
};

/* A 48-bit link address, in the order in which it is sent. All zero means "none". */
struct nst_mac {
    uint8_t b[6];
};

/*
 * Where a stack's memory comes from. `alloc` gives `size` bytes aligned to 16, or NULL; `free` is
 * told the size again. Neither may call into the stack. Both NULL is not allowed.
 */
struct nst_allocator {
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *memory, size_t size);
    void *context;
};

/* The version of the library that runs, and of the header that was compiled against. */
#define NST_VERSION_MAJOR 0
#define NST_VERSION_MINOR 1
#define NST_VERSION_PATCH 0
NST_API uint32_t nst_version(void); /* major << 16 | minor << 8 | patch */

#ifdef __cplusplus
}
#endif

#endif
