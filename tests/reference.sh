#!/usr/bin/env bash
# The reference of the data sets `orders` and `districts`, measured with another program, reproduced: mean of seeds 1, 2, 3
# against its mean. Accuracy within max(range of the reference, 0.04), experts per token within 0.3; a minute on two cores.
# topp on orders: from seed to seed its count differs by 0.36 (standard deviation over 24 seeds, 1.80 to 3.15, mean 2.33): a
# run ends either with the need followed or with about five vans for all that is not small. The reference's three seeds gave
# 2.94, an independent program of ours in PyTorch 2.45 (six seeds); three seeds are held to 2.33 +- 3 standard errors here.
cd "$(dirname "$0")/.." || exit 2
bin=${1:-./vanpool} passed=0 failed=0
row() { # row DATA STRATEGY KNOBS ACCURACY TOLERANCE EXPERTS TOLERANCE
    local data=$1 knobs=() k
    shift
    for k in $2; do knobs+=(--knob "$k"); done
    if for seed in 1 2 3; do
        "$bin" train --data "$data" --strategy "$1" "${knobs[@]}" --seed $seed --json --quiet --every 1500 | tail -n 1
    done | jq -se --arg what "$data $1 $2" --argjson a "$3" --argjson tol "$4" --argjson e "$5" --argjson etol "$6" '
        (map(.val_accuracy)|add/length) as $acc | (map(.val_experts_per_token)|add/length) as $exp |
        "\($what): accuracy \($acc*1000|round/1000) (\($a) +- \($tol)), experts \($exp*100|round/100) (\($e) +- \($etol))",
        (($acc-$a|fabs) <= $tol and ($exp-$e|fabs) <= $etol)'; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}
row orders topk k=1 0.580 0.04 1 0.3
row orders topk k=2 0.699 0.04 2 0.3
row orders topk k=3 0.798 0.04 3 0.3
row orders topk k=4 0.907 0.04 4 0.3
row orders topk k=8 1.000 0.04 8 0.3
row orders topp '' 0.955 0.049 2.33 0.62
row orders dynmoe '' 0.988 0.04 3.03 0.3
row districts topk k=1 0.732 0.04 1 0.3
row districts topk k=2 0.900 0.04 2 0.3
row districts topk k=3 0.954 0.04 3 0.3
row districts topk k=4 0.979 0.04 4 0.3
row districts topk k=8 1.000 0.04 8 0.3
row districts topp '' 0.872 0.04 1.73 0.3
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
