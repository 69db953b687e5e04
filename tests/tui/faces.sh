#!/usr/bin/env bash
# One run through all faces: train --json, the REPL, the plain run and the explorer in a terminal (tmux). What they say is
# compared: every field, the numbers on the screen, the sentences of the views, the export and the screen cell by cell. Only
# what is measured in seconds may differ. Needs jq. usage: tests/tui/faces.sh [PROGRAM]
cd "$(dirname "$0")/../.." || exit 2
bin=$(realpath "${1:-./vanpool}")
tmp=$(mktemp -d)
socket=vanpool-faces-$$
passed=0 failed=0 skipped=0
tm() { tmux -L "$socket" -f /dev/null "$@"; }
trap 'tm kill-server 2>/dev/null; rm -rf "$tmp"' EXIT
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }
command -v jq >/dev/null || { echo 'jq is missing: apt install jq'; exit 2; }
export HOME=$tmp XDG_STATE_HOME=$tmp XDG_CONFIG_HOME=$tmp
unset NO_COLOR COLORTERM
cd "$tmp" || exit 2

views='vans tokens load rule why'
steps=80
run="--data orders --strategy topp --knob p=0.7 --seed 3 --steps $steps"
state="data=orders strategy=topp p=0.7 seed=3 steps=$steps step=$steps cursor=3"
timed='tokens_per_s|step_ms|wall_s' # differ from run to run

# ---- the four ----
"$bin" train $run --every $steps --json --quiet | jq -c 'select(.type == "step")' >train.json
script() {
    echo "train $steps"
    echo 'show all'
    echo 'why 3' # what the explorer asks by itself, of the token under its cursor
    echo 'regret'
    for v in $views; do echo "show $v"; echo "show $v json"; done
}
script | "$bin" repl $run >repl.out 2>repl.err || no "the REPL ends with $?: $(cat repl.err)"
script | "$bin" --plain $run >plain.out 2>plain.err || no "the plain run ends with $?: $(cat plain.err)"
for f in repl plain; do
    for v in $views; do grep "^{\"type\":\"view\",\"view\":\"$v\"" $f.out >$f.$v.json || no "$f says no JSON of $v"; done
done

screen() { tm capture-pane -p -t s; }
sees() { # PATTERN [SECONDS]
    local end=$((SECONDS + ${2:-10}))
    until screen | grep -qE -- "$1"; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.05
    done
}
say() { # a command at the explorer's prompt, and what is then to be seen
    tm send-keys -t s ':'
    tm send-keys -t s -l "$1"
    tm send-keys -t s Enter
    sees "$2" || no "the explorer after '$1' does not show '$2': $(screen | tail -n 3)"
}
explorer=no
if command -v tmux >/dev/null; then
    explorer=yes
    env LANG=C.UTF-8 LC_ALL= tmux -L "$socket" -f /dev/null -u new-session -d -s s -x 120 -y 36 "cd $tmp; exec $bin --state '$state'"
    tm set -g escape-time 0 >/dev/null
    tm set -g status off >/dev/null
    tm resize-window -t s -x 120 -y 36
    sees "at $steps " 20 || no "the explorer does not stop at step $steps: $(screen | head -n 1)"
    for v in $views; do
        say "view $v" "─ .*$(jq -r '.question[:20]' "repl.$v.json")"
        [ $v = why ] && { sees 'regret +-?[0-9.]+ nat' 20 || no "the view why does not ask by itself: $(screen)"; sleep 0.5; }
        say "export explorer.$v.json" "wrote explorer.$v.json"
        say "export explorer.$v.txt 120x34" "wrote explorer.$v.txt"
        screen | head -n 33 | sed 's/ *$//' >screen.$v.txt
    done
else
    echo 'SKIP the explorer beside the other faces: tmux is not installed'
    skipped=1
fi
faces='repl plain'
[ $explorer = yes ] && faces="$faces explorer"

