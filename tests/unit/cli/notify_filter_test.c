/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter, run here by a small machine: what it decides for which call. */
#include "testing.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "notify/notify_filter.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#define NATIVE 0
#endif

#define ASK   SECCOMP_RET_USER_NOTIF
#define ALLOW SECCOMP_RET_ALLOW

/* Every instruction that the filter may have; each jump must stay inside. */
static uint32_t decide(const struct seccomp_data *data)
{
    const struct sock_filter *code;
    const size_t count = notify_filter_program(&code);
    uint32_t a = 0;
    for (size_t at = 0; at < count; at++) {
        const struct sock_filter *i = &code[at];
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(i->k % 4 == 0 && i->k + 4 <= sizeof(*data));
            memcpy(&a, (const uint8_t *)data + i->k, 4);
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            fail_msg("instruction %zu is none of these", at);
        }
    }
    fail_msg("the program runs off its end");
    return 0;
}

static uint32_t decide_call(int nr, uint64_t first, uint64_t fifth)
{
    const struct seccomp_data data = {.nr = nr, .arch = NATIVE, .args = {first, 0, 0, 0, fifth, 0}};
    return decide(&data);
}

static bool has_filter(void)
{
    const struct sock_filter *code;
    if (NATIVE != 0 && notify_filter_program(&code) != 0)
        return true;
    skip();
    return false;
}

static void internet_sockets_are_asked_about(void **state)
{
    if (!has_filter())
        return;
    assert_int_equal(decide_call(SYS_socket, AF_INET, 0), ASK);
    assert_int_equal(decide_call(SYS_socket, AF_INET6, 0), ASK);
    assert_int_equal(decide_call(SYS_socket, AF_UNIX, 0), ALLOW);
    assert_int_equal(decide_call(SYS_socket, AF_NETLINK, 0), ALLOW);
    assert_int_equal(decide_call(SYS_socketpair, AF_UNIX, 0), ALLOW);
    /* The kernel looks at 32 bits of the family. */
    assert_int_equal(decide_call(SYS_socket, AF_INET | 1ull << 32, 0), ASK);
}

static void calls_with_names_messages_and_options_are_asked_about(void **state)
{
    static const int asked[] = {SYS_connect,     SYS_bind,        SYS_listen,     SYS_accept4,
                                SYS_sendmsg,     SYS_recvmsg,     SYS_sendmmsg,   SYS_recvmmsg,
                                SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt,
                                SYS_shutdown};
    static const int allowed[] = {SYS_read,  SYS_write, SYS_close, SYS_ppoll, SYS_dup,
                                  SYS_ioctl, SYS_fcntl, SYS_clone, SYS_execve};
    if (!has_filter())
        return;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        assert_int_equal(decide_call(asked[i], 3, 0), ASK);
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        assert_int_equal(decide_call(allowed[i], 3, 1), ALLOW);
}

static void sends_and_receives_are_asked_about_with_an_address_only(void **state)
{
    static const int calls[] = {SYS_sendto, SYS_recvfrom};
    if (!has_filter())
        return;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(decide_call(calls[i], 3, 0), ALLOW);
        assert_int_equal(decide_call(calls[i], 3, 1), ASK);
        assert_int_equal(decide_call(calls[i], 3, 1ull << 32), ASK);
        assert_int_equal(decide_call(calls[i], 3, 0x7ffc00000000), ASK);
    }
}

static void ways_around_are_closed(void **state)
{
    struct seccomp_data data = {.nr = SYS_io_uring_setup, .arch = NATIVE};
    if (!has_filter())
        return;
    assert_int_equal(decide(&data), SECCOMP_RET_ERRNO | ENOSYS);
#ifdef __x86_64__
    data.nr = SYS_socket | 0x40000000; /* x32 */
    assert_int_equal(decide(&data), SECCOMP_RET_ERRNO | ENOSYS);
    data.arch = AUDIT_ARCH_I386;
    data.nr = 359; /* socket */
    assert_int_equal(decide(&data), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    data.nr = 102; /* socketcall */
    assert_int_equal(decide(&data), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    data.nr = 425;
    assert_int_equal(decide(&data), SECCOMP_RET_ERRNO | ENOSYS);
    data.nr = 3; /* read */
    assert_int_equal(decide(&data), ALLOW);
#endif
}

TESTS({"internet sockets are asked about", internet_sockets_are_asked_about},
      {"calls with names, messages and options are asked about",
       calls_with_names_messages_and_options_are_asked_about},
      {"sends and receives are asked about with an address only",
       sends_and_receives_are_asked_about_with_an_address_only},
      {"ways around are closed", ways_around_are_closed})
