/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/attach_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

struct phrase {
    const char *thing; /* "cannot THING" */
    const char *next;  /* what to do, or what is done without */
};

static const struct phrase phrases[ATTACH_STEP_COUNT] = {
    [ATTACH_STEP_OPTIONS] = {"use these addresses", "write ADDRESS/PREFIX, as in 10.0.2.15/24"},
    [ATTACH_STEP_PREPARE] = {"prepare to run a program",
                             "check the limits of descriptors (ulimit -n)"},
    [ATTACH_STEP_NAMESPACES] = {"create namespaces",
                                "allow unprivileged user namespaces, or run as root"},
    [ATTACH_STEP_IDS] = {"map user and group ids in /proc/self",
                         "allow unprivileged user namespaces, or run as root"},
    [ATTACH_STEP_PRIVATE_MOUNTS] =
        {"make the mounts private",
         "allow unprivileged user namespaces (where AppArmor restricts them: "
         "sysctl kernel.apparmor_restrict_unprivileged_userns=0), or run "
         "as root"},
    [ATTACH_STEP_TUN_OPEN] = {"open /dev/net/tun", "chmod 0666 /dev/net/tun, or run as root"},
    [ATTACH_STEP_TUN_CREATE] = {"create a TUN interface", "load the tun module (modprobe tun), and "
                                                          "let nobody forbid TUNSETIFF"},
    [ATTACH_STEP_VETH] = {"create a veth pair",
                          "load the veth module (modprobe veth), or chmod 0666 /dev/net/tun"},
    [ATTACH_STEP_PACKET_SOCKET] =
        {"open a packet socket",
         "allow AF_PACKET in the seccomp profile of this place, or chmod 0666 /dev/net/tun"},
    [ATTACH_STEP_NETLINK] = {"open a netlink socket",
                             "allow AF_NETLINK in the seccomp profile of this place"},
    [ATTACH_STEP_LOOPBACK] = {"set lo up", "allow netlink in the seccomp profile of this place"},
    [ATTACH_STEP_LINK_UP] = {"set the interface up", "try a smaller --mtu"},
    [ATTACH_STEP_ADDRESS] = {"add the IPv4 address", "check the address and its prefix"},
    [ATTACH_STEP_ROUTE] = {"add the default route", "check that the gateway is in the network"},
    [ATTACH_STEP_FORK] = {"start a process", "check the limit of processes (ulimit -u)"},
    [ATTACH_STEP_EXEC] = {"run", "check its name and its file"},
    [ATTACH_STEP_INIT_DIED] = {"keep the program running",
                               "its init was killed, and every process of it with it"},
    [ATTACH_STEP_FILTER] =
        {"install a seccomp filter with a listener",
         "it takes Linux 5.6, CONFIG_SECCOMP_FILTER, and nobody's listener there "
         "already"},
    [ATTACH_STEP_LISTENER] =
        {"take the seccomp listener from the program (pidfd_getfd)",
         "let a process trace its children (sysctl kernel.yama.ptrace_scope=1, "
         "or in a container --cap-add SYS_PTRACE)"},
    [ATTACH_STEP_ADDRESS6] = {"set IPv6 up", "the program has IPv4 only"},
    [ATTACH_STEP_OFFLOAD] = {"set TUN offloads", "each packet travels alone, which is slower"},
    [ATTACH_STEP_SEGMENTS] = {"limit the size of packets",
                              "what the program sends is impaired in pieces of up to 64 KiB"},
    [ATTACH_STEP_UNCUT] = {"turn segmentation off that nst cannot do",
                           "UDP that a program sends in segments (UDP_SEGMENT) is lost"},
    [ATTACH_STEP_RESOLV] = {"cover /etc/resolv.conf", "the program asks the host's name servers"},
    [ATTACH_STEP_HIDE] = {"hide the host's name service sockets",
                          "names that nscd or systemd-resolved answer bypass our DNS"},
    [ATTACH_STEP_PROC] = {"mount a new /proc", "the program sees the host's processes there"},
    [ATTACH_STEP_PING] = {"write net.ipv4.ping_group_range", "only a privileged ping works"},
    [ATTACH_STEP_NO_IDS] = {"map user and group ids in /proc/self",
                            "the program sees itself as nobody (65534); with a /proc that can be "
                            "written (bwrap --proc /proc) it sees itself"},
    [ATTACH_STEP_ONE_ID] = {"create namespaces without a user namespace",
                            "the program cannot change ids"},
    [ATTACH_STEP_NO_NEW_PRIVS] = {"install a seccomp filter with privileges",
                                  "set-uid programs and file capabilities give none inside"},
};

