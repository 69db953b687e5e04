#!/usr/bin/env bash
# The rows that another program measured on `orders` and `districts` (PyTorch, three seeds of its own), run here with the
# same settings: a Markdown table of both. A row reproduces where its mean accuracy is within max(the reference's range,
# 0.04) of the reference's mean. Prices of load are written in this program's form. usage: reference.sh [SEEDS]
cd "$(dirname "$0")/../.." || exit 2
seeds=${1:-1,2,3,4,5,6}
# lane | accuracy of the reference: mean, least, most | experts per token
orders='topk k=1|.580 .573 .584|1
topk k=2|.699 .685 .707|2
topk k=2 lr=.006|.685 .672 .692|2
topk k=3|.798 .781 .807|3
topk k=4|.907 .895 .921|4
topk k=8|1 1 1|8
remoe target=2|.973 .958 .981|2.10
remoe target=2.5|.992 .982 .998|2.55
remoe target=3|.998 .994 1|3.05
dynmoe count_price=.05|.988 .985 .991|3.03
dynmoe count_price=.2|.964 .959 .972|2.47
topp|.955 .927 .976|2.94
blockffn|.977 .969 .990|2.03
moepp tau=.35 aux=.3 entropy_price=0|.725 .722 .729|1.98
adamoe|.940 .922 .962|2.70
longcat|.674 .664 .686|1.97'
districts='topk k=1|.732 .722 .742|1
topk k=2|.900 .890 .907|2
topk k=3|.954 .949 .957|3
topk k=4|.979 .976 .981|4
topk k=8|1 1 1|8
remoe target=2|.909 .878 .949|1.97
remoe target=3|.995 .992 .998|3.07
dynmoe count_price=.08|.965 .947 .976|2.76
dynmoe count_price=.2|.936 .930 .944|2.14
topp|.872 .859 .879|1.73
moepp tau=.35 aux=.3 entropy_price=0|.928 .915 .937|2.01'
table() { # table DATA ROWS
    local lanes=() words
    while IFS='|' read -r words _; do lanes+=(--lane "$words"); done <<<"$2"
    printf '## %s\n\n| lane | accuracy, reference | here | experts, reference | here | spread of seeds | |\n|---|---|---|---|---|---|---|\n' "$1"
    ./vanpool race --data "$1" "${lanes[@]}" --seeds "$seeds" --threads 1 --json --quiet | jq -rs --arg rows "$2" \
        --argjson n "$(tr , '\n' <<<"$seeds" | grep -c .)" '
        def r(n): . * pow(10; n) | round / pow(10; n);
        def mean: add / length;
        def sd: mean as $m | if length > 1 then map(. - $m | . * .) | add / (length - 1) | sqrt else null end;
        [.[] | select(.type == "end")] as $ran | $rows | split("\n") | to_entries[] |
        (.value | split("|")) as $row | ($row[1] | split(" ") | map(tonumber)) as $ref |
        $ran[.key * $n : (.key + 1) * $n] as $runs | ($runs | map(.val_accuracy)) as $a |
        ($runs | map(.val_experts_per_token)) as $e | ([$ref[2] - $ref[1], .04] | max) as $tol |
        "| \($row[0]) | \($ref[0]) (\($ref[1])..\($ref[2])) | \($a | mean | r(3)) (\($a | min | r(3))..\($a | max | r(3))) | \(
            $row[2]) | \($e | mean | r(2)) | \($a | sd | r(3)), \($e | sd | r(2)) | \(
            if ($a | mean) - $ref[0] | fabs <= $tol then "" elif ($a | mean) > $ref[0] then "better" else "worse" end) |"'
    echo
}
table orders "$orders"
table districts "$districts"
