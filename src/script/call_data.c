/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that move data. */
#include <errno.h>
#include <string.h>

#include "script/call.h"

/* (fd, data, len ...) as one piece: the data, or (`receives`) room that keeps over tries what was
 * read into it, and does not begin with what is expected. */
static struct iovec *one_piece(struct call *c, bool receives)
{
    struct iovec *iov = call_slot(c, sizeof(*iov));
    const int64_t len = call_int(c, 2, 0);
    if (len < 0 || (uint64_t)len > CALL_BUFFER_MAX) {
        call_blame(c, call_arg(c, 2), "this length is not one that a call can move here");
        return iov;
    }
    iov->iov_base = call_data(c, receives ? NULL : call_arg(c, 1), (size_t)len);
    iov->iov_len = (size_t)len;
    return iov;
}

static bool check_piece(struct call *c, int64_t result)
{
    const struct iovec *iov = c->slot[0];
    return call_check_text(c, call_arg(c, 1), iov->iov_base, (size_t)result);
}

static int64_t make_read(struct call *c)
{
    return kernel_readv(&c->run->kernel, call_fd(c, 0), one_piece(c, true), 1, &c->wait);
}

static int64_t make_write(struct call *c)
{
    return kernel_writev(&c->run->kernel, call_fd(c, 0), one_piece(c, false), 1, &c->wait);
}

/* send and sendto. */
static int64_t make_send(struct call *c)
{
    struct msghdr msg = {.msg_iov = one_piece(c, false), .msg_iovlen = 1};
    const struct script_value *to = call_arg(c, 4);
    if (to != NULL)
        msg.msg_name = call_address(c, to, CALL_REMOTE, &msg.msg_namelen);
    return kernel_sendmsg(&c->run->kernel, call_fd(c, 0), &msg, (int)call_int(c, 3, 0), &c->wait);
}

/* recv and recvfrom: the address is in the third slot. */
static int64_t make_recv(struct call *c)
{
    struct msghdr msg = {.msg_iov = one_piece(c, true), .msg_iovlen = 1};
    msg.msg_namelen = sizeof(struct sockaddr_storage);
    msg.msg_name = call_slot(c, msg.msg_namelen);
    return kernel_recvmsg(&c->run->kernel, call_fd(c, 0), &msg, (int)call_int(c, 3, 0), &c->wait);
}

static bool check_recv(struct call *c, int64_t result)
{
    const struct sockaddr_storage *addr = c->slot[2];
    const struct script_value *from = call_arg(c, 4);
    return check_piece(c, result) &&
           (from == NULL || call_check_address(c, from, (const struct sockaddr *)addr));
}

/* ---- Many pieces: [{..., 100}, {"abc", 3}] ---- */

#define PIECES_MAX 16

static void *piece_base(struct call *c, const struct script_value *v, bool receives,
                        size_t *ret_len)
{
    const struct script_value *base = call_field(v, "iov_base"), *len = call_field(v, "iov_len");
    int64_t number;
    if (base == NULL)
        base = v->first;
    if (len == NULL)
        len = v->count == 2 ? v->first->next : NULL;
    *ret_len = 0;
    if (v->kind != VALUE_STRUCT || len == NULL || !call_number(c, len, &number) || number < 0 ||
        (uint64_t)number > CALL_BUFFER_MAX) {
        call_blame(c, v, "a piece is {data, length}");
        return NULL;
    }
    *ret_len = (size_t)number;
    return call_data(c, receives ? NULL : base, (size_t)number);
}

static struct iovec *pieces(struct call *c, const struct script_value *list, bool receives,
                            size_t *ret_count)
{
    struct iovec *iov = call_slot(c, PIECES_MAX * sizeof(*iov));
    size_t n = 0;
    *ret_count = 0;
    if (list == NULL || list->kind != VALUE_LIST || list->count > PIECES_MAX) {
        call_blame(c, list, "a list of at most 16 pieces is needed here");
        return iov;
    }
    for (const struct script_value *v = list->first; v != NULL; v = v->next, n++)
        iov[n].iov_base = piece_base(c, v, receives, &iov[n].iov_len);
    *ret_count = n;
    return iov;
}

/* The text of each piece against what was read into it, of `len` bytes in all. */
static bool check_pieces(struct call *c, const struct script_value *list, const struct iovec *iov,
                         size_t len)
{
    if (list == NULL || list->kind != VALUE_LIST)
        return true;
    for (const struct script_value *v = list->first; v != NULL; v = v->next, iov++) {
        const struct script_value *base = call_field(v, "iov_base");
        const size_t n = len < iov->iov_len ? len : iov->iov_len;
        if (base == NULL)
            base = v->first;
        if (!call_check_text(c, base, iov->iov_base, n))
            return false;
        len -= n;
    }
    return true;
}

