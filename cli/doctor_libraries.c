/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: the libraries that this build may have been given. */
#include "doctor.h"

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

static const struct doctor_check checks[] = {
    {"libseccomp", check_seccomp, NULL, 0, false},
};

const struct doctor_group doctor_libraries = {"libraries", checks,
                                              sizeof(checks) / sizeof(checks[0])};
