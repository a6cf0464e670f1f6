#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Groups with a querier of the old versions.
. "$(dirname "$0")/host_groups_test.sh"
