/* SPDX-License-Identifier: Apache-2.0 */
#include "confine/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/attach_text.h"
#include "confine/confine_filter.h"

/* A program of root's may have rights of its own and change its ids: reading its memory, looking
 * its descriptors up and ending it, without an init in a namespace, need these. So do interfaces.
 */
static unsigned long long kept(unsigned parts)
{
    unsigned long long keep = 0;
    if ((parts & CONFINE_NOTIFY) != 0 && geteuid() == 0)
        keep |= 1ull << CAP_SYS_PTRACE | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_KILL;
    if ((parts & CONFINE_OPEN) != 0)
        keep |= 1ull << CAP_NET_ADMIN | 1ull << CAP_NET_RAW;
    return keep;
}

/* What could be gained by exec, which the filter forbids besides: no reason to complain where it
 * may not be dropped. */
static void drop_bounding(unsigned long long keep)
{
    for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if ((keep >> cap & 1) == 0)
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int drop_capabilities(unsigned long long keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    drop_bounding(keep);
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        data[i].permitted &= (__u32)(keep >> 32 * i);
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int fail(const char *what, int error, const char *next, char *ret_text)
{
    snprintf(ret_text, CONFINE_TEXT_SIZE, "not confined: cannot %s (%s): %s", what,
             attach_text_errno(-error), next);
    return error;
}

int confine_self(const struct confine_options *options, char ret_text[CONFINE_TEXT_SIZE])
{
    const unsigned long long keep = kept(options->parts);
    unsigned count;
    int error = drop_capabilities(keep);
    if (error < 0)
        return fail("drop capabilities", error, "allow capset(2) here", ret_text);
    error = no_new_privileges();
    if (error < 0)
        return fail("set no_new_privs", error, "allow prctl(2) here", ret_text);
    const char *lack = confine_filter_lack();
    if (lack != NULL) {
        snprintf(ret_text, CONFINE_TEXT_SIZE,
                 "confined without capabilities, but not to certain system calls: %s", lack);
        return -ENOSYS;
    }
    error = confine_filter_install(options, &count);
    if (error < 0) {
        snprintf(ret_text, CONFINE_TEXT_SIZE,
                 "confined without capabilities, but not to certain system calls (%s): nst doctor "
                 "says what refuses seccomp",
                 attach_text_errno(-error));
        return error;
    }
    snprintf(ret_text, CONFINE_TEXT_SIZE,
             "confined: no capabilities%s, no_new_privs, %u rules of system calls",
             (options->parts & CONFINE_OPEN) != 0 ? " but those to open devices"
             : keep != 0                          ? " but those to look into the program"
                                                  : "",
             count);
    return 0;
}
