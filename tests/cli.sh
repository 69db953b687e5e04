#!/usr/bin/env bash
# The program from outside: every subcommand once as it should be used and many times as it should not; exit status, one
# sentence on stderr, JSON that holds what is promised. Needs jq. VANPOOL names the program (default ./vanpool).
# Last line: N passed, N failed, N skipped.
set -u
cd "$(dirname "$0")/.." || exit 2
here=$PWD
bin=${VANPOOL:-./vanpool}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
command -v jq >/dev/null || { echo "jq is missing: apt install jq"; exit 2; }
tmp=$(mktemp -d)
trap 'chmod -R u+w "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0
export ASAN_OPTIONS="${ASAN_OPTIONS:-}" HOME=$tmp XDG_STATE_HOME=$tmp/state XDG_CONFIG_HOME=$tmp/config
unset NO_COLOR COLORTERM
cd "$tmp" || exit 2

ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }

# gives STATUS 'TEXT ON STDERR' ARGUMENTS... : runs with no input; a failure is one line that begins with "vanpool: ".
gives() {
    local want=$1 say=$2 got
    shift 2
    timeout 60 "$bin" "$@" >out 2>err </dev/null
    got=$?
    if [ $got != "$want" ]; then no "vanpool $*: exit $got, want $want: $(head -c 300 err)"
    elif [ -n "$say" ] && ! grep -qF -- "$say" err; then no "vanpool $*: stderr does not say '$say': $(head -c 300 err)"
    elif [ "$want" != 0 ] && { [ "$(grep -c . err)" != 1 ] || ! grep -q '^vanpool: ' err; }; then
        no "vanpool $*: not one line on stderr: $(head -c 300 err)"
    else ok; fi
}
# feeds STATUS 'TEXT ON STDERR' INPUT ARGUMENTS...: the same with something on stdin.
feeds() {
    local want=$1 say=$2 input=$3 got
    shift 3
    printf "$input" | timeout 60 "$bin" "$@" >out 2>err
    got=${PIPESTATUS[1]}
    if [ "$got" != "$want" ]; then no "'$input' | vanpool $*: exit $got, want $want: $(head -c 300 err)"
    elif [ -n "$say" ] && ! grep -qF -- "$say" err; then no "'$input' | vanpool $*: stderr does not say '$say': $(head -c 300 err)"
    else ok; fi
}
# has TEXT, hasnt TEXT: what the last run wrote to stdout. json FILTER: true of all of it together, as an array.
has() { if grep -qF -- "$1" out; then ok; else no "stdout does not have '$1': $(head -c 300 out)"; fi; }
hasnt() { if grep -qF -- "$1" out; then no "stdout has '$1'"; else ok; fi; }
json() { if jq -es "$1" out >/dev/null 2>jqerr; then ok; else no "not so: $1: $(head -c 200 jqerr) $(tail -n 1 out | head -c 400)"; fi; }
same() { if cmp -s "$1" "$2"; then ok; else no "$1 and $2 differ${3:+: $3}"; fi; }
no_escape() { if grep -q "$(printf '\033')" out; then no "an escape sequence in $1"; else ok; fi; }

# ---- words ----
gives 0 '' version; has 'vanpool '
gives 0 '' --version; has 'vanpool '
gives 0 '' help; has 'train'
gives 0 '' --help; has 'Exit status'
gives 0 '' help topp; has 'arXiv'
gives 0 '' help experts_per_token; has 'field'
gives 0 '' help --man; has '.TH VANPOOL'
for name in $(grep -rhoE 'getenv\("[A-Z_]+"\)' "$here/core" "$here/kernels" "$here/tui" | cut -d'"' -f2 | sort -u); do
    [ "$name" = VANPOOL_NVML ] || has "$name" # that one is the tests' own
done
gives 0 '' help --completion bash; has 'complete -F'
gives 2 'bash, zsh or fish' help --completion csh
gives 2 'did you mean train?' trian
gives 2 'unknown subcommand' florble
gives 2 'no help on' help florble
gives 2 'did you mean topk?' help topkk
gives 0 '' help balance; has 'aux (dynmoe): coefficient of diversity'
for s in explore train race route sample inspect repl bench claims list doctor help version; do
    gives 0 '' $s --help; has "vanpool $s"
    gives 2 'unknown flag --florble' $s --florble
done
gives 2 'did you mean --steps?' train --stps 5
gives 2 'needs a value' train --steps

# ---- list, doctor ----
for t in strategies datasets knobs settings fields backends claims presets commands views flags subcommands; do
    gives 0 '' list $t
    gives 0 '' list $t --json; json 'length > 0 and all(.[]; type == "object")'
