#!/usr/bin/env bash
# Trainer thread and face under ThreadSanitizer: clang with libomp and its Archer tool, which tells TSan what OpenMP does.
cd "$(dirname "$0")/.." || exit 2
archer=$(find /usr/lib/llvm-* -name 'libarcher.so' 2>/dev/null | head -n 1)
[ -n "$archer" ] && export OMP_TOOL_LIBRARIES=$archer
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66"
CK_FORK=no build/tsan/check-core session || exit 1
printf 'train 30\nrouter topp\ntrain 30\nshow loss\n' | timeout 100 build/tsan/vanpool --plain >/dev/null || exit 1
