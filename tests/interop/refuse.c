/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place that forbids: runs a program under a seccomp filter that refuses what its first argument
 * names.
 *
 *     refuse userns|packet|inet6|netlink|filter|NAME_OF_A_CALL  ERRNO|kill  PROGRAM [ARGUMENTS]
 *
 * packet, inet6, netlink: sockets of that family.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 125;
}

/* The family of sockets that the word means; AF_UNSPEC: none. */
static int family_of(const char *word)
{
    static const struct {
        const char *word;
        int family;
    } families[] = {{"packet", AF_PACKET}, {"inet6", AF_INET6}, {"netlink", AF_NETLINK}};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i].word, word) == 0)
            return families[i].family;
    return AF_UNSPEC;
}

static void refuse_userns(scmp_filter_ctx filter, uint32_t action)
{
    /* As the filters of container managers do. */
    const struct scmp_arg_cmp flag = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
    seccomp_rule_add(filter, action, SCMP_SYS(clone), 1, flag);
    seccomp_rule_add(filter, action, SCMP_SYS(unshare), 1, flag);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    uint32_t action = strcmp(argv[2], "kill") == 0
                          ? SCMP_ACT_KILL_PROCESS
                          : SCMP_ACT_ERRNO((unsigned)strtoul(argv[2], NULL, 10));
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return fail("seccomp_init");
    if (strcmp(argv[1], "userns") == 0) {
        refuse_userns(filter, action);
    } else if (family_of(argv[1]) != AF_UNSPEC) {
        seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
                         SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family_of(argv[1])));
    } else if (strcmp(argv[1], "filter") == 0) {
        seccomp_rule_add(filter, action, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
    } else {
        int call = seccomp_syscall_resolve_name(argv[1]);
        if (call == __NR_SCMP_ERROR)
            return fail(argv[1]);
        seccomp_rule_add(filter, action, call, 0);
    }
    /* The program may be one of the file system's that gains rights. */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0);
    if (seccomp_load(filter) < 0)
        return fail("seccomp_load");
    execvp(argv[3], argv + 3);
    return fail(argv[3]);
}