done
"$bin" list knobs --json >out
json 'all(.[]; has("strategy") and has("name") and has("min") and has("max") and has("start") and has("paper") and has("unit") and has("help"))'
"$bin" list strategies --json >out
json 'map(.name) | contains(["topk","topp","moepp","expertchoice"])'
json 'all(.[]; all(.params[], .state[]; .shape | all(.[]; type == "string" and (startswith("per ") or . == "scalar" | not))))'
json 'all(.[]; all(.metrics[]; .kind == "scalar" or (.kind | startswith("per "))))'
json 'all(.[]; has("title") and has("paper") and (.params|length > 0) and has("slots") and has("state") and has("losses") and has("metrics"))'
gives 2 'did you mean knobs?' list knbos
gives 0 '' list --json; json 'map(.name) | contains(["strategies","datasets","knobs","fields","backends","views","commands","scenarios","presets","flags"])'
for t in $(jq -r .name out); do gives 0 '' list $t; has ' '; done
gives 0 '' doctor; has 'cpu'
has 'config.ini is not there'
mkdir -p config/vanpool
printf '[keys]\nquit = Q\nquitt = x\n' >config/vanpool/config.ini
gives 0 '' doctor; has 'config.ini:3: there is no action'
gives 0 '' list keys; has 'quit'
gives 0 '' list themes; has 'light-16'
rm -r config
gives 2 'did you mean light?' --plain --theme ligth
gives 0 '' doctor --json; json 'map(.name) | contains(["cpu","gpu","terminal","locale"])'

# ---- train ----
gives 0 '' train --steps 60 --every 20 --json --quiet
json '.[0].type == "start" and .[0].schema == "vanpool/1" and .[0].data == "orders" and .[0].strategy == "topk" and .[0].knobs.k == 2'
json 'length == 5 and .[-1].type == "end" and (.[1:-1] | all(.type == "step"))'
json '.[0] | all(.version, .backend, .simd; type == "string") and all(.seed, .threads, .experts, .layers, .width, .params, .tokens_per_step; type == "number")'
json '.[1] | all(.step, .loss, .accuracy, .experts_per_token, .tokens_without_expert, .nonfinite_tokens, .dropped_pairs, .load_max_over_mean, .load_cv, .experts_spread, .train_flops_per_token, .dead_experts, .router_entropy, .count_need_rho, .flops_per_token, .expert_flops_per_token, .tokens_per_s, .step_ms, .lr; type == "number")'
json '.[1] | .zero_compute_per_token == null and (.losses.aux | type == "number") and .knobs.k == 2 and has("router")'
json '.[-1] | all(.step, .val_loss, .val_accuracy, .val_experts_per_token, .val_count_need_rho, .flops_per_token, .train_flops_per_token, .tokens_per_s, .wall_s, .tokens, .seed; type == "number") and .val_bits_per_char == null and .strategy == "topk"'
json '.[-1].step == 60 and .[-1].tokens == 60 * 256 and .[1].experts_per_token == 2'
strip() { jq -c 'del(.tokens_per_s, .step_ms, .wall_s, .threads)' out; }
strip >one
gives 0 '' train --steps 60 --every 20 --json --quiet --threads 1; strip >two
same one two 'the number of threads changed a number'
gives 0 '' train --steps 60 --every 20 --json --quiet --seed 2; strip >two
if cmp -s one two; then no 'another seed gives the same numbers'; else ok; fi
gives 0 '' train --steps 40 --strategy topp --knob p=0.5 --json --quiet; json '.[0].knobs.p == 0.5 and .[-1].strategy == "topp"'
gives 0 '' train --steps 40 --strategy topp --base paper --json --quiet; json '.[0].knobs.p == 0.4'
gives 0 '' train --steps 20 --backend ref --json --quiet; json '.[0].backend == "ref"'
gives 0 '' train --steps 20; has 'validation:'; no_escape train
gives 0 '' train --steps 5000 --until 'loss<1.5' --every 10 --json --quiet; json '.[-1].step < 5000'
gives 1 'was not reached' train --steps 20 --until 'loss<0.0001' --quiet
gives 0 '' train --steps 60 --until 'step>=7' --quiet --json; json '.[-1].step == 7 and .[-2].type == "step" and .[-2].step == 7'
gives 0 '' train --steps 9 --until 'val_accuracy>0' --quiet --json; json '.[-1].step == 9'
gives 2 'FIELD OP VALUE' train --until loss
gives 2 'did you mean loss?' train --until 'losss<1'
gives 0 '' train --minutes 0.01 --json --quiet; json '.[-1].wall_s < 20'
gives 2 'from 1 to 8' train --knob k=9
gives 2 'from 1 to 8' train --knob k=0
gives 2 'from 0 to 1' train --strategy topp --knob p=1.5
gives 2 'from 0 to 1' train --strategy topp --knob p=-0.1
gives 2 'did you mean topk' train --strategy tokp
gives 2 'did you mean orders' train --data orderz
gives 2 'has no knob' train --knob q=1
for d in districts ledger; do gives 0 '' train --data $d --steps 20 --json --quiet; json ".[0].data == \"$d\""; done
gives 0 '' train --steps 20 --counts true --json --quiet; json '.[1:-1] == [] and .[-1].val_count_need_rho == 1'
gives 2 'need is known' train --data ledger --counts shuffled
gives 2 'did you mean true?' train --counts treu
gives 2 'not divisible' train --data text:x --width 66
gives 2 'from 2 to 64' train --experts 1
gives 2 'needs a file' train --save-every 5
gives 5 '/nonexistent/x' train --quiet --save /nonexistent/x; hasnt 'parameters' # before it trains
gives 5 'name a file' train --quiet --save ''; hasnt 'parameters'
gives 5 'a folder' train --quiet --save "$tmp"; hasnt 'parameters'
timeout -s INT 2 "$bin" train --steps 100000000 --json --quiet --save cut.st >out 2>err </dev/null &
wait $!
json '.[-1].type == "end"'
if grep -q '^vanpool: interrupted' err && [ -s cut.st ]; then ok; else no "Ctrl-C lost something: $(cat err)"; fi
"$bin" train --steps 100000000 --json --quiet >out 2>err </dev/null &
pid=$!; sleep 1; kill -INT $pid; wait $pid
if [ $? = 130 ]; then ok; else no 'Ctrl-C in training is not exit 130'; fi
# ended_by SIGNAL WORDS: what it ends with status 130 and one line, its stdin still open.
ended_by() {
    local got
    mkfifo held; "$bin" $2 >out 2>err <held &
    pid=$!; exec 4>held; sleep 1; kill -$1 $pid; wait $pid; got=$?; exec 4>&-; rm held
    if [ $got = 130 ] && [ "$(grep -c . err)" = 1 ]; then ok; else no "$1 in vanpool $2: exit $got: $(head -c 300 err)"; fi
}
ended_by TERM repl
ended_by HUP repl
ended_by TERM 'lesson check 13 14'; hasnt FAILED
ended_by HUP 'train --steps 100000000 --quiet --save hup.st'
if [ -s hup.st ]; then ok; else no 'a hangup loses what was trained'; fi
nohup "$bin" train --minutes 0.04 --quiet --save nohup.st >out 2>err </dev/null &
pid=$!; sleep 1; kill -HUP $pid; wait $pid
if [ $? = 0 ]; then ok; else no "a hangup ends what nohup holds: $(head -c 300 err)"; fi
"$bin" train --steps 100000000 --every 10 --json --quiet 2>err </dev/null | head -n 3 >out
if [ "${PIPESTATUS[0]}" = 5 ] && grep -q 'standard output' err; then ok; else no "a closed pipe: $(cat err)"; fi
if [ -w /dev/full ]; then
    "$bin" train --steps 20 --json --quiet >/dev/full 2>err </dev/null
    if [ $? = 5 ] && [ "$(grep -c . err)" = 1 ]; then ok; else no "a full disk: $(cat err)"; fi
