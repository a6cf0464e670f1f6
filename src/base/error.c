/* SPDX-License-Identifier: Apache-2.0 */
#include <nicstack/types.h>

#include "base/check.h"

struct entry {
    const char *name, *text;
};

#define ENTRY(name, text) [NST_##name] = {#name, text}

static const struct entry entries[NST_ERROR_MAX] = {
    [0] = {"OK", "success"},
    ENTRY(EPERM, "operation not permitted by the configuration"),
    ENTRY(ENOENT, "no such object"),
    ENTRY(EIO, "the link or the host failed"),
    ENTRY(EAGAIN, "would block, try again when ready"),
    ENTRY(ENOMEM, "out of memory or over the budget"),
    ENTRY(EFAULT, "a required pointer is NULL"),
    ENTRY(EBUSY, "object in use"),
    ENTRY(EEXIST, "object exists already"),
    ENTRY(EINVAL, "invalid argument"),
    ENTRY(EPIPE, "shut down for sending"),
    ENTRY(EMSGSIZE, "message too long"),
    ENTRY(EPROTOTYPE, "wrong type of socket"),
    ENTRY(ENOPROTOOPT, "no such option"),
    ENTRY(EPROTONOSUPPORT, "protocol not supported"),
    ENTRY(EOPNOTSUPP, "operation not supported by this object"),
    ENTRY(EAFNOSUPPORT, "address family not supported"),
    ENTRY(EADDRINUSE, "address or port in use"),
    ENTRY(EADDRNOTAVAIL, "address not assigned to this stack"),
    ENTRY(ENETDOWN, "network interface is down"),
    ENTRY(ENETUNREACH, "no route to the network"),
    ENTRY(EHOSTUNREACH, "no route to the host"),
    ENTRY(ECONNABORTED, "connection aborted before it was accepted"),
    ENTRY(ECONNRESET, "connection reset by the peer"),
    ENTRY(ENOBUFS, "queue or table full"),
    ENTRY(EISCONN, "connected already"),
    ENTRY(ENOTCONN, "not connected"),
    ENTRY(ETIMEDOUT, "timed out"),
    ENTRY(ECONNREFUSED, "connection refused"),
    ENTRY(EALREADY, "operation in progress already"),
    ENTRY(EINPROGRESS, "operation now in progress"),
    ENTRY(EBADHANDLE, "stale or invalid handle"),
    ENTRY(ENOTSUP, "not built in"),
};

/* The entry of an error of either sign, or NULL. */
static const struct entry *lookup(int error)
{
    unsigned n = error < 0 ? 0u - (unsigned)error : (unsigned)error;
    return n < ARRAY_SIZE(entries) ? &entries[n] : NULL;
}

const char *nst_strerror(int error)
{
    const struct entry *entry = lookup(error);
    return entry ? entry->text : "unknown error";
}

const char *nst_error_name(int error)
{
    const struct entry *entry = lookup(error);
    return entry ? entry->name : "E?";
}

uint32_t nst_version(void)
{
    return NST_VERSION_MAJOR << 16 | NST_VERSION_MINOR << 8 | NST_VERSION_PATCH;
}
