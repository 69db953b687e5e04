#!/usr/bin/env bash
# Trainer thread, face and the cpu backend's threads under ThreadSanitizer.
cd "$(dirname "$0")/.." || exit 2
export TSAN_OPTIONS="halt_on_error=0 exitcode=66"
passed=0 failed=0
clean() { # clean WHAT COMMAND...
    local what=$1
    shift
    if timeout 200 "$@" >/tmp/vanpool-tsan.$$ 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "$what:"
        tail -n 40 /tmp/vanpool-tsan.$$
    fi
    rm -f /tmp/vanpool-tsan.$$
}
clean 'session' env CK_FORK=no build/tsan/check-core session
clean 'pool' build/tsan/check-kernels pool
clean 'explorer without a screen' sh -c "printf 'train 30\\nrouter topp\\ntrain 30\\nshow loss\\n' | build/tsan/vanpool --plain --threads 2"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