# ---- every field ----
# number FACE NAME SHOWN: what is shown is the number of train.json, rounded as it is shown; – is null.
number() {
    local want
    want=$(jq -r --arg n "$2" '.[$n] // .router[$n] // .losses[$n] // .knobs[$n] // "null"' train.json)
    if awk -v shown="${3//,/}" -v want="$want" 'BEGIN {
        if (shown == "–" || want == "null") exit !(shown == "–" && want == "null")
        digits = index(shown, ".") ? length(shown) - index(shown, ".") : 0
        d = shown - want; if (d < 0) d = -d
        exit !(d <= 0.5 * 10 ^ -digits + 1e-6 * (want < 0 ? -want : want))
    }'; then ok; else no "$1 shows $2 as $3; train --json says $want"; fi
}
fields=$(jq -r 'to_entries[] | select(.value | type == "number" or . == null) | .key' train.json | grep -vE "^($timed|step)$")
[ "$(echo "$fields" | wc -l)" -ge 20 ] || no "only these fields: $fields"
for f in repl plain; do
    for name in $fields; do
        shown=$(awk -v n="$name" '$1 == n { print $2; exit }' $f.out)
        if [ -n "$shown" ]; then number $f "$name" "$shown"; else no "$f does not show $name"; fi
    done
done
strip='.measured | del(.tokens_per_s, .step_ms, .wall_s)'
jq -S 'del(.tokens_per_s, .step_ms, .wall_s)' train.json >want
for f in $faces; do
    for v in $views; do
        jq -S "$strip" $f.$v.json >got 2>/dev/null
        if cmp -s want got; then ok; else no "$f, JSON of $v: $(diff want got | head -n 5)"; fi
    done
done

# ---- the views ----
# What was seen on the way to this step depends on when somebody looked: a face that is watched looks more often.
way='^over the steps '
facts='.facts | del(.["busiest, lowest"], .["busiest, highest"])'
for v in $views; do
    jq -r '.sentences[]' repl.$v.json | grep -v "$way" >want
    [ -s want ] || no "view $v says nothing"
    jq -S "$facts" repl.$v.json >want.facts
    for f in $faces; do
        jq -r '.sentences[]' $f.$v.json | grep -v "$way" >got
        if cmp -s want got; then ok; else no "$f, sentences of $v: $(diff want got | head -n 5)"; fi
        jq -S "$facts" $f.$v.json >got.facts
        if cmp -s want.facts got.facts; then ok; else no "$f, facts of $v: $(diff want.facts got.facts | head -n 5)"; fi
    done
    for f in repl plain; do # the sentences as text are those of the JSON
        while IFS= read -r line; do
            if grep -qxF -- "$line" $f.out; then ok; else no "$f does not say: $line"; fi
        done <want
    done
    # a number in a sentence is the fact's own, rounded
    for pair in $(jq -r '.facts | to_entries[] | select(.key | test("^[a-z_]+$")) | "\(.key)=\(.value.value)"' repl.$v.json); do
        jq -e --arg n "${pair%%=*}" 'has($n) or any(.router, .losses, .knobs; has($n))' train.json >/dev/null || continue
        number "facts of $v" "${pair%%=*}" "${pair#*=}"
    done
done

# ---- the screen ----
if [ $explorer = yes ]; then
    for v in $views; do # times go by while it stands
        sed -E 's/[0-9.]+[kM]? tok\/s/TIME tok\/s/; s/speed +.*$/speed/' screen.$v.txt >want
        sed -E 's/[0-9.]+[kM]? tok\/s/TIME tok\/s/; s/speed +.*$/speed/; s/ *$//' explorer.$v.txt | head -n 33 >got
        if cmp -s want got; then ok; else no "the export of $v is not the screen: $(diff want got | head -n 6)"; fi
    done
    shown() { grep -oE -- "$2" "screen.$1.txt" | head -n 1 | grep -oE -- '-?[0-9.]+|–' | tail -n 1; }
    number screen loss "$(shown vans 'loss [0-9.]+')"
    number screen experts_per_token "$(shown vans '[0-9.]+ vans/order' | head -n 1)"
    number screen load_max_over_mean "$(shown load 'busiest/mean +[0-9.]+')"
    number screen load_cv "$(shown load 'CV +[0-9.]+')"
    number screen dead_experts "$(shown load 'dead +[0-9.]+')"
    number screen count_need_rho "$(shown vans 'ρ +-?[0-9.]+')"
    for name in exact wasted shorted; do
        word=${name%ed}; [ $name = exact ] && word=exact; [ $name = wasted ] && word=wasted
        percent=$(shown vans "$word +[0-9]+ %")
        number screen $name "$(awk -v p="${percent:-x}" 'BEGIN { printf "%.2f", p / 100 }')"
    done
    say 'show load' 'fair share'
    sentence=$(jq -r '.sentences[0]' repl.load.json)
    if screen | tr -s ' ' | grep -qF -- "${sentence:0:40}"; then ok; else no 'show load in the explorer'; fi
    tm send-keys -t s Escape
    say 'state' 'strategy=topp steps=80 seed=3 p=0.7 step=80 view=why cursor=3'
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
