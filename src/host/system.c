/* SPDX-License-Identifier: Apache-2.0 */
/* What a stack needs from the system: memory, a clock, entropy, and errno's words. */
#include <nicstack/host.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static void *host_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void host_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

const struct nst_allocator *nst_host_allocator(void)
{
    static const struct nst_allocator allocator = {.alloc = host_alloc, .free = host_free};
    return &allocator;
}

nst_time nst_host_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (nst_time)ts.tv_sec * NST_SEC + ts.tv_nsec;
}

int nst_host_seed(uint8_t ret_seed[32])
{
    ssize_t n;
    do
        n = getrandom(ret_seed, 32, 0);
    while (n < 0 && errno == EINTR);
    return n == 32 ? 0 : -NST_EIO;
}

/* One line an error, both ways; the first line of an NST_E* is the one for the way back. */
static const struct {
    int errnum;
    int error;
} error_map[] = {
    {EPERM, NST_EPERM},
    {EACCES, NST_EPERM},
    {ENOENT, NST_ENOENT},
    {ENODEV, NST_ENOENT},
    {ENXIO, NST_ENOENT},
    {EIO, NST_EIO},
    {EAGAIN, NST_EAGAIN},
    {ENOMEM, NST_ENOMEM},
    {EFAULT, NST_EFAULT},
    {EBUSY, NST_EBUSY},
    {EEXIST, NST_EEXIST},
    {EINVAL, NST_EINVAL},
    {EPIPE, NST_EPIPE},
    {ESHUTDOWN, NST_EPIPE},
    {EMSGSIZE, NST_EMSGSIZE},
    {EPROTOTYPE, NST_EPROTOTYPE},
    {ENOPROTOOPT, NST_ENOPROTOOPT},
    {EPROTONOSUPPORT, NST_EPROTONOSUPPORT},
    {EOPNOTSUPP, NST_EOPNOTSUPP},
    {EAFNOSUPPORT, NST_EAFNOSUPPORT},
    {EADDRINUSE, NST_EADDRINUSE},
    {EADDRNOTAVAIL, NST_EADDRNOTAVAIL},
    {ENETDOWN, NST_ENETDOWN},
    {ENETUNREACH, NST_ENETUNREACH},
    {EHOSTUNREACH, NST_EHOSTUNREACH},
    {EHOSTDOWN, NST_EHOSTUNREACH},
    {ECONNABORTED, NST_ECONNABORTED},
    {ECONNRESET, NST_ECONNRESET},
    {ENOBUFS, NST_ENOBUFS},
    {EMFILE, NST_ENOBUFS},
    {ENFILE, NST_ENOBUFS},
    {EISCONN, NST_EISCONN},
    {ENOTCONN, NST_ENOTCONN},
    {ETIMEDOUT, NST_ETIMEDOUT},
    {ECONNREFUSED, NST_ECONNREFUSED},
    {EALREADY, NST_EALREADY},
    {EINPROGRESS, NST_EINPROGRESS},
    {EBADF, NST_EBADHANDLE},
    {ENOSYS, NST_ENOTSUP},
};

int nst_error_from_errno(int errnum)
{
    if (errnum == 0)
        return 0;
    for (size_t i = 0; i < sizeof(error_map) / sizeof(error_map[0]); i++)
        if (error_map[i].errnum == errnum)
            return error_map[i].error;
    return NST_EIO;
}

int nst_errno_from_error(int error)
{
    error = error < 0 ? -error : error;
    if (error == 0)
        return 0;
    for (size_t i = 0; i < sizeof(error_map) / sizeof(error_map[0]); i++)
        if (error_map[i].error == error)
            return error_map[i].errnum;
    return EIO;
}