const char *attach_text_errno(int error)
{
    static const struct {
        int error;
        const char *word;
    } words[] = {
        {EACCES, "EACCES"},         {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
        {EAGAIN, "EAGAIN"},         {EBADF, "EBADF"},
        {EBUSY, "EBUSY"},           {EEXIST, "EEXIST"},
        {EINVAL, "EINVAL"},         {EIO, "EIO"},
        {EISDIR, "EISDIR"},         {ELOOP, "ELOOP"},
        {EMFILE, "EMFILE"},         {ENAMETOOLONG, "ENAMETOOLONG"},
        {ENFILE, "ENFILE"},         {ENOBUFS, "ENOBUFS"},
        {ENODEV, "ENODEV"},         {ENOENT, "ENOENT"},
        {ENOEXEC, "ENOEXEC"},       {ENOMEM, "ENOMEM"},
        {ENOSPC, "ENOSPC"},         {ENOSYS, "ENOSYS"},
        {ENOTDIR, "ENOTDIR"},       {ENOTTY, "ENOTTY"},
        {ENXIO, "ENXIO"},           {EOPNOTSUPP, "EOPNOTSUPP"},
        {EPERM, "EPERM"},           {EPIPE, "EPIPE"},
        {EPROTO, "EPROTO"},         {EROFS, "EROFS"},
        {ETIMEDOUT, "ETIMEDOUT"},   {ETXTBSY, "ETXTBSY"},
        {EUSERS, "EUSERS"},         {E2BIG, "E2BIG"},
        {ERANGE, "ERANGE"},         {EAFNOSUPPORT, "EAFNOSUPPORT"},
        {EADDRINUSE, "EADDRINUSE"}, {ECONNREFUSED, "ECONNREFUSED"},
        {ECONNRESET, "ECONNRESET"}, {EDQUOT, "EDQUOT"},
        {EFBIG, "EFBIG"},           {ENETUNREACH, "ENETUNREACH"},
        {EOVERFLOW, "EOVERFLOW"},   {ELIBBAD, "ELIBBAD"},
    };
    static char number[24];
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].error == error)
            return words[i].word;
    snprintf(number, sizeof(number), "errno %d", error);
    return number;
}

/* The next step where the errno says more than the step alone. */
static const char *next_step(enum attach_step step, int error)
{
    if (error == EMFILE)
        return "raise the limit of descriptors (ulimit -n)";
    if (step == ATTACH_STEP_NAMESPACES && error == ENOSPC)
        return "raise sysctl user.max_user_namespaces (and max_net_namespaces), which is used up "
               "or 0";
    if (step == ATTACH_STEP_NAMESPACES && error == EPERM)
        return "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, or "
               "in a "
               "container --security-opt seccomp=unconfined), or run as root";
    if (step == ATTACH_STEP_TUN_OPEN && (error == ENOENT || error == ENODEV || error == ENXIO))
        return "modprobe tun, or in a container --device /dev/net/tun";
    if (step == ATTACH_STEP_TUN_OPEN && error == EPERM)
        return "in a container --device /dev/net/tun";
    if (step == ATTACH_STEP_EXEC && error == E2BIG)
        return "its arguments and environment are too long together (getconf ARG_MAX)";
    if (step == ATTACH_STEP_EXEC && error == ENOENT)
        return "no such program, or its interpreter is missing";
    if (step == ATTACH_STEP_EXEC && (error == EACCES || error == EPERM))
        return "it is not executable: chmod +x, or name a file and not a directory";
    if (step == ATTACH_STEP_EXEC && error == ENOEXEC)
        return "it is no program for this machine";
    return phrases[step].next;
}

void attach_text_describe(enum attach_step step, int error, const char *program,
                          const char *instead, char ret_text[ATTACH_TEXT_SIZE])
{
    bool names_program = step == ATTACH_STEP_EXEC;
    snprintf(ret_text, ATTACH_TEXT_SIZE, "cannot %s%s%.100s (%s): %s%s%s", phrases[step].thing,
             names_program ? " " : "", names_program ? program : "", attach_text_errno(error),
             instead != NULL ? "using " : "", instead != NULL ? instead : next_step(step, error),
             instead != NULL ? " instead" : "");
}

bool attach_text_is_warning(enum attach_step step)
{
    return step == ATTACH_STEP_RESOLV || step == ATTACH_STEP_SEGMENTS || step == ATTACH_STEP_NO_IDS;
}
