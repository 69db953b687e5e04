#!/usr/bin/env bash
# docs/adding-a-strategy.md, done as it says in a copy of the tree: the strategy trains, and the tests that walk the table
# hold it to account.
cd "$(dirname "$0")/.." || exit 2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -a Makefile kernels core tui tests docs "$copy" && mkdir -p "$copy/build" && cp -a build/release "$copy/build" || exit 2
cd "$copy" || exit 2
passed=0 failed=0
holds() { # holds WHAT COMMAND...
    local what=$1
    shift
    if "$@" >log 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "not so: $what"
        tail -n 15 log
    fi
}
awk '/^```c$/ {on = 1; next} /^```$/ {on = 0} on' docs/adding-a-strategy.md >core/router/positive.c
sed -i 's/^    X(expertchoice)$/    X(expertchoice)                                                                                \\\n    X(positive)/' core/router/routers.c
grep -q 'X(positive)' core/router/routers.c || { echo 'the list ROUTERS has changed its form'; exit 1; }
holds 'it builds' make -j"$(nproc)" build/release/vanpool build/release/check-core
holds 'it trains' sh -c './build/release/vanpool train --strategy positive --steps 300 --json --quiet | tail -n 1 |
    jq -e ".val_accuracy > 0.3 and .val_experts_per_token > 0"'
holds 'it is listed' sh -c './build/release/vanpool list strategies --json | jq -e "select(.name == \"positive\")"'
holds 'it races' sh -c './build/release/vanpool race --strategies topk,positive --steps 100 --json --quiet | tail -n 1 |
    jq -e ".lanes | length == 2"'
holds 'the view rule shows it' sh -c 'printf "router positive\ntrain 20\nview rule\n" |
    ./build/release/vanpool repl | grep -q "columns of .* are taken"'
for suite in router_table router_live trainer_saved; do
    holds "$suite" env CK_TIMEOUT_MULTIPLIER=5 build/release/check-core $suite
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
