/* SPDX-License-Identifier: Apache-2.0 */
/* Single values of orders: numbers, addresses and link addresses. */
#include <string.h>

#include "instance/request.h"
#include "order/order.h"
#include "tool/units.h"

bool order_parse_number(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t n;
    if (!units_parse_decimal(text, &n) || n > max)
        return false;
    *ret = n;
    return true;
}

bool order_parse_prefix(const char *text, struct nst_addr *ret_addr, uint8_t *ret_prefix_len)
{
    char address[NST_ADDR_TEXT];
    struct nst_addr addr;
    if (strcmp(text, "default") == 0) {
        *ret_addr = nst_addr_v4(0, 0, 0, 0);
        *ret_prefix_len = 0;
        return true;
    }
    const char *slash = strchr(text, '/');
    const size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (len >= sizeof(address))
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (nst_addr_parse(address, &addr) < 0)
        return false;
    /* ::ffff:a.b.c.d is IPv4 here, and its lengths are those of IPv4. */
    const unsigned max = nst_addr_is_v4(&addr) ? 32 : 128;
    uint64_t prefix_len = max;
    if (slash != NULL && !order_parse_number(slash + 1, max, &prefix_len))
        return false;
    *ret_addr = addr;
    *ret_prefix_len = (uint8_t)prefix_len;
    return true;
}

bool order_parse_mac(const char *text, struct nst_mac *ret_mac)
{
    struct nst_mac mac;
    for (int i = 0; i < 6; i++, text += 3) {
        const int high = request_hex_digit(text[0]),
                  low = high >= 0 ? request_hex_digit(text[1]) : -1;
        if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
            return false;
        mac.b[i] = (uint8_t)(high << 4 | low);
    }
    *ret_mac = mac;
    return true;
}
