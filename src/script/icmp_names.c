/* SPDX-License-Identifier: Apache-2.0 */
#include "script/icmp_names.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "wire/icmp4.h"

/* RFC 4443. */
enum {
    V6_UNREACHABLE = 1,
    V6_TOO_BIG = 2,
    V6_TIME_EXCEEDED = 3,
    V6_PARAMETER = 4,
    V6_ECHO_REQUEST = 128,
    V6_ECHO_REPLY = 129,
};

struct name {
    const char *text;
    uint8_t number;
};

struct code_name {
    uint8_t type;
    struct name name;
};

static const struct name types4[] = {
    {"echo_reply", ICMP4_ECHO_REPLY},
    {"unreachable", ICMP4_UNREACHABLE},
    {"source_quench", ICMP4_SOURCE_QUENCH},
    {"redirect", ICMP4_REDIRECT},
    {"echo_request", ICMP4_ECHO_REQUEST},
    {"time_exceeded", ICMP4_TIME_EXCEEDED},
    {"parameter_problem", ICMP4_PARAMETER_PROBLEM},
    {"timestamp_request", ICMP4_TIMESTAMP_REQUEST},
    {"timestamp_reply", ICMP4_TIMESTAMP_REPLY},
    {NULL, 0},
};

static const struct name types6[] = {
    {"unreachable", V6_UNREACHABLE},
    {"packet_too_big", V6_TOO_BIG},
    {"time_exceeded", V6_TIME_EXCEEDED},
    {"parameter_problem", V6_PARAMETER},
    {"echo_request", V6_ECHO_REQUEST},
    {"echo_reply", V6_ECHO_REPLY},
    {NULL, 0},
};

static const struct code_name codes4[] = {
    {ICMP4_UNREACHABLE, {"net_unreachable", ICMP4_NET_UNREACHABLE}},
    {ICMP4_UNREACHABLE, {"host_unreachable", ICMP4_HOST_UNREACHABLE}},
    {ICMP4_UNREACHABLE, {"protocol_unreachable", ICMP4_PROTO_UNREACHABLE}},
    {ICMP4_UNREACHABLE, {"port_unreachable", ICMP4_PORT_UNREACHABLE}},
    {ICMP4_UNREACHABLE, {"frag_needed", ICMP4_FRAG_NEEDED}},
    {ICMP4_UNREACHABLE, {"source_route_failed", ICMP4_SOURCE_ROUTE_FAILED}},
    {ICMP4_UNREACHABLE, {"net_unknown", ICMP4_NET_UNKNOWN}},
    {ICMP4_UNREACHABLE, {"host_unknown", ICMP4_HOST_UNKNOWN}},
    {ICMP4_UNREACHABLE, {"source_host_isolated", ICMP4_HOST_ISOLATED}},
    {ICMP4_UNREACHABLE, {"net_prohibited", ICMP4_NET_PROHIBITED}},
    {ICMP4_UNREACHABLE, {"host_prohibited", ICMP4_HOST_PROHIBITED}},
    {ICMP4_UNREACHABLE, {"net_unreachable_for_tos", ICMP4_NET_TOS}},
    {ICMP4_UNREACHABLE, {"host_unreachable_for_tos", ICMP4_HOST_TOS}},
    {ICMP4_UNREACHABLE, {"packet_filtered", ICMP4_ADMIN_PROHIBITED}},
    {ICMP4_UNREACHABLE, {"precedence_violation", ICMP4_PRECEDENCE_VIOLATION}},
    {ICMP4_UNREACHABLE, {"precedence_cutoff", ICMP4_PRECEDENCE_CUTOFF}},
    {0, {NULL, 0}},
};

static const struct code_name codes6[] = {
    {V6_UNREACHABLE, {"no_route", 0}},
    {V6_UNREACHABLE, {"admin_prohibited", 1}},
    {V6_UNREACHABLE, {"not_neighbour", 2}},
    {V6_UNREACHABLE, {"address_unreachable", 3}},
    {V6_UNREACHABLE, {"port_unreachable", 4}},
    {V6_TIME_EXCEEDED, {"exceeded_hop_limit", 0}},
    {V6_TIME_EXCEEDED, {"exceeded_frag_time", 1}},
    {V6_PARAMETER, {"header_field", 0}},
    {V6_PARAMETER, {"unknown_next_header", 1}},
    {V6_PARAMETER, {"unknown_option", 2}},
    {0, {NULL, 0}},
};

/* "type_9" with the prefix "type_". */
static bool by_number(const char *name, const char *prefix, uint8_t *ret_number)
{
    const size_t len = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, len) != 0 || name[len] < '0' || name[len] > '9')
        return false;
    const unsigned long number = strtoul(name + len, &end, 10);
    if (*end != '\0' || number > 255)
        return false;
    *ret_number = (uint8_t)number;
    return true;
}

bool icmp_names_type(bool v6, const char *name, uint8_t *ret_type)
{
    for (const struct name *n = v6 ? types6 : types4; n->text != NULL; n++) {
        if (strcmp(n->text, name) == 0) {
            *ret_type = n->number;
            return true;
        }
    }
    return by_number(name, "type_", ret_type);
}

bool icmp_names_code(bool v6, uint8_t type, const char *name, uint8_t *ret_code)
{
    for (const struct code_name *n = v6 ? codes6 : codes4; n->name.text != NULL; n++) {
        if (n->type == type && strcmp(n->name.text, name) == 0) {
            *ret_code = n->name.number;
            return true;
        }
    }
    return by_number(name, "code_", ret_code);
}

const char *icmp_names_show_type(bool v6, uint8_t type)
{
    for (const struct name *n = v6 ? types6 : types4; n->text != NULL; n++)
        if (n->number == type)
            return n->text;
    return NULL;
}

const char *icmp_names_show_code(bool v6, uint8_t type, uint8_t code)
{
    for (const struct code_name *n = v6 ? codes6 : codes4; n->name.text != NULL; n++)
        if (n->type == type && n->name.number == code)
            return n->name.text;
    return NULL;
}
