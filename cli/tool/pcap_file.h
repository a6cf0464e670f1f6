/* SPDX-License-Identifier: Apache-2.0 */
/* A pcapng file of whole packets, written as they pass: interfaces are added when they are first
 * needed. The first error is kept, and nothing is written after it. */
#ifndef NICSTACK_CLI_TOOL_PCAP_FILE_H
#define NICSTACK_CLI_TOOL_PCAP_FILE_H

#include <nicstack/packet.h>

struct pcap_file;

/* "-" is stdout. `application` is named in the file. NULL: errno tells why. */
struct pcap_file *pcap_file_new(const char *path, const char *application);
/* Adds an interface, of Ethernet or of bare IP; its number. */
uint32_t pcap_file_add_interface(struct pcap_file *file, const char *name, bool ethernet);

struct pcap_file_packet {
    const struct nst_pkt *packet; /* link header first */
    uint64_t time;                /* nanoseconds since 1970 */
    uint32_t interface;
    bool outgoing;
    const char *comment; /* NULL: none */
};
void pcap_file_write(struct pcap_file *file, const struct pcap_file_packet *packet);
/* Keeps an errno of the caller's as the first error, if there was none. */
void pcap_file_fail(struct pcap_file *file, int error);

/* 0, or the errno of the first error: then the file is not whole. NULL is fine. */
int pcap_file_free(struct pcap_file *file);

#endif
