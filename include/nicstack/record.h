/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record and replay: keeps all that goes into a stack, and does it again.
 *
 * A stack is a pure function of its inputs. Recorded are its configuration with the seed, the calls
 * that change something with their arguments and data, what links deliver, take and say, and, to
 * compare, what the stack sends and what its calls return. A replay makes the same stack on links
 * of memory, repeats the inputs, and compares every packet, byte for byte.
 *
 * A recording holds what the packets held, and the stack's seed: it is as secret as they are.
 */
#ifndef NICSTACK_RECORD_H
#define NICSTACK_RECORD_H

#include <nicstack/packet.h>
#include <nicstack/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Recording ---- */

/* Where records go: `put` is called with one record, which is `head`, then `count` pieces. Of a
 * file it is the next bytes. It may be called while a link is, and must not call the stack. */
struct nst_record_sink {
    void (*put)(void *context, const struct nst_iovec *head, const struct nst_iovec *pieces,
                size_t count);
    void *context;
};

/* Records `stack`, from its very beginning: call it right behind nst_stack_new. What it needs comes
 * from the stack's allocator, outside of the budget. 0; -NST_EALREADY; -NST_EBUSY: something was
 * done with the stack already; -NST_ENOMEM. */
NST_API int nst_record_start(struct nst_stack *stack, const struct nst_record_sink *sink);
/* Ends it, as nst_stack_free does. Idempotent. */
NST_API void nst_record_stop(struct nst_stack *stack);

/* ---- A file to record into (Linux) ---- */

struct nst_record_file;

/* Records will go into `fd`, a regular file, empty, open for reading and writing; it stays the
 * caller's. They are in the file as soon as they are made, also when the process is killed.
 * `started` is the stack's time now (its config.now). 0, -NST_EINVAL (no such file), -NST_ENOMEM,
 * or what the kernel said. */
NST_API int nst_record_file_new(int fd, nst_time started, struct nst_record_file **ret_file);
/* For nst_record_start. */
NST_API struct nst_record_sink nst_record_file_sink(struct nst_record_file *file);
/* 0, or the errno that ended the recording: it is whole up to there. */
NST_API int nst_record_file_error(const struct nst_record_file *file);
/* How many bytes it has. */
NST_API uint64_t nst_record_file_size(const struct nst_record_file *file);
/* After the recording was stopped. NULL is fine. */
NST_API void nst_record_file_free(struct nst_record_file *file);

/* ---- Replaying ---- */

/* What a recording begins with, in front of its first record. All numbers are little-endian. */
#define NST_RECORD_MAGIC   "nstrec\r\n"
#define NST_RECORD_VERSION 1
struct nst_record_header {
    char magic[8];
    uint32_t version;
    uint32_t reserved;
    int64_t epoch;    /* nanoseconds since 1970 when it began; 0: not known */
    nst_time started; /* the stack's time then */
};

struct nst_replay;

/* A packet that passes between the stack and a link. */
struct nst_replay_packet {
    const struct nst_pkt *packet; /* link header first */
    nst_time time;                /* the stack's */
    uint32_t nic;
    bool outgoing;
    bool ethernet; /* else bare IP */
};

struct nst_replay_config {
    size_t size;
    struct nst_allocator allocator; /* of the replay and of the stack */
    const void *data;               /* the recording, with its header; borrowed until the end */
    size_t len;
    /* Shown each packet, in order. It must not call the stack. NULL: nobody looks. */
    void (*see)(void *context, const struct nst_replay_packet *packet);
    nst_log_sink *log; /* the stack's; NULL: silent */
    void *context;     /* of both */
};

enum nst_replay_state {
    NST_REPLAY_GOES_ON = 0,
    NST_REPLAY_COMPLETE,  /* identical to the end of the recording */
    NST_REPLAY_TRUNCATED, /* identical as far as the recording goes: its program did not end it */
    NST_REPLAY_DIFFERS,   /* the stack did something else than was recorded */
    NST_REPLAY_MALFORMED, /* this is no recording, or a damaged one */
    NST_REPLAY_NO_MEMORY, /* the allocator refused */
};

struct nst_replay_status {
    enum nst_replay_state state;
    uint64_t record; /* that comes next, or where it ended; the first is 1 */
    uint64_t offset; /* of it in the recording */
    nst_time time;   /* the stack's */
    uint64_t calls, packets_in, packets_out, bytes_in, bytes_out;
    /* NST_REPLAY_DIFFERS: what was recorded, and what the stack did; each a record, or empty. */
    const void *expected, *got;
    size_t expected_len, got_len;
};

/* Reads the header and makes the stack. 0, -NST_EINVAL (config), -NST_ENOMEM; what is wrong with
 * the recording tells the status. */
NST_API int nst_replay_new(const struct nst_replay_config *config, struct nst_replay **ret_replay);
/* Repeats one input, and all that follows from it. True: there is more. */
NST_API bool nst_replay_step(struct nst_replay *replay);
NST_API void nst_replay_get_status(const struct nst_replay *replay,
                                   struct nst_replay_status *ret_status);
/* The stack as it is now, to look at; NULL where none was made. */
NST_API const struct nst_stack *nst_replay_get_stack(const struct nst_replay *replay);
/* With the stack. NULL is fine. */
NST_API void nst_replay_free(struct nst_replay *replay);

/* The bytes of the record at `record`, of which `len` are there; 0: not all of it is. */
NST_API size_t nst_record_len(const void *record, size_t len);
/* One record as a line of text without its end, into `text` of `size` bytes, NUL-terminated when
 * size > 0. Takes any bytes. Returns `text`. */
NST_API char *nst_record_show(const void *record, size_t len, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
