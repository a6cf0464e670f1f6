#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Temporary addresses, with the kernel as router.
. "$(dirname "$0")/host_routers_test.sh"
