/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments out of records: HOLD_KIND declares what one needs, GET_KIND reads it, where `r` is the
 * replay and `in` the record. What they point to is good until the next call. */
#ifndef NICSTACK_SRC_RECORD_GET_H
#define NICSTACK_SRC_RECORD_GET_H

#include "record/args.h"
#include "record/replay.h"

const struct nst_addr *get_addr(struct record_in *in, struct nst_addr *hold);
struct nst_mac get_mac(struct record_in *in);
const struct nst_endpoint *get_endpoint(struct record_in *in, struct nst_endpoint *hold);
const struct nst_route *get_route(struct record_in *in, struct nst_route *hold);
const struct nst_nic_addr *get_nic_addr(struct record_in *in, struct nst_nic_addr *hold);
const struct nst_forwarder_config *get_forwarder(struct record_in *in,
                                                 struct nst_forwarder_config *hold);
const struct nst_frame_to *get_frame_to(struct record_in *in, struct nst_frame_to *hold);
const struct nst_neigh_config *get_neigh_config(struct record_in *in,
                                                struct nst_neigh_config *hold);
const struct nst_neigh_limits *get_neigh_limits(struct record_in *in,
                                                struct nst_neigh_limits *hold);
const char *get_text(struct record_in *in, char hold[RECORD_NAME_MAX + 1]);
/* A configuration and the text in it; with a new link. */
struct get_nic_config {
    struct nst_nic_config config;
    char name[RECORD_NAME_MAX + 1];
};
const struct nst_nic_config *get_nic_config(struct nst_replay *r, struct record_in *in,
                                            struct get_nic_config *hold);
void get_stack_config(struct record_in *in, struct nst_stack_config *ret_config);
/* False: such a link there cannot be. */
bool get_link(struct record_in *in, struct tape_link *ret_link);
const void *get_data(struct record_in *in, size_t *ret_len);
/* `hold` has RECORD_IOV_MAX. */
const struct nst_iovec *get_iovec(struct record_in *in, struct nst_iovec *hold, size_t *ret_count);
/* The bytes are in what was reserved on the socket then. */
size_t get_commit(struct nst_replay *r, struct record_in *in, nst_socket s);
/* Memory to release with the context, if it is not NULL; r->lent until somebody takes it. */
void *get_lent(struct nst_replay *r, struct record_in *in, size_t *ret_len, void **ret_context);
void *get_buffer(struct nst_replay *r, struct record_in *in, size_t *ret_size);
/* Room for as many of `size` bytes as were asked for. */
void *get_array(struct nst_replay *r, struct record_in *in, size_t size, int *ret_count);

#define HOLD_U16(a)     uint16_t a;
#define HOLD_U32(a)     uint32_t a;
#define HOLD_INT(a)     int a;
#define HOLD_SIZE(a)    size_t a;
#define HOLD_I64(a)     int64_t a;
#define HOLD_BOOL(a)    bool a;
#define HOLD_TIME(a)    nst_time a;
#define HOLD_SOCKET(a)  uint64_t a;
#define HOLD_TYPE(a)    enum nst_socket_type a;
#define HOLD_OPTION(a)  enum nst_option a;
#define HOLD_REFUSAL(a) enum nst_refusal a;
#define HOLD_MAC(a)     struct nst_mac a;
#define HOLD_ADDR(a)        \
    struct nst_addr a##_is; \
    const struct nst_addr *a;
#define HOLD_ENDPOINT(a)        \
    struct nst_endpoint a##_is; \
    const struct nst_endpoint *a;
#define HOLD_ROUTE(a)        \
    struct nst_route a##_is; \
    const struct nst_route *a;
#define HOLD_NIC_ADDR(a)        \
    struct nst_nic_addr a##_is; \
    const struct nst_nic_addr *a;
#define HOLD_NIC_CONFIG(a)        \
    struct get_nic_config a##_is; \
    const struct nst_nic_config *a;
#define HOLD_FORWARDER(a)               \
    struct nst_forwarder_config a##_is; \
    const struct nst_forwarder_config *a;
#define HOLD_TEXT(a)                  \
    char a##_is[RECORD_NAME_MAX + 1]; \
    const char *a;
#define HOLD_OUT_PATH(a)    \
    struct nst_path a##_is; \
    struct nst_path *a;
#define HOLD_FRAME_TO(a)        \
    struct nst_frame_to a##_is; \
    const struct nst_frame_to *a;
#define HOLD_NEIGH_CONFIG(a)        \
    struct nst_neigh_config a##_is; \
    const struct nst_neigh_config *a;
