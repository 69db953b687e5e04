#!/usr/bin/env bash
# Every strategy at its start knobs on a data set whose needs are known, seeds 1, 2, 3, as a Markdown table: accuracy and
# experts per token as mean (least..most), rank correlation of count and need, FLOPs a token. usage: results.sh [DATA...]
cd "$(dirname "$0")/../.." || exit 2
[ $# -gt 0 ] || set -- orders districts
for data; do
    printf '## %s\n\n| strategy | accuracy | experts per token | rho(count, need) | FLOPs a token |\n|---|---|---|---|---|\n' "$data"
    for s in $(./vanpool list strategies --json | jq -r .name); do
        for seed in 1 2 3; do echo $seed; done | xargs -P "$(nproc)" -I{} ./vanpool train --data "$data" \
            --strategy "$s" --seed {} --threads 1 --json --quiet --every 100000 | jq -s --arg s "$s" -r '
            def r(n): . * pow(10; n) | round / pow(10; n);
            def range(n): "\(add / length | r(n)) (\(min | r(n))..\(max | r(n)))";
            map(select(.type == "end")) |
            "| \($s) | \(map(.val_accuracy) | range(3)) | \(map(.val_experts_per_token) | range(2)) | \(
                map(.val_count_need_rho) | add / length | r(2)) | \(map(.flops_per_token) | add / length | round) |"'
    done
    echo
done
