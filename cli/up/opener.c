/* SPDX-License-Identifier: Apache-2.0 */
/* See opener.h. */
#include "up/opener.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nicstack/host.h>

#include "attach/control.h"
#include "confine/confine.h"

struct wanted {
    uint32_t type; /* enum order_type */
    char name[IF_NAMESIZE];
};

/* ---- The process ---- */

/* The MTU of an interface of the kernel; 0: it cannot be told. */
static uint32_t mtu_of(const char *name)
{
    struct ifreq ifr = {0};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    memcpy(ifr.ifr_name, name, strlen(name));
    const bool ok = ioctl(fd, SIOCGIFMTU, &ifr) == 0;
    close(fd);
    return ok && ifr.ifr_mtu > 0 && ifr.ifr_mtu <= 65535 ? (uint32_t)ifr.ifr_mtu : 0;
}

static int open_device(const struct wanted *wanted, uint32_t *ret_mtu)
{
    if (memchr(wanted->name, '\0', sizeof(wanted->name)) == NULL)
        return -NST_EINVAL;
    switch (wanted->type) {
    case TYPE_TAP:
    case TYPE_TUN:
        return nst_tuntap_open(wanted->name, wanted->type == TYPE_TAP);
    case TYPE_PACKET:
        *ret_mtu = mtu_of(wanted->name);
        return nst_afpacket_open(wanted->name, true);
    default:
        return -NST_EINVAL;
    }
}

/* False: there is nobody who would take an answer. */
static bool answer(int fd, const struct wanted *wanted)
{
    uint32_t mtu = 0;
    const int opened = open_device(wanted, &mtu);
    const struct control_record record = {
        .kind = CONTROL_OPENED, .a = opened < 0 ? opened : 0, .b = (int32_t)mtu};
    const int r = control_send(fd, &record, &opened, opened >= 0, 0);
    if (opened >= 0)
        close(opened);
    return r == 0;
}

static void run(int fd)
{
    struct wanted wanted;
    char text[CONFINE_TEXT_SIZE];
    const struct confine_options options = {.parts = CONFINE_OPEN};
    /* Ctrl-C is for nst up, whose end is ours. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    (void)confine_self(&options, text);
    for (;;) {
        const ssize_t n = recv(fd, &wanted, sizeof(wanted), MSG_TRUNC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof(wanted) || !answer(fd, &wanted))
            return;
    }
}

/* ---- Who asks ---- */

int opener_start(struct opener *opener)
{
    int fds[2];
    int r = control_pair(fds);
    if (r < 0)
        return -nst_error_from_errno(-r);
    const pid_t pid = fork();
    if (pid < 0) {
        r = -nst_error_from_errno(errno);
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    if (pid == 0) {
        close(fds[0]);
        run(fds[1]);
        _exit(0);
    }
    close(fds[1]);
    *opener = (struct opener){.fd = fds[0], .pid = pid};
    return 0;
}

int opener_open(const struct opener *opener, enum order_type type, const char *name,
                uint32_t *ret_mtu)
{
    struct wanted wanted = {.type = type};
    struct control_record record;
    int fds[CONTROL_MAX_FDS];
    size_t count = 0;
    if (strlen(name) >= sizeof(wanted.name))
        return -NST_EINVAL;
    memcpy(wanted.name, name, strlen(name));
    if (send(opener->fd, &wanted, sizeof(wanted), MSG_NOSIGNAL) < 0 ||
        control_receive(opener->fd, 0, &record, fds, &count) != 1)
        return -NST_EPIPE;
    *ret_mtu = (uint32_t)record.b;
    if (count == 1)
        return fds[0];
    return record.a < 0 ? record.a : -NST_ENOBUFS; /* no room for it here */
}

void opener_stop(struct opener *opener)
{
    if (opener->pid == 0)
        return;
    close(opener->fd);
    while (waitpid(opener->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *opener = (struct opener){0};
}
