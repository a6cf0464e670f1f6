#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make fuzz: each libFuzzer target for MINUTES (5), two at a time. make fuzz TARGET=tcp for those
# that begin so. What is found lies in build-test/found/, and belongs into tests/fuzz/corpus/NAME/.
set -u
cd "$(dirname "$0")/.." || exit 1
minutes=${MINUTES:-5}
case $minutes in '' | *[!0-9]*) echo "MINUTES=$minutes is no number of minutes" >&2 && exit 2 ;; esac
export NST_FUZZ_SECONDS=$((minutes * 60)) NST_FUZZ_STACK_SECONDS=$((minutes * 60))
exec tools/test.sh --only fuzz ${TARGET:+--area "$TARGET"}