#define HOLD_NEIGH_LIMITS(a)        \
    struct nst_neigh_limits a##_is; \
    const struct nst_neigh_limits *a;
#define HOLD_OUT_FRAME(a)         \
    struct nst_frame_info a##_is; \
    struct nst_frame_info *a;
#define HOLD_DATA(a) \
    const void *a;   \
    size_t a##_len;
#define HOLD_IOVEC(a)                         \
    struct nst_iovec a##_are[RECORD_IOV_MAX]; \
    const struct nst_iovec *a;                \
    size_t a##_count;
#define HOLD_LENT(a)   \
    void *a;           \
    size_t a##_len;    \
    void *a##_context; \
    void (*a##_release)(void *context, uint8_t *memory) = NULL;
#define HOLD_COMMIT(a) size_t a;
#define HOLD_OUT_ID(a) \
    uint32_t a##_is;   \
    uint32_t *a;
#define HOLD_OUT_SOCKET(a) \
    nst_socket a##_is;     \
    nst_socket *a;
#define HOLD_OUT_ENDPOINT(a)    \
    struct nst_endpoint a##_is; \
    struct nst_endpoint *a;
#define HOLD_OUT_MESSAGE(a)    \
    struct nst_message a##_is; \
    struct nst_message *a;
#define HOLD_OUT_ERROR(a)         \
    struct nst_error_info a##_is; \
    struct nst_error_info *a;
#define HOLD_OUT_REQUEST(a)         \
    struct nst_request_info a##_is; \
    struct nst_request_info *a;
#define HOLD_BUFFER(a) \
    void *a;           \
    size_t a##_size;
#define HOLD_PIECES(a)   \
    struct nst_iovec *a; \
    int a##_count;
#define HOLD_READY(a)    \
    struct nst_ready *a; \
    int a##_max;
#define HOLD_CONTEXT(a) void *a = NULL;

#define GET_U16(a)          a = in_u16(in);
#define GET_U32(a)          a = in_u32(in);
#define GET_INT(a)          a = (int)in_u32(in);
#define GET_SIZE(a)         a = (size_t)in_u64(in);
#define GET_I64(a)          a = (int64_t)in_u64(in);
#define GET_BOOL(a)         a = in_u8(in) != 0;
#define GET_TIME(a)         a = (nst_time)in_u64(in);
#define GET_SOCKET(a)       a = in_u64(in);
#define GET_TYPE(a)         a = (enum nst_socket_type)in_u32(in);
#define GET_OPTION(a)       a = (enum nst_option)in_u32(in);
#define GET_REFUSAL(a)      a = (enum nst_refusal)in_u32(in);
#define GET_MAC(a)          a = get_mac(in);
#define GET_ADDR(a)         a = get_addr(in, &a##_is);
#define GET_ENDPOINT(a)     a = get_endpoint(in, &a##_is);
#define GET_ROUTE(a)        a = get_route(in, &a##_is);
#define GET_NIC_ADDR(a)     a = get_nic_addr(in, &a##_is);
#define GET_NIC_CONFIG(a)   a = get_nic_config(r, in, &a##_is);
#define GET_FORWARDER(a)    a = get_forwarder(in, &a##_is);
#define GET_FRAME_TO(a)     a = get_frame_to(in, &a##_is);
#define GET_NEIGH_CONFIG(a) a = get_neigh_config(in, &a##_is);
#define GET_NEIGH_LIMITS(a) a = get_neigh_limits(in, &a##_is);
#define GET_OUT_FRAME(a)    a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_TEXT(a)         a = get_text(in, a##_is);
#define GET_DATA(a)         a = get_data(in, &a##_len);
#define GET_IOVEC(a)        a = get_iovec(in, a##_are, &a##_count);
#define GET_LENT(a)                              \
    a = get_lent(r, in, &a##_len, &a##_context); \
    a##_release = a##_context != NULL ? replay_release : NULL;
#define GET_COMMIT(a)       a = get_commit(r, in, s);
#define GET_OUT_ID(a)       a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_OUT_SOCKET(a)   a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_OUT_ENDPOINT(a) a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_OUT_MESSAGE(a)  a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_OUT_ERROR(a)    a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_OUT_REQUEST(a)  a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_OUT_PATH(a)     a = in_u8(in) != 0 ? &a##_is : NULL;
#define GET_BUFFER(a)       a = get_buffer(r, in, &a##_size);
#define GET_PIECES(a)       a = get_array(r, in, sizeof(*(a)), &a##_count);
#define GET_READY(a)        a = get_array(r, in, sizeof(*(a)), &a##_max);
#define GET_CONTEXT(a)

#endif
