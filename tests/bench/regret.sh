#!/usr/bin/env bash
# The table "Regret" of docs/results.md: after 1500 steps on orders, 64 held-out orders, what every rule loses above the
# best spread of as many experts; seeds 1, 2, 3, mean (least..most). usage: tests/bench/regret.sh [PROGRAM]
set -u
cd "$(dirname "$0")/../.." || exit 2
bin=${1:-./vanpool}
echo '| strategy | experts per token | the rule | best spread | as many for each | regret | same count |'
echo '|---|---|---|---|---|---|---|'
"$bin" list strategies --json | jq -r .name | while read -r name; do
    for seed in 1 2 3; do
        printf 'train 1500\nregret\n' | "$bin" repl --data orders --strategy "$name" --seed "$seed" 2>/dev/null
    done | awk -v name="$name" '
        / experts each$/ { x = $(NF - 2); sub(/,/, "", x); put(1, x) }
        /^the rule / { put(2, $3); sub(/,/, "", $12); put(3, $12); put(4, $NF) }
        /^regret / { put(5, $2); put(6, $9) }
        function put(i, v) {
            v += 0; n[i]++; sum[i] += v
            if (n[i] == 1 || v < low[i]) low[i] = v
            if (n[i] == 1 || v > high[i]) high[i] = v
        }
        function cell(i, form) {
            return sprintf(form " (" form ".." form ")", sum[i] / n[i], low[i], high[i])
        }
        END {
            printf "| %s | %s | %s | %s | %s | %s | %.0f %% |\n", name, cell(1, "%.2f"), cell(2, "%.3f"),
                cell(3, "%.3f"), cell(4, "%.3f"), cell(5, "%.3f"), sum[6] / n[6]
        }'
done