fi

# ---- text ----
words='the quick brown fox jumps over the lazy dog and then the dog sleeps. '
for _ in $(seq 400); do printf '%s' "$words"; done >words.txt
: >empty.txt
printf 'tiny' >tiny.txt
head -c 100000 /dev/urandom >noise.bin
gives 0 '' train --data text:words.txt --steps 30 --batch 4 --save text.st --json --quiet
json '.[-1] | (.val_bits_per_char | type == "number") and .val_count_need_rho == null'
gives 0 '' train --data text:words.txt --data text:noise.bin --steps 3 --batch 2 --quiet
gives 0 '' train --data text:noise.bin --steps 3 --batch 2 --quiet
gives 4 'empty.txt' train --data text:empty.txt --steps 3
gives 4 'tiny.txt' train --data text:tiny.txt --steps 3
gives 5 'missing.txt' train --data text:missing.txt --steps 3
gives 5 '' train --data text:/ --steps 3
if [ "$(id -u)" != 0 ]; then
    cp words.txt secret.txt; chmod 000 secret.txt
    gives 5 'secret.txt' train --data text:secret.txt --steps 3
else
    echo 'SKIP: an unreadable file, because root reads everything'; skipped=$((skipped + 1))
fi

# ---- checkpoints ----
run='train --steps 40 --every 10 --json --quiet --seed 3'
gives 0 '' $run --save whole.st; strip | tail -n 2 >one
gives 0 '' train --steps 40 --seed 3 --quiet --json --every 10 --save-every 20 --save part.st
gives 0 '' inspect whole.st; has 'topk'
gives 0 '' inspect whole.st --json; json 'length > 0'
if jq -e . whole.config.json >/dev/null 2>&1; then ok; else no 'no config.json beside the checkpoint'; fi
"$bin" train --steps 40 --seed 3 --json --quiet --until 'step>=20' --every 20 --save half.st >/dev/null 2>&1
gives 0 '' train --resume half.st --steps 40 --every 10 --json --quiet --save resumed.st
json '.[-1].step == 40'
strip | tail -n 2 | jq -c 'del(.wall_s)' >two
same one two '20 steps, saved and resumed, are not 40 steps'
numbers() { tail -c +$(($(od -An -tu8 -N8 "$1") + 9)) "$1"; } # of a safetensors file, behind its header
numbers whole.st >one; numbers resumed.st >two
same one two 'weights, moments or state after a resume'
gives 2 'cannot change' train --resume half.st --experts 4
gives 2 'was trained with topk' train --resume half.st --strategy topp
gives 0 '' train --resume half.st --steps 22 --knob k=3 --json --quiet; json '.[0].knobs.k == 3'
gives 2 'from 1 to 8' train --resume half.st --knob k=9
head -c 1000 whole.st >short.st
head -c -16 whole.st >cut2.st
cp words.txt foreign.st
{ cat whole.st; printf 'xxxx'; } >long.st
printf '\377\377\377\377\377\377\377\177{}' >huge.st
for f in short.st cut2.st foreign.st long.st huge.st empty.txt; do
    gives 4 "$f" train --resume $f --steps 50
    gives 4 "$f" inspect $f
    gives 4 "$f" sample $f
