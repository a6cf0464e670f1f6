/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, /dev/zero, and what moves bytes between them and sockets. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "script/kernel.h"

#define PIPE_SIZE ((size_t)65536)
#define MOVE_MAX  ((size_t)65536) /* bytes in one step of splice and sendfile */

struct kernel_buffer {
    int ends;         /* that are open */
    bool writer_gone; /* nobody will write any more */
    bool reader_gone;
    size_t start, used;
    uint8_t data[PIPE_SIZE];
};

int kernel_pipe(struct kernel *p, int ret_fds[2], int flags)
{
    struct kernel_file *reader, *writer;
    struct kernel_wait wait = {0};
    struct kernel_buffer *buffer = calloc(1, sizeof(*buffer));
    if (buffer == NULL)
        return -ENOMEM;
    buffer->ends = 1;
    const int in = kernel_new_file(p, KERNEL_PIPE, O_RDONLY | (flags & O_NONBLOCK), &reader);
    if (in < 0) {
        free(buffer);
        return in;
    }
    reader->buffer = buffer;
    const int out = kernel_new_file(p, KERNEL_PIPE, O_WRONLY | (flags & O_NONBLOCK), &writer);
    if (out < 0) {
        kernel_close(p, in, &wait);
        return out;
    }
    writer->buffer = buffer;
    writer->writes = true;
    buffer->ends = 2;
    ret_fds[0] = in;
    ret_fds[1] = out;
    return 0;
}

void kernel_pipe_close(struct kernel_file *f)
{
    struct kernel_buffer *b = f->buffer;
    if (f->writes)
        b->writer_gone = true;
    else
        b->reader_gone = true;
    if (--b->ends == 0)
        free(b);
}

static size_t take_bytes(struct kernel_buffer *b, uint8_t *to, size_t len)
{
    size_t n = 0;
    for (; n < len && b->used > 0; n++, b->used--) {
        to[n] = b->data[b->start];
        b->start = (b->start + 1) % PIPE_SIZE;
    }
    return n;
}

static size_t put_bytes(struct kernel_buffer *b, const uint8_t *from, size_t len)
{
    size_t n = 0;
    for (; n < len && b->used < PIPE_SIZE; n++, b->used++)
        b->data[(b->start + b->used) % PIPE_SIZE] = from[n];
    return n;
}

int64_t kernel_pipe_read(struct kernel_file *f, const struct iovec *iov, int count)
{
    size_t sum = 0;
    if (f->writes)
        return -EBADF;
    if (f->buffer->used == 0)
        return f->buffer->writer_gone ? 0 : -EAGAIN;
    for (int i = 0; i < count; i++)
        sum += take_bytes(f->buffer, iov[i].iov_base, iov[i].iov_len);
    return (int64_t)sum;
}

int64_t kernel_pipe_write(struct kernel_file *f, const struct iovec *iov, int count)
{
    size_t sum = 0;
    if (!f->writes)
        return -EBADF;
    if (f->buffer->reader_gone)
        return -EPIPE;
    if (f->buffer->used == PIPE_SIZE)
        return -EAGAIN;
    for (int i = 0; i < count; i++)
        sum += put_bytes(f->buffer, iov[i].iov_base, iov[i].iov_len);
    return (int64_t)sum;
}

uint32_t kernel_pipe_events(const struct kernel_file *f)
{
    const struct kernel_buffer *b = f->buffer;
    if (f->writes)
        return b->reader_gone ? POLLERR | POLLOUT : b->used < PIPE_SIZE ? POLLOUT | POLLWRNORM : 0;
    return (b->used > 0 ? POLLIN | POLLRDNORM : 0) | (b->writer_gone ? POLLHUP : 0);
}

int kernel_open(struct kernel *p, const char *path, int flags)
{
    struct kernel_file *f;
    if (strcmp(path, "/dev/zero") != 0)
        return kernel_refuse(p, ENOENT, "opening a file other than /dev/zero, flags", flags);
    return kernel_new_file(p, KERNEL_ZERO, flags & (O_ACCMODE | O_NONBLOCK), &f);
}

/* ---- Moving bytes ---- */

