/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: the libraries that this build may have been given, and what needs them. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/confine.h"
#include "doctor/doctor.h"

#ifdef NST_HAVE_PCAP
#include <pcap/pcap.h>
#endif
#ifdef NST_HAVE_SECCOMP
#include <seccomp.h>
#endif

static void check_seccomp(struct doctor_result *result)
{
#ifdef NST_HAVE_SECCOMP
    const struct scmp_version *version = seccomp_version();
    doctor_works(result, "%u.%u.%u", version->major, version->minor, version->micro);
#else
    doctor_fails(result, 0, "apt-get install libseccomp-dev, then build again",
                 "built without: nst does not confine itself");
#endif
}

static void check_pcap(struct doctor_result *result)
{
#ifdef NST_HAVE_PCAP
    doctor_works(result, "%.100s", pcap_lib_version());
#else
    doctor_fails(result, 0, "apt-get install libpcap-dev, then build again",
                 "built without: captures have no filters");
#endif
}

/* Whether a confined process that makes a call that no server needs is killed for it. */
static bool is_killed(void)
{
    int status = 0;
    char text[CONFINE_TEXT_SIZE];
    const struct confine_options options = {0};
    pid_t pid = fork();
    if (pid == 0) {
        (void)confine_self(&options, text);
        _exit((int)syscall(SYS_getppid) == 0);
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void check_confinement(struct doctor_result *result)
{
    char text[CONFINE_TEXT_SIZE];
    const struct confine_options options = {0};
    bool was_killed = is_killed();
    int error = confine_self(&options, text);
    if (error == 0 && was_killed)
        doctor_works(result, "%.200s", text);
    else if (error == 0)
        doctor_fails(result, 0, "report this", "a call that is forbidden was made");
    else
        doctor_fails(result, -error, "see libseccomp and seccomp_filter above", "%.200s", text);
}

static const struct doctor_check checks[] = {
    {"libseccomp", check_seccomp, NULL, 0, false},
    {"libpcap", check_pcap, NULL, 0, false},
    {"confinement", check_confinement, NULL, 0, false},
};

const struct doctor_group doctor_libraries = {"libraries", checks,
                                              sizeof(checks) / sizeof(checks[0])};
