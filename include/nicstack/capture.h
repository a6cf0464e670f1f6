/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures: every frame of some links into pcapng files and streams, with nanoseconds, completed
 * checksums, the names that are known, and comments that say why: drop reasons, causes of
 * retransmissions, and what the host adds.
 *
 *     nst_capture_new(&config, &capture);
 *     link = nst_capture_link(capture, lower, &interface);  ... nst_nic_add(stack, with link) ...
 *     nst_capture_add(capture, &output_config, &output);
 *     after each turn of the loop: nst_capture_flush(capture);
 *     nst_capture_remove(output, NST_SEC); nst_stack_free(stack); nst_capture_free(capture);
 *
 * A frame is written by the flush that follows it, so what the stack did with it at once is in its
 * comments; what happens later (a fragment that waited in vain) is only counted. Directions are
 * the stack's: inbound is what it received. A large segment that the link is to cut is one packet.
 *
 * A regular file is waited for, so nothing is lost; of anything else, a pipe or a socket that is
 * non-blocking, what its reader does not take in time is dropped, counted, and told in the file.
 * Nothing that goes wrong with an output harms the stack; but SIGPIPE is the host's to ignore.
 */
#ifndef NICSTACK_CAPTURE_H
#define NICSTACK_CAPTURE_H

#include <nicstack/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NST_CAPTURE_INTERFACES_MAX 16
#define NST_CAPTURE_OUTPUTS_MAX    16
#define NST_CAPTURE_FILES_MAX      1000
#define NST_CAPTURE_SNAPLEN        262144 /* the default: more than any packet has */

struct nst_capture;        /* of one stack */
struct nst_capture_output; /* a file, a ring of files, a stream */

struct nst_capture_config {
    size_t size;
    struct nst_stack *stack; /* must be freed before the capture is */
    nst_time (*now)(void);   /* the stack's clock; NULL: nst_host_now */
    int64_t epoch;           /* to add to it for nanoseconds since 1970; 0: found out now */
    const char *application; /* for the file's header; NULL: "nicstack" and its version */
};
/* 0, -NST_EINVAL, -NST_ENOMEM. The strings are copied. */
NST_API int nst_capture_new(const struct nst_capture_config *config,
                            struct nst_capture **ret_capture);
/* After the stack was freed. Removes all outputs, at once, and frees the links. NULL is fine. */
NST_API void nst_capture_free(struct nst_capture *capture);

enum nst_capture_link_type {
    NST_CAPTURE_RAW_IP,
    NST_CAPTURE_ETHERNET,
    NST_CAPTURE_LINK_TYPES,
};

struct nst_capture_interface {
    size_t size;
    const char *name;        /* as the NIC's */
    const char *description; /* NULL: none */
    enum nst_capture_link_type type;
};
/* Middleware over `lower`, as nst_sniffer_new, which belongs to the capture. While there is no
 * output it costs next to nothing. NULL: no memory, or NST_CAPTURE_INTERFACES_MAX are there. */
NST_API struct nst_link *nst_capture_link(struct nst_capture *capture, struct nst_link *lower,
                                          const struct nst_capture_interface *interface);

/* One instruction of a filter, as libpcap's struct bpf_insn: what pcap_compile makes. */
struct nst_capture_insn {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};
struct nst_capture_filter {
    const struct nst_capture_insn *code;
    uint32_t count; /* 0: everything */
};

struct nst_capture_output_config {
    size_t size;
    const int *fds; /* the caller's, who closes them after nst_capture_remove; one, or a ring */
    uint32_t fd_count;
    uint64_t file_size;      /* of each file of a ring: then the next is emptied and written */
    struct nst_loop *loop;   /* tells when a stream has room; NULL: it is tried in each flush */
    uint32_t snaplen;        /* bytes of each frame; 0: NST_CAPTURE_SNAPLEN */
    uint32_t queue;          /* bytes that wait for the reader of a stream; 0: 4 MiB */
    uint64_t packets_max;    /* it finishes after so many; 0: never */
    const char *filter_text; /* for the file's header; NULL: none */
    struct nst_capture_filter filter[NST_CAPTURE_LINK_TYPES]; /* for interfaces of each type */
    /* It is over: by this errno (EPIPE: the reader went; ENOSPC), or 0: it has finished. Called
     * by nst_capture_flush, once; it may remove the output. May be NULL. */
    void (*ended)(void *context, struct nst_capture_output *output, int errnum);
    void *context;
};
/* From now on frames are written there. 0, -NST_EINVAL (config, filter), -NST_ENOMEM, -NST_ENOBUFS:
 * NST_CAPTURE_OUTPUTS_MAX are there. Not in a callback of the stack. */
NST_API int nst_capture_add(struct nst_capture *capture,
                            const struct nst_capture_output_config *config,
                            struct nst_capture_output **ret_output);
/* Takes no more frames. What waits and the statistics are written as the reader takes them; then
 * `ended` is called. */
NST_API void nst_capture_finish(struct nst_capture_output *output);
/* Writes what waits and the statistics, to a stream for as long as its reader takes some of it
 * within `patience` (and ten times that in all), then frees it. NULL is fine. */
NST_API void nst_capture_remove(struct nst_capture_output *output, nst_time patience);

struct nst_capture_stats {
    uint64_t received; /* frames that passed the interfaces since the output was added */
    uint64_t accepted; /* of these, by its filter */
    uint64_t written;  /* of these; in a ring also those that are gone by now */
    uint64_t dropped;  /* of these: the reader was slow, the disk full, or memory short */
    uint64_t waiting;  /* bytes for the reader */
    int errnum;        /* why it ended; 0: it did not, or was complete */
};
NST_API void nst_capture_get_stats(const struct nst_capture_output *output,
                                   struct nst_capture_stats *ret_stats);

/* Writes what came since the last time, with its comments. Call it after each turn of the loop. */
NST_API void nst_capture_flush(struct nst_capture *capture);

/* Adds a comment to the frame with this number (nst_pkt.trace, nst_request_info.trace), if it waits
 * for the next flush; 0 is ignored. */
NST_API void nst_capture_comment(struct nst_capture *capture, uint32_t trace, const char *text);
/* An address has a name: readers show it. */
NST_API void nst_capture_name(struct nst_capture *capture, const struct nst_addr *addr,
                              const char *name);

#ifdef __cplusplus
}
#endif

#endif