done
gives 5 'missing.st' train --resume missing.st
gives 5 'missing.st' inspect missing.st
feeds 0 '' 'show step\ntrain 2\n' repl --resume half.st; has 'step 20'; has 'step 22'
feeds 0 '' 'show step\n' --plain --resume half.st; has 'step 20'
gives 2 'leave --strategy out' repl --resume half.st --strategy topp
gives 2 'each say how' repl --resume half.st --state 'step=3'
gives 5 'missing.st' --plain --resume missing.st
gives 4 'short.st' repl --resume short.st
gives 2 'checkpoint' sample
gives 2 '' inspect
gives 0 '' sample text.st --tokens 50 --seed 4; no_escape sample; cp out one
gives 0 '' sample text.st --tokens 50 --seed 4; same out one 'the same seed writes another text'
mv words.txt elsewhere.txt
gives 0 '' sample text.st --tokens 50 --seed 4; same out one 'without the text it was trained on it writes something else'
gives 5 'words.txt' train --resume text.st --steps 40
mv elsewhere.txt words.txt
gives 0 '' sample text.st --tokens 20 --counts --json; json 'length > 0 and all(.[]; .type == "character" and (.experts | type == "number"))'
gives 0 '' sample text.st --tokens 20 --temperature 0 --prompt 'the '
gives 2 'from 0 to 10' sample text.st --temperature -1
gives 2 '--seed is a whole number' sample text.st --seed x
gives 2 '' sample whole.st; if [ -s out ]; then no 'sample writes to stdout although it failed'; else ok; fi
mkdir -p locked
if [ "$(id -u)" != 0 ]; then chmod 555 locked; gives 5 'locked' train --steps 2 --quiet --save locked/x.st; fi

# ---- traces, and two of a kind side by side ----
gives 0 '' train --steps 40 --every 20 --quiet --seed 3 --trace three.jsonl --save three.st
gives 0 '' train --steps 40 --every 10 --quiet --seed 3 --trace more.jsonl --save more.st
gives 0 '' train --steps 40 --every 20 --json --quiet --seed 3; strip >one
cp three.jsonl out; strip >two; same one two 'a trace is not what --json says'
gives 0 '' inspect three.jsonl; has 'a trace of 2 steps'
gives 0 '' inspect three.jsonl --json; json '.[0] | .type == "trace" and .steps == 2 and .start.seed == 3 and .end.type == "end"'
gives 0 '' diff three.jsonl more.jsonl; has '2 steps in common'
gives 0 '' diff three.jsonl more.jsonl --json; json '.[-1] | .equal and .common_steps == 2 and .same > 30'
gives 0 '' diff three.st more.st --json; json '.[-1] | .equal and .differ == 0 and .same > 20'
gives 0 '' train --steps 40 --every 20 --quiet --seed 4 --trace four.jsonl --save four.st
gives 0 '' diff three.jsonl four.jsonl --json; json '(.[-1].equal | not) and any(.[]; .type == "setting" and .name == "seed" and .a == 3 and .b == 4) and any(.[]; .name == "loss" and .first_step == 20 and .largest_difference > 0)'
gives 0 '' diff three.st four.st; has 'config.seed'; has '0 tensors are equal'
gives 2 'two checkpoints or two traces' diff three.st
gives 4 'two of a kind' diff three.st three.jsonl
gives 5 'missing.st' diff missing.st three.st
gives 5 '/nonexistent/x' train --steps 5 --quiet --trace /nonexistent/x

# ---- race ----
gives 0 '' race --steps 40 --every 20 --json --quiet
json '.[-1].type == "race" and (.[-1].lanes | length >= 2) and (.[-1].lanes | any(.on_pareto_front))'
json '.[-1].lanes | all(has("lane") and (.val_accuracy | length == 3) and has("val_experts_per_token") and has("flops_per_token") and has("tokens_per_s"))'
json '.[:-1] | all(has("lane"))'
gives 0 '' race --lane 'topk k=1' --lane 'topp p=0.6' --seeds 1,2 --steps 20; has 'topp'
gives 0 '' race --strategies topk,topp --budget flops:1e8 --quiet --json; json '.[-1].lanes | length == 2'
gives 0 '' race --strategies topk --budget seconds:0.3 --quiet --json
gives 0 '' race --lane topp --lane 'topk counts=true' --target-experts 2 --steps 60 --quiet --json
json '.[-1].target_experts == 2 and (.[-1].lanes[0].steered | startswith("p=")) and .[-1].lanes[1].steered == null and .[-1].lanes[1].excluded == "control"'
gives 0 '' race --lane topk --lane topp --until 'step>=7' --steps 20 --seeds 1,2 --json --quiet
json '.[-1].lanes | all(.steps == 7 and .reached == 2)'
gives 0 '' race --lane topk --until 'loss<0' --steps 5; has 'topk: loss<0 did not come to hold in 5 steps'
gives 0 '' race --lane topk --until 'val_accuracy>=0' --every 4 --steps 9; has 'held after 4 steps'
gives 0 '' race --lane topk --steps 9 --json --quiet; json '.[-1].lanes[0] | .steps == 9 and .reached == null'
gives 2 'no field' race --lane topp --lane topk --until 'p_mass>2'
gives 0 '' race --lane topk --minutes 0.002 --quiet --json; json '.[-2].wall_s < 5'
gives 2 'leave one of the two' race --minutes 1 --budget steps:3
gives 2 'more than the 8' race --steps 3 --target-experts 9
gives 2 '--budget is' race --budget fuel:3
gives 2 'did you mean topk' race --strategies tokp
gives 2 'has no knob' race --lane 'topk q=1'
gives 2 '--seeds' race --seeds 1,x

