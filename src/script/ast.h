/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet script as the parser leaves it: options, then events in order. All of it lies in the
 * script's arena. Numbers are as the script has them: relative to the ISNs, ports of the script.
 */
#ifndef NICSTACK_SRC_SCRIPT_AST_H
#define NICSTACK_SRC_SCRIPT_AST_H

#include <nicstack/types.h>

#include "script/arena.h"

struct script_pos {
    uint32_t line, col; /* from 1 */
};

/* ---- When ---- */
enum script_when_kind {
    WHEN_ABSOLUTE,
    WHEN_RELATIVE, /* to the event before */
    WHEN_ANY,      /* as soon as it comes */
};

struct script_when {
    enum script_when_kind kind;
    nst_time start;
    nst_time end;   /* latest, of a~b; the same as start otherwise */
    bool range;     /* a~b */
    bool blocks;    /* a...b: a call that ends at `until` */
    nst_time until; /* from the same base as start */
};

/* ---- Packets ---- */
enum script_protocol {
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_ICMP,
};

enum script_ecn {
    ECN_ANY = 0, /* not said */
    ECN_NONE,
    ECN_ECT0,
    ECN_ECT1,
    ECN_ECT01, /* either of them */
    ECN_CE,
};

struct script_ip {
    enum script_ecn ecn;
    bool has_tos, has_ttl, has_flow;
    uint8_t tos, ttl;
    uint32_t flow;
};

#define SCRIPT_HEX_MAX  38
#define SCRIPT_SACK_MAX 4

/* One TCP option. */
struct script_option {
    struct script_option *next;
    uint8_t kind; /* enum tcp_opt_kind */
    bool experiment;
    uint32_t value; /* MSS, shift, TSval */
    uint32_t ecr;
    uint8_t count; /* SACK blocks, AccECN fields, bytes of hex */
    uint32_t start[SCRIPT_SACK_MAX], end[SCRIPT_SACK_MAX];
    uint32_t field[3];
    uint8_t hex[SCRIPT_HEX_MAX];
};

enum script_options_mode {
    OPTIONS_LISTED, /* the list, which may be empty */
    OPTIONS_ANY,    /* <...> */
};

struct script_tcp {
    uint16_t flags; /* enum tcp_flag */
    uint32_t seq, end, len;
    bool has_ack, has_wnd, has_urg;
    uint32_t ack;
    uint16_t wnd, urg;
    enum script_options_mode options_mode;
    struct script_option *options;
};

enum script_echoed {
    ECHOED_NOTHING,
    ECHOED_TCP, /* seq:end(len) */
    ECHOED_UDP, /* len */
    ECHOED_RAW, /* len */
};

struct script_icmp {
    uint8_t type, code;
    bool has_mtu, has_id;
    uint32_t mtu;
    uint16_t id;
    enum script_echoed echoed;
    uint32_t seq, end, len;
};

struct script_packet {
    enum script_protocol protocol;
    bool outgoing;
    struct script_ip ip;
    bool has_ports;
    uint16_t src_port, dst_port;
    union {
        struct script_tcp tcp;
        struct script_icmp icmp;
        uint32_t udp_len;
    };
};

/* ---- Calls ---- */
enum script_value_kind {
    VALUE_NUMBER,
    VALUE_TEXT,   /* "..." */
    VALUE_ANY,    /* ... */
    VALUE_LIST,   /* [ ] */
    VALUE_STRUCT, /* { }: fields, or bare values */
    VALUE_CALL,   /* name(args): htons, inet_addr */
};

struct script_value {
    enum script_value_kind kind;
    struct script_pos pos;
    int64_t number;
    const char *text; /* of a string, or the name of a function */
    size_t len;
    bool open;                  /* "ab"...: what follows does not matter */
    const char *field;          /* the name of a field of a struct, NULL: none */
    struct script_value *paren; /* field(paren) = value */
    struct script_value *first; /* children */
    struct script_value *next;
    uint32_t count; /* of children */
};

struct script_call {
    const char *name;
    struct script_value *args;
    uint32_t count;
    struct script_value *result;
    int error; /* errno, 0: none named */
    const char *note;
};

/* ---- Events ---- */
enum script_event_kind {
    EVENT_PACKET,
    EVENT_CALL,
    EVENT_COMMAND,
    EVENT_CODE,
};

struct script_event {
    struct script_event *next;
    enum script_event_kind kind;
    struct script_pos pos; /* of its action */
    uint32_t last_line;    /* of its text */
    struct script_when when;
    union {
        struct script_packet *packet;
        struct script_call *call;
        const char *text; /* command or code */
    };
    struct script_pos text_pos; /* of the text's first character */
};

struct script_define {
    struct script_define *next;
    const char *name;
    const char *value;
    char quote; /* '"', '`', or 0: a word */
};

enum script_ip_version {
    IP_VERSION_4,
    IP_VERSION_6,
    IP_VERSION_MAPPED, /* IPv6 sockets, IPv4 packets */
};

/* The script's options. Texts are NULL, numbers 0, where it says nothing. */
struct script_config {
    enum script_ip_version ip_version;
    bool names_version; /* else ip_version is the caller's choice */
    struct nst_addr local_ip, remote_ip, gateway_ip;
    bool has_local_ip, has_remote_ip;
    uint8_t prefix_len;
    uint16_t bind_port, connect_port;
    uint32_t mtu, mss;
    nst_time tolerance;
    uint32_t tolerance_permille;
    uint32_t ts_tick_us;
    bool ts_ecr_scaled, strict_segments, is_anyip;
    bool calls_not_fatal, packets_not_fatal;
    const char *init_scripts; /* names, with commas between them; NULL: none */
};

struct script {
    struct arena arena;
    struct script_config config;
    struct script_define *defines;
    struct script_event *first, *last;
    const char *first_command, *last_command; /* NULL: none */
    const char *skip;                         /* why it cannot be run here; NULL: it can */
    struct script_pos skip_pos;
};

#endif
