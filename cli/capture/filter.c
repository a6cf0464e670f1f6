/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NST_HAVE_PCAP
#include <pcap/pcap.h>

_Static_assert(sizeof(struct bpf_insn) == sizeof(struct nst_capture_insn),
               "an instruction of libpcap is one of ours");

static const int links[NST_CAPTURE_LINK_TYPES] = {
    [NST_CAPTURE_RAW_IP] = DLT_RAW,
    [NST_CAPTURE_ETHERNET] = DLT_EN10MB,
};

/* Only protochain jumps back. */
static bool has_loop(const struct bpf_program *program)
{
    for (unsigned i = 0; i < program->bf_len; i++)
        if (program->bf_insns[i].code == (BPF_JMP | BPF_JA) &&
            program->bf_insns[i].k >= program->bf_len - i - 1)
            return true;
    return false;
}

/* Compiles text; with ret_code NULL only to see whether it can be. */
static bool compile(const char *text, int link, struct nst_capture_filter *ret_code,
                    char message[FILTER_MESSAGE])
{
    struct bpf_program program;
    pcap_t *pcap = pcap_open_dead(link, NST_CAPTURE_SNAPLEN);
    if (pcap == NULL)
        return false;
    bool ok = pcap_compile(pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (!ok)
        snprintf(message, FILTER_MESSAGE, "%s", pcap_geterr(pcap));
    if (ok && has_loop(&program)) {
        snprintf(message, FILTER_MESSAGE, "protochain makes a loop, which is not run here");
        pcap_freecode(&program);
        ok = false;
    }
    if (ok && ret_code != NULL) {
        struct nst_capture_insn *copy = malloc(program.bf_len * sizeof(*copy));
        if (copy != NULL)
            memcpy(copy, program.bf_insns, program.bf_len * sizeof(*copy));
        *ret_code = (struct nst_capture_filter){copy, copy != NULL ? program.bf_len : 0};
    }
    if (ok)
        pcap_freecode(&program);
    pcap_close(pcap);
    return ok;
}

/* libpcap does not tell where: the longest beginning of the text, in whole words, that it takes. */
static size_t good_beginning(const char *text, int link)
{
    char part[1024], unused[FILTER_MESSAGE];
    size_t good = 0;
    const size_t len = strlen(text);
    for (size_t i = 1; i < len && i < sizeof(part); i++) {
        if (text[i] != ' ')
            continue;
        memcpy(part, text, i);
        part[i] = '\0';
        if (compile(part, link, NULL, unused))
            good = i;
    }
    return good;
}

static void explain(const char *text, int link, const char *why, char message[FILTER_MESSAGE])
{
    const size_t good = good_beginning(text, link);
    const int n = good < 80 ? (int)good : 80;
    if (good == 0)
        snprintf(message, FILTER_MESSAGE, "%.150s; see pcap-filter(7)", why);
    else
        snprintf(message, FILTER_MESSAGE, "%.100s, behind '%.*s'; see pcap-filter(7)", why, n,
                 text);
}

bool filter_compile(const char *text, struct filter *ret_filter, char ret_message[FILTER_MESSAGE])
{
    char why[FILTER_MESSAGE] = "no memory";
    struct filter filter = {.text = text};
    bool any = false;
    if (text == NULL || *text == '\0') {
        *ret_filter = (struct filter){0};
        return true;
    }
    for (int i = NST_CAPTURE_LINK_TYPES - 1; i >= 0; i--) {
        if (compile(text, links[i], &filter.code[i], why) && filter.code[i].count > 0)
            any = true;
        else
            explain(text, links[i], why, filter.why[i]);
    }
    if (any)
        *ret_filter = filter;
    else
        snprintf(ret_message, FILTER_MESSAGE, "%s", filter.why[NST_CAPTURE_ETHERNET]);
    return any;
}
#else
bool filter_compile(const char *text, struct filter *ret_filter, char ret_message[FILTER_MESSAGE])
{
    *ret_filter = (struct filter){0};
    snprintf(ret_message, FILTER_MESSAGE,
             "filters need libpcap, which nst was built without: apt-get install libpcap-dev, and "
             "build again");
    return text == NULL || *text == '\0';
}
#endif

bool filter_is_for(const struct filter *filter, enum nst_capture_link_type type)
{
    return filter->text == NULL || filter->code[type].count > 0;
}

void filter_fini(struct filter *filter)
{
    for (int i = 0; i < NST_CAPTURE_LINK_TYPES; i++)
        free((void *)filter->code[i].code);
    *filter = (struct filter){0};
}