# ---- claims ----
gives 0 '' claims longcat unimoe expertchoice --seeds 1,2 --steps 30 --quiet --json
json 'length == 5 and all(.[]; .type == "claim" and all(.strategy, .claim, .reported, .setting, .source, .condition, .why; type == "string"))'
json 'all(.[]; .verdict == "shows it" or .verdict == "does not at this scale" or .verdict == "cannot be shown here")'
json 'map(select(.strategy == "longcat")) | length == 2 and all(.[]; .seeds == [1,2] and (.lanes.a == "longcat") and all(.result[]; length == 3 and .[1] <= .[0] and .[0] <= .[2]))'
json '.[0] | (.result | has("a.val_experts_per_token") and has("b.experts_spread")) and (.held | length == 3) and .missing == null'
json 'map(select(.strategy == "unimoe"))[0] | .verdict == "cannot be shown here" and .experiment == null and .seeds == [] and .result == {} and (.missing | type == "string")'
json 'map(select(.strategy == "expertchoice")) | .[0].verdict == "shows it" and .[1].verdict == "cannot be shown here" and .[1].result["a.val_loss"] == [null,null,null]'
"$bin" claims longcat --seeds 1,2 --steps 30 --quiet --json >out
again=$(jq -r 'select(.claim | startswith("lower loss")) | .experiment' out)
want=$(jq -c 'select(.claim | startswith("lower loss")) | .result["a.val_loss"]' out)
eval "\"$bin\" ${again#vanpool } --quiet" >out 2>err
json ".[-1].lanes[0].val_loss == $want"
gives 0 '' claims longcat --seeds 1 --steps 20 --quiet; has 'verdict'; has 'again     vanpool race'; no_escape claims
gives 2 'did you mean topk' claims tokp
gives 2 '--seeds' claims --seeds x
gives 2 'from 1 to' claims --steps 0

# ---- route ----
feeds 0 '' '{"strategy":"topp","knobs":{"p":0.6},"logits":[[2.2,0.4,1.6,-0.5,0.9,0.1,-1.2,1.3]],"grad_gates":[[1,0,0,0,0,0,0,0]]}' route
json '.[0].mask == [[1,0,1,0,0,0,0,1]] and .[0].experts == [3] and .[0].chosen == [[0,2,7]] and (.[0].grad.logits[0] | length == 8)'
json '(.[0].gates[0][0] - 0.511409 | fabs) < 1e-6'
feeds 0 '' '{"strategy":"topk","logits":[[1,2,3]]}\n{"strategy":"topk",\n"logits":[[3,2,1]]}\n' route; json 'length == 2 and .[1].chosen == [[0,1]]'
feeds 0 '' '{"strategy":"topk","logits":[[1,2,3]]}' route --backend cpu; json 'length == 1'
feeds 4 'line 2' '{"strategy":"topk","logits":[[1,2,3]]}\n{"strategy":"topk","logits":[[1,2,3],[1]]}\n' route
feeds 4 'line 4: logits[2][1] is not a number' '{"strategy":"topk",\n"logits":[[1,2],\n[1,2],\n[1,"x"]]}\n' route
feeds 4 'line 3: knobs: k' '{"strategy":"topk","logits":[[1,2]],\n"knobs":{\n"k":7}}' route
feeds 4 'line 2, byte 44: broken JSON' '{"strategy":"topk","logits":[[1,2]]}\n {"strategy":"topk","logits":[[1,2]],"k":1 x}' route
feeds 4 'has 65 columns, and experts are at most 64' "{\"strategy\":\"topk\",\"logits\":[[$(seq -s, 65)]]}" route
feeds 0 '' '\357\273\277{"strategy":"topk","logits":[[1,2,3]]}' route
mkfifo held; "$bin" route <held >out 2>err & pid=$!; exec 4>held # an answer comes before the next question
echo '{"strategy":"topk","logits":[[1,2,3]]}' >&4
for _ in $(seq 50); do [ -s out ] && break; sleep .1; done; json 'length == 1'
echo '{"strategy":"topk","logits":[[3,2,1]]}' >&4; exec 4>&-; wait $pid; json 'length == 2'; rm held
feeds 4 'topk' '{"strategy":"tokp","logits":[[1,2,3]]}' route
feeds 4 'line 1' '{"strategy":"topk","logits":[[1,2,3]' route
feeds 4 'logits' '{"strategy":"topk","logits":[[1,2,1e999]]}' route
feeds 4 '' '{"strategy":"topk","logits":"x"}' route
feeds 4 '' '{"strategy":"topk"}' route
feeds 4 '' '[1,2]' route
feeds 4 'empty' '' route
feeds 4 '' '{"strategy":"topk","knobs":{"k":9},"logits":[[1,2,3]]}' route
printf '{"strategy":"topk","logits":[[1,2,3]]}' >in.json
gives 0 '' route in.json; json 'length == 1'
gives 5 'missing.json' route missing.json

