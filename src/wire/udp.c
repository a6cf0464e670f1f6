/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/udp.h"

#include "wire/csum.h"

void udp_csum_put(uint8_t *data, uint32_t sum)
{
    be16_put(data + 6, csum_fold_udp(sum));
}
