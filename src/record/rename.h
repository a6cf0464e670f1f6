/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The build includes this in front of every file of the core but those of src/record: what they
 * define as nst_socket_send, and call by that name, the linker knows as core_nst_socket_send. So
 * the public function of that name, in calls.c, can record the call before it passes it on, and
 * what the core calls of itself is not recorded. A debugger shows both as nst_socket_send.
 */
#ifndef NICSTACK_SRC_RECORD_RENAME_H
#define NICSTACK_SRC_RECORD_RENAME_H

#define RENAME_TEXT(text)  #text
#define RENAME_PRAGMA(...) _Pragma(RENAME_TEXT(__VA_ARGS__))
#define RENAME(name)       RENAME_PRAGMA(redefine_extname nst_##name core_nst_##name)

#define CALL(number, result, name, ...)  RENAME(name)
#define CALLQ(number, result, name, ...) RENAME(name)
#define CALLV(number, name, ...)         RENAME(name)
#define ASIDE(name)
#define OWN(name) RENAME(name)
#include "record/calls.def"
#undef CALL
#undef CALLQ
#undef CALLV
#undef ASIDE
#undef OWN

#endif