# ---- repl ----
feeds 0 '' 'train 30\nrouter topp p=0.5\ntrain 10\nshow step\nshow p\nshow vans\n' repl; has 'step 40'; has 'p 0.50'; has 'orders'; no_escape repl
feeds 0 '' 'train 5\nquit\nnonsense\n' repl; has 'step 5'
feeds 2 'stdin:2: ' 'train 5\nnonsense\ntrain 5\n' repl
feeds 2 'quote' 'show "loss\n' repl
feeds 2 'no end' 'go\n' repl
printf 'train 5\nknob k 99\n' >bad.van
printf '# a script\ntrain 5\nrouter topp\nsave here.st\n' >good.van
gives 2 'bad.van:2: ' repl -f bad.van
gives 0 '' repl -f good.van; has 'saved step 5'
feeds 0 '' 'load here.st\nshow step\n' repl; has 'step 5'
feeds 0 '' 'source good.van\nshow step\n' repl; has 'step 5'
gives 5 'missing.van' repl -f missing.van
feeds 0 '' '' repl
feeds 0 '' 'train 20\nshow load json\nexport v.txt 80x24\nexport v.json load\n' repl; has 'wrote v.json: load, step 20'
cp v.json out; json '.[0] | .view == "load" and .measured.step == 20 and .facts.load_cv.value == .measured.load_cv and (.sentences | length) > 1'
feeds 5 'v.txt is there already' 'train 1\nexport v.txt\n' repl
feeds 0 '' 'train 1\nexport v.txt!\n' repl; has 'wrote v.txt: vans, step 1'
state='data=orders strategy=topk seed=1 @10:router,topp,p=0.7 step=30 view=load cursor=0 layer=1'
feeds 0 '' 'train 10\nrouter topp p=0.7\ntrain 20\nview load\nstate\n' repl; has "$state"
gives 0 '' repl --state "$state"; grep 'step 30: loss' out | sed 's/, [^,]* tokens a second//' >one
feeds 0 '' 'state\nview\n' --plain --state "$state"; has "$state"; has 'fair share'
grep 'step 30: loss' out | sed 's/, [^,]* tokens a second//' | tail -n 1 >two; same one two 'a state gives another step'
gives 2 'leave --seed out' repl --state "$state" --seed 3
feeds 0 '' 'watch load_cv every=30\ntrain 70\nwatch none\ntrain 5\n' repl; has 'step 30: '; has 'step 60: '
if [ "$(grep -c '; load_cv [0-9.]*$' out)" = 3 ] && grep -q '^step 75: .*second$' out; then ok; else no "watch: $(cat out)"; fi
feeds 0 '' 'watch load_cv\ntrain 20\n' --plain; has '; load_cv '
feeds 2 'did you mean load_cv' 'watch lod_cv\n' repl
feeds 2 'every=N' 'watch loss every=0\n' repl
feeds 2 'did you mean .png' 'train 1\nexport v.pgn\n' repl
feeds 0 '' 'train 30\nwhy 2\nregret\nshow why\n' repl --strategy topp
has 'token 2 (#2) in layer 1 after 30 steps: loss '; has 'with its 0 to 8 best experts: '; has '64 tokens in layer 1'
has 'gates sum to 1.000'
sed -n '/^with its 0 to 8/s/.*: //p' out >one; sed -n 's/.*best vans, after 30 steps: \(.*\)\./\1/p' out >two
cmp -s one two && ok || no 'why and show why give the same losses'
feeds 0 '' 'train 30\nwhy 2\n' --plain --strategy topp; sed -n '/^with its 0 to 8/s/.*: //p' out >two
cmp -s one two && ok || no 'why says in the plain run what it says in the REPL'
feeds 0 '' 'train 3\ntry "ab\\"c"\ntry\nwrite 12 0\n' repl --data text:words.txt --batch 2
has 'ab"c'; has 'experts of each in layer 1: 2222'; has 'the standing window again'; no_escape repl
feeds 2 'writes no text' 'write\n' repl
feeds 2 'tokens 0 to 63' 'why 64\n' repl
feeds 2 '1 to 8' 'try a sofa\n' repl
{ printf 'try "'; head -c 1000000 /dev/zero | tr '\0' x; printf '"\n'; } >paste
timeout 60 "$bin" repl --data text:words.txt --batch 2 <paste >out 2>err; got=$?
[ $got = 2 ] && [ "$(grep -c . err)" = 1 ] && ok || no "a paste of a million bytes: exit $got: $(head -c 300 err)"

