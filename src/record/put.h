/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments into records: a macro PUT_KIND for each kind of args.h, used where `out`, `stack` and
 * the arguments themselves are in scope. get.h reads what this writes. */
#ifndef NICSTACK_SRC_RECORD_PUT_H
#define NICSTACK_SRC_RECORD_PUT_H

#include "record/args.h"
#include "record/format.h"
#include "stack/nic.h"

void put_addr(struct record_out *out, const struct nst_addr *addr);
void put_endpoint(struct record_out *out, const struct nst_endpoint *endpoint);
void put_route(struct record_out *out, const struct nst_route *route);
void put_nic_addr(struct record_out *out, const struct nst_nic_addr *addr);
void put_nic_config(struct record_out *out, const struct nst_nic_config *config);
void put_forwarder(struct record_out *out, const struct nst_forwarder_config *config);
void put_stack_config(struct record_out *out, const struct nst_stack_config *config);
void put_frame_to(struct record_out *out, const struct nst_frame_to *to);
void put_neigh_config(struct record_out *out, const struct nst_neigh_config *config);
void put_neigh_limits(struct record_out *out, const struct nst_neigh_limits *limits);
void put_text(struct record_out *out, const char *text);
void put_data(struct record_out *out, const void *data, size_t len);
void put_iovec(struct record_out *out, const struct nst_iovec *iov, size_t count);
void put_commit(struct record_out *out, const struct nst_stack *stack, nst_socket s, size_t n);
void put_link(struct record_out *out, const struct tape_link *link);

/* What of a link is recorded. */
struct tape_link put_link_state(const struct nst_link *link);

/* The next bytes of what was reserved on a socket, and how many; NULL: nothing was. */
uint8_t *put_reserved(const struct nst_stack *stack, nst_socket s, size_t *ret_room);

#define PUT_U16(a)          out_u16(&out, a);
#define PUT_U32(a)          out_u32(&out, a);
#define PUT_INT(a)          out_u32(&out, (uint32_t)(a));
#define PUT_SIZE(a)         out_u64(&out, a);
#define PUT_I64(a)          out_u64(&out, (uint64_t)(a));
#define PUT_BOOL(a)         out_u8(&out, a);
#define PUT_TIME(a)         out_u64(&out, (uint64_t)(a));
#define PUT_SOCKET(a)       out_u64(&out, a);
#define PUT_TYPE(a)         out_u32(&out, (uint32_t)(a));
#define PUT_OPTION(a)       out_u32(&out, (uint32_t)(a));
#define PUT_REFUSAL(a)      out_u32(&out, (uint32_t)(a));
#define PUT_MAC(a)          out_bytes(&out, (a).b, sizeof((a).b));
#define PUT_ADDR(a)         put_addr(&out, a);
#define PUT_ENDPOINT(a)     put_endpoint(&out, a);
#define PUT_ROUTE(a)        put_route(&out, a);
#define PUT_NIC_ADDR(a)     put_nic_addr(&out, a);
#define PUT_NIC_CONFIG(a)   put_nic_config(&out, a);
#define PUT_FORWARDER(a)    put_forwarder(&out, a);
#define PUT_TEXT(a)         put_text(&out, a);
#define PUT_FRAME_TO(a)     put_frame_to(&out, a);
#define PUT_NEIGH_CONFIG(a) put_neigh_config(&out, a);
#define PUT_NEIGH_LIMITS(a) put_neigh_limits(&out, a);
#define PUT_DATA(a)         put_data(&out, a, a##_len);
#define PUT_IOVEC(a)        put_iovec(&out, a, a##_count);
#define PUT_LENT(a)         put_data(&out, a, a##_len), out_u8(&out, a##_release != NULL);
#define PUT_COMMIT(a)       put_commit(&out, stack, s, a);
#define PUT_OUT_ID(a)       out_u8(&out, (a) != NULL);
#define PUT_OUT_SOCKET(a)   out_u8(&out, (a) != NULL);
#define PUT_OUT_ENDPOINT(a) out_u8(&out, (a) != NULL);
#define PUT_OUT_MESSAGE(a)  out_u8(&out, (a) != NULL);
#define PUT_OUT_ERROR(a)    out_u8(&out, (a) != NULL);
#define PUT_OUT_REQUEST(a)  out_u8(&out, (a) != NULL);
#define PUT_OUT_PATH(a)     out_u8(&out, (a) != NULL);
#define PUT_OUT_FRAME(a)    out_u8(&out, (a) != NULL);
#define PUT_BUFFER(a)       out_u8(&out, (a) != NULL), out_u64(&out, a##_size);
#define PUT_PIECES(a)       out_u8(&out, (a) != NULL), out_u32(&out, (uint32_t)a##_count);
#define PUT_READY(a)        out_u8(&out, (a) != NULL), out_u32(&out, (uint32_t)a##_max);
#define PUT_CONTEXT(a)

#endif
