/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of a recorded call as text: SHOW_KIND for each kind of args.h, where `f` is the text
 * and `in` the record. */
#ifndef NICSTACK_SRC_RECORD_SHOW_H
#define NICSTACK_SRC_RECORD_SHOW_H

#include "base/fmt.h"
#include "record/args.h"
#include "record/format.h"

void tell_number(struct fmt *f, const char *name, int64_t value);
void tell_handle(struct fmt *f, const char *name, uint64_t value);
void tell_addr(struct fmt *f, const char *name, struct record_in *in);
void tell_mac(struct fmt *f, const char *name, struct record_in *in);
void tell_endpoint(struct fmt *f, const char *name, struct record_in *in);
void tell_route(struct fmt *f, const char *name, struct record_in *in);
void tell_nic_addr(struct fmt *f, const char *name, struct record_in *in);
void tell_nic_config(struct fmt *f, const char *name, struct record_in *in);
void tell_forwarder(struct fmt *f, const char *name, struct record_in *in);
void tell_frame_to(struct fmt *f, const char *name, struct record_in *in);
void tell_neigh_config(struct fmt *f, const char *name, struct record_in *in);
void tell_neigh_limits(struct fmt *f, const char *name, struct record_in *in);
void tell_text(struct fmt *f, const char *name, struct record_in *in);
void tell_iovec(struct fmt *f, const char *name, struct record_in *in);
/* A pointer, which is told if it is NULL. */
void tell_pointer(struct fmt *f, const char *name, struct record_in *in);

#define SHOW_U16(a)          tell_number(f, #a, in_u16(in));
#define SHOW_U32(a)          tell_number(f, #a, in_u32(in));
#define SHOW_INT(a)          tell_number(f, #a, (int32_t)in_u32(in));
#define SHOW_SIZE(a)         tell_number(f, #a, (int64_t)in_u64(in));
#define SHOW_I64(a)          tell_number(f, #a, (int64_t)in_u64(in));
#define SHOW_BOOL(a)         tell_number(f, #a, in_u8(in));
#define SHOW_TIME(a)         tell_number(f, #a, (int64_t)in_u64(in));
#define SHOW_SOCKET(a)       tell_handle(f, #a, in_u64(in));
#define SHOW_TYPE(a)         tell_number(f, #a, in_u32(in));
#define SHOW_OPTION(a)       tell_number(f, #a, in_u32(in));
#define SHOW_REFUSAL(a)      tell_number(f, #a, in_u32(in));
#define SHOW_MAC(a)          tell_mac(f, #a, in);
#define SHOW_ADDR(a)         tell_addr(f, #a, in);
#define SHOW_ENDPOINT(a)     tell_endpoint(f, #a, in);
#define SHOW_ROUTE(a)        tell_route(f, #a, in);
#define SHOW_NIC_ADDR(a)     tell_nic_addr(f, #a, in);
#define SHOW_NIC_CONFIG(a)   tell_nic_config(f, #a, in);
#define SHOW_FORWARDER(a)    tell_forwarder(f, #a, in);
#define SHOW_TEXT(a)         tell_text(f, #a, in);
#define SHOW_FRAME_TO(a)     tell_frame_to(f, #a, in);
#define SHOW_NEIGH_CONFIG(a) tell_neigh_config(f, #a, in);
#define SHOW_NEIGH_LIMITS(a) tell_neigh_limits(f, #a, in);
#define SHOW_DATA(a)         tell_number(f, #a, (int64_t)in_u64(in)), tell_pointer(f, #a, in);
#define SHOW_IOVEC(a)        tell_iovec(f, #a, in);
#define SHOW_LENT(a)         tell_number(f, #a, (int64_t)in_u64(in)), tell_pointer(f, #a, in), in_u8(in);
#define SHOW_COMMIT(a)       tell_number(f, #a, (int64_t)in_u64(in));
#define SHOW_OUT_ID(a)       tell_pointer(f, #a, in);
#define SHOW_OUT_SOCKET(a)   tell_pointer(f, #a, in);
#define SHOW_OUT_ENDPOINT(a) tell_pointer(f, #a, in);
#define SHOW_OUT_MESSAGE(a)  tell_pointer(f, #a, in);
#define SHOW_OUT_ERROR(a)    tell_pointer(f, #a, in);
#define SHOW_OUT_REQUEST(a)  tell_pointer(f, #a, in);
#define SHOW_OUT_PATH(a)     tell_pointer(f, #a, in);
#define SHOW_OUT_FRAME(a)    tell_pointer(f, #a, in);
#define SHOW_BUFFER(a)       tell_pointer(f, #a, in), tell_number(f, #a "_size", (int64_t)in_u64(in));
#define SHOW_PIECES(a)       tell_pointer(f, #a, in), tell_number(f, #a "_count", in_u32(in));
#define SHOW_READY(a)        tell_pointer(f, #a, in), tell_number(f, #a "_max", in_u32(in));
#define SHOW_CONTEXT(a)

#endif
