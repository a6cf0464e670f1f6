/* SPDX-License-Identifier: Apache-2.0 */
/* nst replay -w: the packets of a replay as a pcapng file, at the times at which they were
 * recorded. */
#ifndef NICSTACK_CLI_REPLAY_REPLAY_CAPTURE_H
#define NICSTACK_CLI_REPLAY_REPLAY_CAPTURE_H

#include <nicstack/record.h>

struct replay_capture;

/* `header` is that of the recording. NULL: why was said. */
struct replay_capture *replay_capture_new(const char *path, const struct nst_record_header *header);
void replay_capture_see(struct replay_capture *capture, const struct nst_replay_packet *packet);
/* False: not all of it could be written, which was said. NULL is fine. */
bool replay_capture_free(struct replay_capture *capture);

#endif
