/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: which attachments of `nst run` follow from what works. */
#include <stdio.h>
#include <string.h>

#include "attach/attach.h"
#include "doctor/doctor_report.h"

#define NAMESPACES "network_namespace mount_namespace process_namespace"

/* Best first, as `nst run` tries them. */
static const struct {
    const char *name;
    const char *needs;
    bool replaces_namespaces; /* without being asked for, only where they are refused */
} ways[DOCTOR_ATTACHMENTS] = {
    {"tun", NAMESPACES " netlink tun_vnet_hdr", false},
    {"veth", NAMESPACES " netlink veth_link", false},
    {"notify", "seccomp_addfd child_memory pidfd", true},
};

static void list_missing(const struct doctor_report *report, const char *needs, char *ret_text,
                         size_t size)
{
    size_t len, used = 0;
    *ret_text = '\0';
    while ((needs = doctor_report_missing(report, needs, &len)) != NULL) {
        int n =
            snprintf(ret_text + used, size - used, "%s%.*s", used > 0 ? ", " : "", (int)len, needs);
        used = n > 0 && used + (size_t)n < size ? used + (size_t)n : used;
        needs += len;
        needs += strspn(needs, " ");
    }
}

void doctor_attach_decide(struct doctor_report *report)
{
    size_t len;
    bool has_namespaces = doctor_report_missing(report, NAMESPACES, &len) == NULL;
    report->chosen = NULL;
    for (size_t i = 0; i < DOCTOR_ATTACHMENTS; i++) {
        struct doctor_attachment *attachment = &report->attachments[i];
        attachment->name = ways[i].name;
        attachment->is_built = attach_has_method(ways[i].name);
        list_missing(report, ways[i].needs, attachment->missing, sizeof(attachment->missing));
        attachment->works = attachment->is_built && attachment->missing[0] == '\0';
        report->works |= attachment->works;
        if (attachment->works && report->chosen == NULL &&
            !(ways[i].replaces_namespaces && has_namespaces))
            report->chosen = attachment;
    }
}
