/* SPDX-License-Identifier: Apache-2.0 */
#include "test/test_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        const ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(1);
        at += n;
        len -= (size_t)n;
    }
}

void test_send(int fd, const struct test_head *head, const char *reason, const char *detail)
{
    struct test_head whole = *head;
    whole.reason_len = strlen(reason);
    whole.detail_len = strlen(detail);
    write_all(fd, &whole, sizeof(whole));
    write_all(fd, reason, whole.reason_len);
    write_all(fd, detail, whole.detail_len);
}

bool test_reader_fill(struct test_reader *r, int fd)
{
    if (r->size - r->len < 4096) {
        const size_t size = r->size != 0 ? r->size * 2 : 16384;
        char *more = realloc(r->bytes, size);
        if (more == NULL)
            return false;
        r->bytes = more;
        r->size = size;
    }
    const ssize_t n = read(fd, r->bytes + r->len, r->size - r->len);
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    r->len += (size_t)n;
    return true;
}

static char *copy(const char *from, size_t len)
{
    char *text = malloc(len + 1);
    if (text == NULL)
        return NULL;
    memcpy(text, from, len);
    text[len] = '\0';
    return text;
}

bool test_receive(struct test_reader *r, struct test_head *ret_head, char **ret_reason,
                  char **ret_detail)
{
    struct test_head head;
    if (r->len < sizeof(head))
        return false;
    memcpy(&head, r->bytes, sizeof(head));
    const size_t whole = sizeof(head) + head.reason_len + head.detail_len;
    if (r->len < whole)
        return false;
    *ret_head = head;
    *ret_reason = copy(r->bytes + sizeof(head), head.reason_len);
    *ret_detail = copy(r->bytes + sizeof(head) + head.reason_len, head.detail_len);
    r->len -= whole;
    memmove(r->bytes, r->bytes + whole, r->len);
    return true;
}

void test_reader_free(struct test_reader *r)
{
    free(r->bytes);
    *r = (struct test_reader){0};
}