# ---- lessons, records, classes ----
gives 0 '' lesson list; has 'Eight vans'
gives 0 '' lesson list --json; json 'length > 20 and all(has("number") and has("title") and has("pages") and has("done"))'
gives 0 '' lesson check 0 1; has '2 passed, 0 failed, 0 skipped'
gives 2 'no such lesson' lesson check 77
gives 2 'there is no lesson' lesson nonsense --plain
gives 2 "takes no '4'" lesson 3 4 --plain
gives 0 '' lesson export 4; has '<h2>The curve</h2>'; hasnt 'One way to do it'
gives 0 '' lesson export 4 --answers; has 'One way to do it'
mkdir -p own; printf -- '---\ntitle: Mine\n---\n## A\n\nText.\n\n```do\ntrian 5\n```\n' >own/01-mine.md
gives 1 'did not pass' lesson check --folder own; has '01-mine:8:'; has 'did you mean train?'
gives 4 'did you mean train?' lesson 1 --folder own --plain
gives 4 '01-mine:8:' lesson export 1 --folder own
printf -- '---\ntitle: Mine\n---\n## A\n\nText.\n\n```do\ntrain 5\n```\n```expect\nstep >= 0\n```\n' >own/01-mine.md
gives 1 'did not pass' lesson check --folder own; has 'all its checks hold although'
printf -- '---\ntitle: Mine\n---\n## A\n\n```do\ntrain 5\n```\n```expect\nstep >= 5\n```\n' >own/01-mine.md
gives 0 '' lesson check --folder own; has '1 passed'
gives 5 'cannot read' lesson list --folder no-such-folder
export XDG_STATE_HOME=$PWD/state
feeds 0 '' 'lesson 1\nnext\nsolve\nnext\nsolve\nanswer 50\nnext\nanswer b\n' --plain --record anna.record; has 'All of it holds'; has 'Right: an average'; has 'You said 50, it is'
gives 0 '' replay anna.record --quiet; has 'fingerprints of the weights are the same'; hasnt 'others'
gives 0 '' replay anna.record --quiet --simd sse2 --to 200; has 'losses are near'
gives 0 '' replay anna.record --quiet --cast anna.cast; [ "$(head -1 anna.cast | jq .version)" = 2 ] && ok || no 'the cast is no asciicast'
jq -s 'all(.[1:][]; length == 3)' anna.cast | grep -q true && ok || no 'a frame of the cast is odd'
sed 's/"hash":"./"hash":"x/' anna.record >other.record
gives 1 'another way' replay other.record --quiet
gives 0 '' report anna.record; has '<h2>Curves</h2>'; cp out anna.html
gives 0 '' report anna.record --markdown; has '| steps made | 600 |'
gives 0 '' class anna.html anna.record --csv; [ "$(sed -n 2p out | cut -d, -f2-)" = "$(sed -n 3p out | cut -d, -f2-)" ] && ok || no 'a report says other than its record'
gives 4 'no record' class words.txt
XDG_RUNTIME_DIR=$PWD gives 5 'nobody presents' notes
printf '[fix]\nseed = 7\n[lock]\nknobs = k\n' >class.ini
feeds 2 'nothing' 'undo\n' repl --policy class.ini
feeds 0 '' 'seed\n' repl --policy class.ini; has 'seed 7'
feeds 2 'the rules of class.ini hold' 'state "data=orders strategy=topp seed=3 step=1"\n' repl --policy class.ini
feeds 2 'knob k is locked' 'base paper\n' repl --policy class.ini
printf '[fix]\nlr = 0.002\n' >rate.ini
feeds 0 '' 'reset all\nset\n' repl --policy rate.ini; has '0.002      learning rate'
gives 0 '' train --data orders --strategy topp --steps 150 --record run.record --quiet
gives 0 '' replay run.record --quiet; has '2 of 2 fingerprints of the weights are the same'
gives 5 'never written over' train --steps 5 --record run.record
gives 2 'name --steps, too' train --minutes 1 --record other-run.record
gives 2 'leave --resume out' train --resume some.safetensors --record other-run.record
gives 2 'recorded in the explorer' train --scenario rush-hour --record other-run.record
gives 5 'never written over' --plain --record anna.record
for name in 'a"b' 'a\b' "$(printf 'n%.0s' $(seq 240))"; do
    feeds 0 '' 'train 3\n' repl --record "$name.1"; feeds 0 '' 'train 3\n' --plain --record "$name.2"
    if [ -s "$name.1" ] && [ -s "$name.2" ]; then ok; else no "a record named $name"; fi
done
gives 2 'up to 980 bytes' --plain --record "$(printf 'n%.0s' $(seq 1200))"
gives 2 "a line's end" repl --policy "$(printf 'a\nb')"
export XDG_STATE_HOME=$tmp/state

