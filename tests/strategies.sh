#!/usr/bin/env bash
# One short end-to-end run of every strategy that the program lists; loss and counts must be numbers.
cd "$(dirname "$0")/.." || exit 2
bin=${1:-./vanpool} passed=0 failed=0
for s in $("$bin" list strategies --json | jq -r .name); do
    if "$bin" train --data orders --strategy "$s" --steps 60 --json --quiet | tail -n 1 |
        jq -e '.type=="end" and .step==60 and (.val_loss|type=="number") and (.val_experts_per_token|type=="number")' >/dev/null; then
        passed=$((passed + 1))
    else
        echo "$s: no proper end of a 60-step run"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
