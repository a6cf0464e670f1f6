#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole of run_publish_test.sh once more, where there is no TUN device.
NST_INTEROP_WAY=veth exec "$(dirname "$0")/run_publish_test.sh"