static int64_t make_readv(struct call *c)
{
    size_t count;
    const struct iovec *iov = pieces(c, call_arg(c, 1), true, &count);
    return kernel_readv(&c->run->kernel, call_fd(c, 0), iov, (int)count, &c->wait);
}

static bool check_readv(struct call *c, int64_t result)
{
    return check_pieces(c, call_arg(c, 1), c->slot[0], (size_t)result);
}

static int64_t make_writev(struct call *c)
{
    size_t count;
    const struct iovec *iov = pieces(c, call_arg(c, 1), false, &count);
    return kernel_writev(&c->run->kernel, call_fd(c, 0), iov, (int)count, &c->wait);
}

/* {msg_name(...)=..., msg_iov(1)=[...], msg_flags=0}: the msghdr is in the first slot. */
static struct msghdr *message(struct call *c, enum call_whose whose, bool receives)
{
    const struct script_value *v = call_arg(c, 1);
    struct msghdr *msg = call_slot(c, sizeof(*msg));
    const struct script_value *name = call_field(v, "msg_name");
    *msg = (struct msghdr){0};
    if (v->kind != VALUE_STRUCT) {
        call_blame(c, v, "a msghdr {msg_name=..., msg_iov(1)=[...]} is needed here");
        return msg;
    }
    if (receives) {
        msg->msg_namelen = sizeof(struct sockaddr_storage);
        msg->msg_name = call_slot(c, msg->msg_namelen);
    } else if (name != NULL) {
        msg->msg_name = call_address(c, name, whose, &msg->msg_namelen);
    }
    msg->msg_iov = pieces(c, call_field(v, "msg_iov"), receives, &msg->msg_iovlen);
    return msg;
}

static int64_t make_sendmsg(struct call *c)
{
    struct msghdr *msg = message(c, CALL_REMOTE, false);
    call_control_put(c, msg);
    return kernel_sendmsg(&c->run->kernel, call_fd(c, 0), msg, (int)call_int(c, 2, 0), &c->wait);
}

static int64_t make_recvmsg(struct call *c)
{
    struct msghdr *msg = message(c, CALL_REMOTE, true);
    call_control_room(c, msg);
    return kernel_recvmsg(&c->run->kernel, call_fd(c, 0), msg, (int)call_int(c, 2, 0), &c->wait);
}

static bool check_recvmsg(struct call *c, int64_t result)
{
    const struct script_value *v = call_arg(c, 1);
    struct msghdr *msg = c->slot[0];
    return call_check_address(c, call_field(v, "msg_name"), msg->msg_name) &&
           check_pieces(c, call_field(v, "msg_iov"), msg->msg_iov, (size_t)result) &&
           call_check_field(c, v, "msg_flags", msg->msg_flags) && call_control_check(c, msg);
}

/* ---- From one descriptor to another ---- */

static int64_t make_splice(struct call *c)
{
    return kernel_splice(&c->run->kernel, call_fd(c, 0), call_fd(c, 2), (size_t)call_int(c, 4, 0),
                         (unsigned)call_int(c, 5, 0), &c->wait);
}

static int64_t make_sendfile(struct call *c)
{
    return kernel_sendfile(&c->run->kernel, call_fd(c, 0), call_fd(c, 1), (size_t)call_int(c, 3, 0),
                           &c->wait);
}

const struct call_entry call_data_table[] = {
    {"read", 3, 3, make_read, check_piece, false},
    {"write", 3, 3, make_write, NULL, false},
    {"recv", 4, 4, make_recv, check_recv, false},
    {"send", 4, 4, make_send, NULL, false},
    {"recvfrom", 6, 6, make_recv, check_recv, false},
    {"sendto", 6, 6, make_send, NULL, false},
    {"readv", 3, 3, make_readv, check_readv, false},
    {"writev", 3, 3, make_writev, NULL, false},
    {"sendmsg", 3, 3, make_sendmsg, NULL, false},
    {"recvmsg", 3, 3, make_recvmsg, check_recvmsg, false},
    {"splice", 6, 6, make_splice, NULL, false},
    {"sendfile", 4, 4, make_sendfile, NULL, false},
    {NULL, 0, 0, NULL, NULL, false},
};
