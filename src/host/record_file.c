/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording into a file.
 *
 * Theory of operation. The end of the file is mapped, a window at a time, and records are copied
 * there: no system call but at a window's end, and what was copied is the kernel's, so it is in the
 * file also when the process dies the next moment, which is when a recording is wanted most. The
 * room of a window is allocated before it is mapped, so that a full file system is an error here
 * and not a signal. Behind the last record are zeros, which are no record; the file is cut there
 * when it is closed.
 *
 * Invariant: what was put is in the file without a gap, up to the error if there was one.
 */
#include <nicstack/host.h>
#include <nicstack/record.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WINDOW (4u << 20)

struct nst_record_file {
    int fd;
    int error; /* errno */
    uint64_t size;
    uint8_t *window; /* of the last WINDOW bytes of the file; NULL: none yet, or an error */
    size_t used;     /* of it */
};

/* Where a file system cannot allocate, zeros are written. */
static int allocate(int fd, off_t offset)
{
    static const uint8_t zeros[64 << 10];
    if (fallocate(fd, 0, offset, WINDOW) == 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
    for (off_t at = 0; at < WINDOW;) {
        const ssize_t n = pwrite(fd, zeros, sizeof(zeros), offset + at);
        if (n < 0 && errno != EINTR)
            return errno;
        at += n > 0 ? n : 0;
    }
    return 0;
}

static void close_window(struct nst_record_file *f)
{
    if (f->window != NULL)
        munmap(f->window, WINDOW);
    f->window = NULL;
}

static bool next_window(struct nst_record_file *f)
{
    close_window(f);
    f->used = 0;
    f->error = allocate(f->fd, (off_t)f->size);
    if (f->error != 0)
        return false;
    void *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, (off_t)f->size);
    if (window == MAP_FAILED) {
        f->error = errno;
        return false;
    }
    f->window = window;
    return true;
}

static void append(struct nst_record_file *f, const void *data, size_t len)
{
    const uint8_t *from = data;
    while (len > 0 && f->error == 0) {
        if ((f->window == NULL || f->used == WINDOW) && !next_window(f))
            return;
        const size_t n = len < WINDOW - f->used ? len : WINDOW - f->used;
        memcpy(f->window + f->used, from, n);
        f->used += n;
        f->size += n;
        from += n;
        len -= n;
    }
}

static void put(void *context, const struct nst_iovec *head, const struct nst_iovec *pieces,
                size_t count)
{
    struct nst_record_file *f = context;
    append(f, head->base, head->len);
    for (size_t i = 0; i < count; i++)
        append(f, pieces[i].base, pieces[i].len);
}

static nst_time epoch_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (nst_time)t.tv_sec * NST_SEC + t.tv_nsec;
}

int nst_record_file_new(int fd, nst_time started, struct nst_record_file **ret_file)
{
    struct stat st;
    const struct nst_allocator *a = nst_host_allocator();
    if (fstat(fd, &st) < 0)
        return -nst_error_from_errno(errno);
    if (!S_ISREG(st.st_mode) || st.st_size != 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR)
        return -NST_EINVAL;
    struct nst_record_file *f = a->alloc(a->context, sizeof(*f));
    if (f == NULL)
        return -NST_ENOMEM;
    *f = (struct nst_record_file){.fd = fd};
    struct nst_record_header header = {
        .version = NST_RECORD_VERSION, .epoch = epoch_now(), .started = started};
    memcpy(header.magic, NST_RECORD_MAGIC, sizeof(header.magic));
    append(f, &header, sizeof(header));
    if (f->error != 0) {
        const int error = f->error;
        nst_record_file_free(f);
        return -nst_error_from_errno(error);
    }
    *ret_file = f;
    return 0;
}

struct nst_record_sink nst_record_file_sink(struct nst_record_file *f)
{
    return (struct nst_record_sink){put, f};
}

int nst_record_file_error(const struct nst_record_file *f)
{
    return f->error;
}

uint64_t nst_record_file_size(const struct nst_record_file *f)
{
    return f->size;
}

void nst_record_file_free(struct nst_record_file *f)
{
    const struct nst_allocator *a = nst_host_allocator();
    if (f == NULL)
        return;
    close_window(f);
    /* What it does not cut are zeros, which a replay knows. */
    if (ftruncate(f->fd, (off_t)f->size) < 0 && f->error == 0)
        f->error = errno;
    a->free(a->context, f, sizeof(*f));
}