# ---- explorer without a screen ----
gives 0 '' --plain; has 'step 200'; no_escape --plain
gives 0 '' explore; has 'step 200'
feeds 0 '' 'train 30\nrouter topp\ntrain 10\nshow loss\n' --plain; has 'step 30'; has 'step 40'; has 'loss '; no_escape --plain
feeds 0 'did you mean' 'train 3\nrouter tokp\n' --plain
{ echo 'train 300'; yes 'show step' | head -n 1000; } | timeout 60 "$bin" --plain >out 2>err # more than it reads at once
if [ "$(grep -c '^step 300$' out)" = 1000 ]; then ok; else no "of 1000 lines --plain did $(grep -c '^step 300$' out)"; fi
{ printf 'try "'; head -c 9000 /dev/zero | tr '\0' x; printf '"\nshow step\n'; } | timeout 60 "$bin" --plain >out 2>err
has 'step 0'; if [ "$(grep -c 'at most 1023 bytes' err)" = 1 ] && [ "$(grep -c . err)" = 1 ]; then ok; else no "a line of 9000 bytes: $(head -c 300 err)"; fi
gives 0 '' --plain --data text:words.txt --batch 2
gives 2 '--color' --color sometimes
gives 2 'did you mean block?' --charset blok
if command -v script >/dev/null; then
    for term in dumb unknown-terminal ''; do
        TERM=$term timeout 20 script -qec "$bin" /dev/null >out 2>&1 </dev/null
        if [ $? = 3 ] && [ "$(grep -c 'vanpool: ' out)" = 1 ]; then ok; else no "TERM='$term' is not exit 3 with one line: $(head -c 200 out)"; fi
    done
else
    echo 'SKIP: TERM=dumb, because script(1) is missing'; skipped=$((skipped + 1))
fi

# ---- scenarios ----
gives 0 '' train --scenario teddy-bear-day; has 'teddy-bears'; has 'week'
gives 0 '' race --scenario teddy-bear-day --strategies topk,topp --json; json '[.[] | select(.phase == "teddy-bears")] | length == 2 and .[0].experts_per_token == 2 and .[1].experts_per_token < 1.2 and .[0].bits_per_char == null'
gives 2 'did you mean breakdown?' train --scenario breakdwon
gives 2 'unknown scenario' train --scenario 'a"b'
gives 2 'unknown scenario' --plain --scenario breakdwn2
gives 2 'from 0 to 1' repl --scenario teddy-bear-day --strategy topp --knob p=3
gives 0 '' train --scenario teddy-bear-day --strategy topk --knob k=1 --json; json 'all(.[]; .experts_per_token == 1)'
gives 2 'goes with --strategy' train --scenario teddy-bear-day --knob k=1
for flag in '--minutes 1' '--until loss<1' '--steps 5' '--save x.st' '--data ledger' '--experts 4' '--resume x.st'; do
    gives 2 'leave --' train --scenario teddy-bear-day $flag
done
gives 2 'leave --experts out' repl --scenario teddy-bear-day --experts 4
gives 2 'there is no strategy' race --scenario teddy-bear-day --strategies topk,
gives 2 'one' repl --scenario breakdown --state 'step=3'
feeds 0 '' 'train 20\nbreak 3\nrewind 10\nfleet\nundo\nfleet\n' repl; has '8 vans, 8 on the road'; has 'broken 3'
feeds 2 'did you mean' 'preset favorite\n' repl
feeds 0 '' 'train 9\nkeep one\ntrain 9\nexpect step > one.step\n' repl; has 'as expected'
feeds 2 'no kept run' 'expect one.step > 3\n' repl

# ---- bench ----
gives 0 '' bench fma_peak moe_layer --preset tiny --threads 1 --json --require 'what=fma_peak threads=1 gflops>=0.1'
json 'all(has("what") and has("name") and has("preset") and has("threads") and has("backend") and has("simd") and has("ms") and has("gflop") and has("gflops") and has("share_of_peak") and has("tokens_per_s"))'
gives 1 'required' bench fma_peak --threads 1 --require 'what=fma_peak gflops>=1e9'
gives 1 'no line' bench fma_peak --threads 1 --require 'what=slope gflops>=1'
gives 2 'bench has no' bench fma_peek
gives 0 '' bench op decode slope --preset tiny --threads 1 --json --require 'what=decode threads=1 tokens_per_s>=1'
json 'map(.what) | contains(["op","decode","slope"])'
json 'any(.[]; .what == "op" and .name == "moe_ffn_back" and .ms > 0 and .gflop > 0 and .calls == 2)'
json '.[] | select(.what == "slope") | .slope - .time_saved / .flops_saved | fabs < 1e-3'
json '.[] | select(.what == "decode") | .tokens_per_s * .ms / 1000 - 1 | fabs < 1e-3'
gives 0 '' bench op --preset orders --threads 1; has 'moe_ffn'
gives 0 '' bench strategies --preset orders --threads 1 --json
json '[.[] | select(.what == "train_step").name] | contains(["topk","adak","expertchoice"])'
gives 2 'decode writes text' bench decode --preset orders
gives 2 'did you mean decode?' bench decod
TMPDIR=/nonexistent gives 0 '' bench fma_peak train_step --preset orders --threads 1
TMPDIR=/nonexistent gives 5 'nonexistent' bench decode --preset tiny --threads 1
gives 0 '' bench train_step --preset orders --json; json '[.[] | select(.threads == 2)][0].bits_equal == true'

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