/* Up to `len` bytes of `in`, without waiting. */
static int64_t draw(struct kernel *p, struct kernel_file *in, uint8_t *bytes, size_t len)
{
    struct kernel_wait wait = {0};
    const struct iovec iov = {bytes, len};
    struct msghdr msg = {.msg_iov = (struct iovec *)&iov, .msg_iovlen = 1};
    switch (in->kind) {
    case KERNEL_ZERO:
        memset(bytes, 0, len);
        return (int64_t)len;
    case KERNEL_PIPE:
        return kernel_pipe_read(in, &iov, 1);
    case KERNEL_SOCKET:
        return kernel_recvmsg(p, in->fd, &msg, MSG_DONTWAIT, &wait);
    case KERNEL_EPOLL:
        break;
    }
    return -EINVAL;
}

static int64_t pour(struct kernel *p, struct kernel_file *out, const uint8_t *bytes, size_t len)
{
    struct kernel_wait wait = {0};
    const struct iovec iov = {(void *)bytes, len};
    const struct msghdr msg = {.msg_iov = (struct iovec *)&iov, .msg_iovlen = 1};
    if (out->kind == KERNEL_PIPE)
        return kernel_pipe_write(out, &iov, 1);
    if (out->kind == KERNEL_SOCKET)
        return kernel_sendmsg(p, out->fd, &msg, MSG_DONTWAIT, &wait);
    return -EINVAL;
}

/* How much `out` takes now. */
static size_t room_of(struct kernel *p, const struct kernel_file *out)
{
    int64_t room = 0;
    if (out->kind == KERNEL_PIPE)
        return PIPE_SIZE - out->buffer->used;
    nst_socket_get(p->world->stack, out->socket, NST_OPT_SEND_ROOM, &room);
    return room > 0 ? (size_t)room : 0;
}

/* One step: what both sides allow now. */
static int64_t move(struct kernel *p, struct kernel_file *in, struct kernel_file *out, size_t len)
{
    uint8_t *bytes = malloc(MOVE_MAX);
    if (bytes == NULL)
        return -ENOMEM;
    size_t n = len < MOVE_MAX ? len : MOVE_MAX;
    const size_t room = room_of(p, out);
    int64_t r;
    if (room < n)
        n = room;
    if (n == 0) {
        /* Full, or at its end: the send tells which. */
        bytes[0] = 0;
        r = pour(p, out, bytes, len > 0 ? 1 : 0);
    } else {
        r = draw(p, in, bytes, n);
        if (r > 0)
            r = pour(p, out, bytes, (size_t)r);
    }
    free(bytes);
    return r;
}

int64_t kernel_splice(struct kernel *p, int in, int out, size_t len, unsigned flags,
                      struct kernel_wait *wait)
{
    struct kernel_file *from = kernel_file(p, in), *to = kernel_file(p, out);
    if (from == NULL || to == NULL)
        return -EBADF;
    if (from->kind != KERNEL_PIPE && to->kind != KERNEL_PIPE)
        return -EINVAL;
    if (len == 0)
        return 0;
    const int64_t r = move(p, from, to, len);
    if (r != -EAGAIN || (flags & SPLICE_F_NONBLOCK) != 0)
        return r;
    return kernel_block(p, from->kind == KERNEL_SOCKET ? from : to, 0, 0, wait);
}

int64_t kernel_sendfile(struct kernel *p, int out, int in, size_t len, struct kernel_wait *wait)
{
    struct kernel_file *from = kernel_file(p, in), *to = kernel_file(p, out);
    if (from == NULL || to == NULL)
        return -EBADF;
    if (from->kind != KERNEL_ZERO || to->kind != KERNEL_SOCKET)
        return -EINVAL;
    while (wait->done < len) {
        const int64_t r = move(p, from, to, len - wait->done);
        if (r > 0) {
            wait->done += (size_t)r;
            continue;
        }
        const int64_t end = r == -EAGAIN ? kernel_block(p, to, 0, to->sndtimeo, wait) : r;
        return end != KERNEL_WAIT && wait->done > 0 ? (int64_t)wait->done : end;
    }
    return (int64_t)wait->done;
}
