/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of arguments in calls.def: how each is declared in C and passed on. put.h has how they
 * are recorded, get.h how they are read.
 */
#ifndef NICSTACK_SRC_RECORD_ARGS_H
#define NICSTACK_SRC_RECORD_ARGS_H

#include <nicstack/event.h>
#include <nicstack/forwarder.h>
#include <nicstack/frame.h>
#include <nicstack/nic.h>
#include <nicstack/record.h>
#include <nicstack/trace.h>

#include "record/each.h"

/* Numbers. */
#define PARAM_U16(a)     , uint16_t a
#define PARAM_U32(a)     , uint32_t a
#define PARAM_INT(a)     , int a
#define PARAM_SIZE(a)    , size_t a
#define PARAM_I64(a)     , int64_t a
#define PARAM_BOOL(a)    , bool a
#define PARAM_TIME(a)    , nst_time a
#define PARAM_SOCKET(a)  , uint64_t a /* and nst_request */
#define PARAM_TYPE(a)    , enum nst_socket_type a
#define PARAM_OPTION(a)  , enum nst_option a
#define PARAM_REFUSAL(a) , enum nst_refusal a
#define PARAM_MAC(a)     , struct nst_mac a
/* What is pointed to, which may be NULL. */
#define PARAM_ADDR(a)         , const struct nst_addr *a
#define PARAM_ENDPOINT(a)     , const struct nst_endpoint *a
#define PARAM_ROUTE(a)        , const struct nst_route *a
#define PARAM_NIC_ADDR(a)     , const struct nst_nic_addr *a
#define PARAM_NIC_CONFIG(a)   , const struct nst_nic_config *a
#define PARAM_FORWARDER(a)    , const struct nst_forwarder_config *a
#define PARAM_TEXT(a)         , const char *a
#define PARAM_FRAME_TO(a)     , const struct nst_frame_to *a
#define PARAM_NEIGH_CONFIG(a) , const struct nst_neigh_config *a
#define PARAM_NEIGH_LIMITS(a) , const struct nst_neigh_limits *a
/* Data: more than one C argument each. */
#define PARAM_DATA(a)  , const void *a, size_t a##_len
#define PARAM_IOVEC(a) , const struct nst_iovec *a, size_t a##_count
#define PARAM_LENT(a)                                                               \
    , void *a, size_t a##_len, void (*a##_release)(void *context, uint8_t *memory), \
        void *a##_context
/* How many bytes of what was reserved on the socket `s` are sent: with them. */
#define PARAM_COMMIT(a) , size_t a
/* Where results go: recorded is whether it is NULL, and for how many there is room. */
#define PARAM_OUT_ID(a)       , uint32_t *a
#define PARAM_OUT_SOCKET(a)   , nst_socket *a
#define PARAM_OUT_ENDPOINT(a) , struct nst_endpoint *a
#define PARAM_OUT_MESSAGE(a)  , struct nst_message *a
#define PARAM_OUT_ERROR(a)    , struct nst_error_info *a
#define PARAM_OUT_REQUEST(a)  , struct nst_request_info *a
#define PARAM_OUT_PATH(a)     , struct nst_path *a
#define PARAM_OUT_FRAME(a)    , struct nst_frame_info *a
#define PARAM_BUFFER(a)       , void *a, size_t a##_size
#define PARAM_PIECES(a)       , struct nst_iovec *a, int a##_count
#define PARAM_READY(a)        , struct nst_ready *a, int a##_max
/* The host's own, which the stack only gives back: not recorded. */
#define PARAM_CONTEXT(a) , void *a

#define PASS_U16(a)          , a
#define PASS_U32(a)          , a
#define PASS_INT(a)          , a
#define PASS_SIZE(a)         , a
#define PASS_I64(a)          , a
#define PASS_BOOL(a)         , a
#define PASS_TIME(a)         , a
#define PASS_SOCKET(a)       , a
#define PASS_TYPE(a)         , a
#define PASS_OPTION(a)       , a
#define PASS_REFUSAL(a)      , a
#define PASS_MAC(a)          , a
#define PASS_ADDR(a)         , a
#define PASS_ENDPOINT(a)     , a
#define PASS_ROUTE(a)        , a
#define PASS_NIC_ADDR(a)     , a
#define PASS_NIC_CONFIG(a)   , a
#define PASS_FORWARDER(a)    , a
#define PASS_TEXT(a)         , a
#define PASS_FRAME_TO(a)     , a
#define PASS_NEIGH_CONFIG(a) , a
#define PASS_NEIGH_LIMITS(a) , a
#define PASS_DATA(a)         , a, a##_len
#define PASS_IOVEC(a)        , a, a##_count
#define PASS_LENT(a)         , a, a##_len, a##_release, a##_context
#define PASS_COMMIT(a)       , a
#define PASS_OUT_ID(a)       , a
#define PASS_OUT_SOCKET(a)   , a
#define PASS_OUT_ENDPOINT(a) , a
#define PASS_OUT_MESSAGE(a)  , a
#define PASS_OUT_ERROR(a)    , a
#define PASS_OUT_REQUEST(a)  , a
#define PASS_OUT_PATH(a)     , a
#define PASS_OUT_FRAME(a)    , a
#define PASS_BUFFER(a)       , a, a##_size
#define PASS_PIECES(a)       , a, a##_count
#define PASS_READY(a)        , a, a##_max
#define PASS_CONTEXT(a)      , a

#endif
