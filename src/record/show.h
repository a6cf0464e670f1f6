/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of a recorded call as text: SHOW_KIND for each kind of args.h, where `f` is the text
 * and `in` the record. */
#ifndef NICSTACK_SRC_RECORD_SHOW_H
#define NICSTACK_SRC_RECORD_SHOW_H

#include "base/fmt.h"
#include "record/args.h"
#include "record/format.h"

void show_number(struct fmt *f, const char *name, int64_t value);
void show_handle(struct fmt *f, const char *name, uint64_t value);
void show_addr(struct fmt *f, const char *name, struct record_in *in);
void show_mac(struct fmt *f, const char *name, struct record_in *in);
void show_endpoint(struct fmt *f, const char *name, struct record_in *in);
void show_route(struct fmt *f, const char *name, struct record_in *in);
void show_nic_addr(struct fmt *f, const char *name, struct record_in *in);
void show_nic_config(struct fmt *f, const char *name, struct record_in *in);
void show_forwarder(struct fmt *f, const char *name, struct record_in *in);
void show_text(struct fmt *f, const char *name, struct record_in *in);
void show_iovec(struct fmt *f, const char *name, struct record_in *in);
/* A pointer that may be NULL, and where `with_len`, a u64 in front of it or a u32 behind it. */
void show_pointer(struct fmt *f, const char *name, struct record_in *in);

#define SHOW_U16(a)          show_number(f, #a, in_u16(in));
#define SHOW_U32(a)          show_number(f, #a, in_u32(in));
#define SHOW_INT(a)          show_number(f, #a, (int32_t)in_u32(in));
#define SHOW_SIZE(a)         show_number(f, #a, (int64_t)in_u64(in));
#define SHOW_I64(a)          show_number(f, #a, (int64_t)in_u64(in));
#define SHOW_BOOL(a)         show_number(f, #a, in_u8(in));
#define SHOW_TIME(a)         show_number(f, #a, (int64_t)in_u64(in));
#define SHOW_SOCKET(a)       show_handle(f, #a, in_u64(in));
#define SHOW_TYPE(a)         show_number(f, #a, in_u32(in));
#define SHOW_OPTION(a)       show_number(f, #a, in_u32(in));
#define SHOW_REFUSAL(a)      show_number(f, #a, in_u32(in));
#define SHOW_MAC(a)          show_mac(f, #a, in);
#define SHOW_ADDR(a)         show_addr(f, #a, in);
#define SHOW_ENDPOINT(a)     show_endpoint(f, #a, in);
#define SHOW_ROUTE(a)        show_route(f, #a, in);
#define SHOW_NIC_ADDR(a)     show_nic_addr(f, #a, in);
#define SHOW_NIC_CONFIG(a)   show_nic_config(f, #a, in);
#define SHOW_FORWARDER(a)    show_forwarder(f, #a, in);
#define SHOW_TEXT(a)         show_text(f, #a, in);
#define SHOW_DATA(a)         show_number(f, #a, (int64_t)in_u64(in)), show_pointer(f, #a, in);
#define SHOW_IOVEC(a)        show_iovec(f, #a, in);
#define SHOW_LENT(a)         show_number(f, #a, (int64_t)in_u64(in)), show_pointer(f, #a, in), in_u8(in);
#define SHOW_COMMIT(a)       show_number(f, #a, (int64_t)in_u64(in));
#define SHOW_OUT_ID(a)       show_pointer(f, #a, in);
#define SHOW_OUT_SOCKET(a)   show_pointer(f, #a, in);
#define SHOW_OUT_ENDPOINT(a) show_pointer(f, #a, in);
#define SHOW_OUT_MESSAGE(a)  show_pointer(f, #a, in);
#define SHOW_OUT_REQUEST(a)  show_pointer(f, #a, in);
#define SHOW_BUFFER(a)       show_pointer(f, #a, in), show_number(f, #a "_size", (int64_t)in_u64(in));
#define SHOW_PIECES(a)       show_pointer(f, #a, in), show_number(f, #a "_count", in_u32(in));
#define SHOW_READY(a)        show_pointer(f, #a, in), show_number(f, #a "_max", in_u32(in));
#define SHOW_CONTEXT(a)

#endif
