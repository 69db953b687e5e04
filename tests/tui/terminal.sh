#!/bin/bash
# The explorer in a real terminal (tmux), with a shell between them, as a person has it: Ctrl-Z and the terminal's modes
# mean nothing without one. usage: tests/tui/terminal.sh [PROGRAM]. Last line: N passed, N failed, N skipped.
cd "$(dirname "$0")/../.." || exit 1
program=$(realpath "${1:-./vanpool}")
passed=0 failed=0
if ! command -v tmux >/dev/null; then
    echo "SKIP the explorer in a terminal: tmux is not installed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
home=$(mktemp -d)
socket=vanpool-$$
tm() { tmux -L "$socket" -f /dev/null "$@"; }
trap 'tm kill-server 2>/dev/null; rm -rf "$home"' EXIT

# ---- what a person sees and does ----
screen() { tm capture-pane -p -t s; }
keys() { tm send-keys -t s "$@"; }
size() { tm resize-window -t s -x "$1" -y "$2"; }
sees() { # PATTERN [SECONDS]: until it is on the screen
    local end=$((SECONDS + ${2:-5}))
    until screen | grep -qE -- "$1"; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.03
    done
}
gone() { # PATTERN: until it is not on the screen
    local end=$((SECONDS + 5))
    while screen | grep -qE -- "$1"; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.03
    done
}
steps() { screen | grep -oE '(step|at|▶) [0-9][0-9,]*' | head -1 | tr -dc 0-9; }
advances() {
    local first now end=$((SECONDS + 5))
    first=$(steps)
    while [ $SECONDS -lt $end ]; do
        now=$(steps)
        [ -n "$now" ] && [ "${now:-0}" -gt "${first:-0}" ] && return 0
        sleep 0.05
    done
    return 1
}
stands() { # the step number does not move for half a second
    sleep 0.3
    local first
    first=$(steps)
    sleep 0.5
    [ -n "$first" ] && [ "$first" = "$(steps)" ]
}
spent() { cat /proc/"$(child)"/task/*/schedstat | awk '{ ns += $1 } END { print int(ns / 1e6) }'; } # ms
idle() {
    local before
    before=$(spent)
    sleep 1
    [ -n "$before" ] && [ $(($(spent) - before)) -lt 10 ]
}
check() { # WHAT COMMAND ...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $what"
        echo "--- the screen:"
        screen | sed 's/^/| /'
    fi
}

# ---- the shell between ----
shell_waits() { sees '^\$ *$' "${1:-5}"; }
run() { # a command line, answered by the shell
    keys -l "$1"
    keys Enter
}
shell() { # a fresh shell: WIDTH HEIGHT [NAME=VALUE ...]
    tm kill-server 2>/dev/null
    local width=$1 height=$2
    shift 2
    env -u NO_COLOR LANG=C.UTF-8 LC_ALL= XDG_STATE_HOME="$home" XDG_CONFIG_HOME="$home/config" PS1='$ ' "$@" \
        tmux -L "$socket" -f /dev/null -u new-session -d -s s -x "$width" -y "$height" 'bash --norc --noprofile -i'
    tm set -g escape-time 0 >/dev/null
    tm set -g status off >/dev/null
    shell_waits
    run "PS1='\$ '; clear"
    shell_waits
}
child() { pgrep -P "$(tm display -p -t s '#{pane_pid}')"; }
modes() { # FILE: what a program finds when it starts here; an interactive shell edits in modes of its own
    run "sh -c 'stty -a > $1'; clear"
    shell_waits
}
same_modes() { # after ends of the explorer inside: bash would mend the modes that a crash leaves, sh does not
    shell_waits 3 || return 1
    [ -e "$home/after" ] || modes "$home/after"
    cmp -s "$home/before" "$home/after"
    local same=$?
    rm -f "$home/after"
    [ $same = 0 ] && [ "$(tm display -p -t s '#{alternate_on}#{cursor_flag}#{keypad_cursor_flag}')" = 010 ]
}
inside() { # the explorer with nobody behind it to mend the modes
    run "clear; sh -c '$program; stty -a > $home/after; :'"
    sees 'step [0-9]' 8
}
status_is() { # the shell's $? of the last program: NUMBER
    run "echo ended \$?"
    sees "^ended $1\$"
}
start() { # the explorer is there and trains
    run "clear; $program"
    sees 'step [0-9]' 8
}

# ---- one long visit ----
visit() {
    local was
    shell 120 36
    modes "$home/before"
    start
    check 'starts on orders with top-k' sees 'orders +topk'
    check 'with k=2' sees '2\.00 vans'
    check 'says what to try first' sees 's changes the rule'
    check 'trains' advances
    check 'opens on the vans' sees '1 Vans'
    keys s
    check 's switches to top-p and the status line says so' sees 'orders +topp'
    check 'it trains on after the switch' advances
    was=$(knob_p)
    keys -
    check '- turns the selected knob down' knob_p_not "$was"
    keys u
    check 'u takes it back' knob_p_is "$was"
    keys u
    check 'u once more is top-k again' sees 'orders +topk'
    keys ':'
    keys -l 'router topk k='
    keys -l '4'
    keys Enter
    check 'four vans an order after k=4' sees '4\.00 vans'
    keys ':'
    keys -l 'rou'
    keys Tab
    check 'Tab completes a command' sees 'router *$'
    keys -l 'top'
    keys Tab
    check 'Tab shows what a word could become' sees 'topk  topp'
    keys -l 'k k=3'
    keys Enter
    check ':router topk k=3 gives three vans an order' sees '3\.00 vans'
    keys ':' Up
    check 'Up recalls the line' sees 'router topk k=3'
    keys Escape
    check 'Esc leaves the prompt' gone 'router topk k=3 *$'
    keys ':'
    keys -l 'rooter topp'
    keys Enter
    check 'an unknown word gets the nearest one' sees 'did you mean router'
    keys ':'
    keys -l 'knob k 99'
    keys Enter
    check 'a value out of range is refused with the range' sees 'k is a whole number from 1 to'
    for view in '2 Tokens' '5 Load' '6 Curves' '1 Vans'; do
        keys "${view%% *}"
        check "view $view opens" sees "$view"
    done
    keys 9
    check 'the lessons are listed' sees 'No lesson is open'
    keys 1
    keys e
    check 'e explains the view' sees '┌─ Vans'
    keys Escape F1
    check 'F1 lists the keys' sees 'Shift-Tab'
    keys Escape
    check 'Esc leaves the page' sees '1 Vans ─'
    keys '?'
    check '? searches everything' sees 'type to search'
    keys -l 'curves'
    keys Enter
    check 'Enter runs what was found' sees '6 Curves ─'
    keys Escape
    check 'Esc goes back' sees '1 Vans'
    keys p
    check 'p presents one view' gone 'Knobs'
    check 'its notes are on a second terminal' notes_say 'Which vans does each order get'
    check 'and wrapped to its width' notes_wrap
    keys p
    check 'p ends it' sees 'Knobs'
    keys Space
    check 'Space pauses' stands
    check 'paused it takes less than 1 % of a core' idle
    was=$(steps)
    keys .
    check '. makes one step' step_is $((was + 1))
    keys Space
    check 'Space goes on' advances
    size 80 24
    check 'works at 80x24' advances
    size 40 12
    check 'works at 40x12' advances
    size 10 3
    check 'a tiny window is one sentence' sees 'needs a'
    size 1 1
    size 120 36
    check 'comes back when the window grows' advances
    keys C-z
    check 'Ctrl-Z gives the terminal to the shell' sees 'Stopped'
    check 'with its modes' same_modes
    run fg
    check 'fg brings the screen back' sees 'step [0-9]'
    check 'and trains on' advances
    keys q
    check 'q gives the terminal back' shell_waits 2
    inside
    keys q
    check 'as it was' same_modes
    check 'the history is private' [ "$(stat -c %a "$home/vanpool/history")" = 600 ]
    check 'the history has what was typed' grep -qx 'router topk k=3' "$home/vanpool/history"
}
notes_wrap() { # in a window of 50 columns whole words are put under each other, behind a margin
    local end=$((SECONDS + 3)) ok=1
    tm new-session -d -s n -x 50 -y 20 "env XDG_RUNTIME_DIR= $program notes"
    while [ $ok = 1 ] && [ $SECONDS -lt $end ]; do
        tm capture-pane -p -t n 2>/dev/null | grep -q '^ Every line is an order' && ok=0
        sleep 0.05
    done
    tm capture-pane -p -t n | grep -q '^[^ ]' && ok=1
    tm kill-session -t n
    return $ok
}
notes_say() { XDG_RUNTIME_DIR= timeout 2 "$program" notes 2>/dev/null | grep -q "$1"; }
knob_p() { screen | grep -oE '▸p +[0-9.]+' | grep -oE '[0-9.]+' | head -1; }
knob_p_is() { wait_knob '=' "$1"; }
knob_p_not() { wait_knob '!=' "$1"; }
wait_knob() {
    local end=$((SECONDS + 3)) now
    while [ $SECONDS -lt $end ]; do
        now=$(knob_p)
        [ -n "$now" ] && test "$now" "$1" "$2" && return 0
        sleep 0.05
    done
    return 1
}
step_is() {
    local end=$((SECONDS + 3))
    until [ "$(steps)" = "$1" ]; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.05
    done
}

# ---- every way to end ----
ends() {
    local signal
    for signal in INT TERM HUP SEGV ABRT FPE; do
        inside
        kill -"$signal" "$(pgrep -P "$(child)")"
        check "SIG$signal gives the terminal back" same_modes
    done
    start
    keys C-c
    check 'Ctrl-C ends it' shell_waits 2
    check 'with status 130' status_is 130
    start
    kill -STOP "$(child)"
    sees Stopped
    run fg
    check 'a stop it cannot see is survived' advances
    local pid
    pid=$(child)
    tm kill-server
    sleep 1
    check 'it ends within a second of its terminal' ended "$pid"
}
ended() { ! grep -q '^State:[[:space:]]*[RSDTt]' "/proc/$1/status" 2>/dev/null; } # or nobody has asked yet how

# ---- terminals ----
terminals() {
    local term lang
    shell 100 30
    for term in dumb no-such-terminal ''; do
        run "TERM=$term $program 2>$home/said; echo ended \$?"
        check "TERM='$term' is exit 3" sees '^ended 3$'
        check "TERM='$term' is one line" [ "$(wc -l <"$home/said")" = 1 ]
        run clear
        shell_waits
    done
    for term in vt100 linux screen xterm tmux-256color; do
        for lang in C C.UTF-8; do
            run "clear; LANG=$lang TERM=$term $program"
            check "TERM=$term LANG=$lang works" sees 'step [0-9]' 8
            if [ $lang = C ]; then check "LANG=C is ASCII, TERM=$term" only_ascii; fi
            keys q
            shell_waits
        done
    done
    run "clear; NO_COLOR=1 $program"
    sees 'step [0-9]' 8
    check 'NO_COLOR has no colour' colourless
    keys q
    shell_waits
    run "clear; $program --color never"
    sees 'step [0-9]' 8
    check '--color never has no colour' colourless
    keys q
    shell_waits
    start
    check 'without them there is colour' coloured
    keys q
}
only_ascii() { ! screen | LC_ALL=C grep -q '[^ -~]'; }
coloured() { tm capture-pane -p -e -t s | grep -qE $'\x1b\\[[0-9;]*(3[0-7]|38;5|9[0-7])'; }
colourless() { ! coloured; }

# ---- one token, nearer and nearer ----
nearer() {
    shell 120 36
    start
    keys Down Down Enter
    check 'Enter opens the token under the cursor' sees '#2 needs'
    check 'what other counts would do is asked for by itself' sees 'by the weights of step [0-9]'
    check 'and the regret of a batch' sees 'regret -?[0-9]'
    keys Space
    check 'pause' sees 'Space go on'
    keys Down
    check 'the next token is asked about while it rests, too' sees '#3 needs'
    check 'and is answered' sees 'by the weights of step [0-9]'
    keys z
    check 'z shows the arithmetic' sees '2\. Softmax'
    keys Z
    check 'Z goes back to the choice' sees 'loss with its n best'
    keys Escape
    check 'Esc goes back to the fleet' sees '1 Vans ─ Which'
    keys t
    keys -l '1 3 5'
    keys Enter
    check 't makes an order of ones own' sees '▸ yours +▪▪▪'
    keys ':'
    keys -l 'try 1 99'
    keys Enter
    check 'an item type that is none is refused in a sentence' sees 'number from 1 to 8'
    check 'and nothing is lost' sees '▸ yours'
    keys q
    check 'q leaves' shell_waits

    run "clear; $program --data text:README.md"
    sees 'step [0-9]' 20
    keys t
    keys -l 'a van for two"'
    keys Enter
    check 'a sentence of ones own is routed' sees 'your text: 13 bytes'
    keys ':'
    keys -l 'write 20'
    keys Enter
    check 'and written on, byte by byte' sees '20 written$|20 written ' 30
    keys ':'
    keys -l 'try'
    keys Enter
    check 'try alone brings the window back' gone 'your text'
    keys q
    check 'q leaves again' shell_waits
}

# ---- rules against each other, and against the clock ----
contest() {
    shell 120 36
    start
    keys r
    check 'r races all rules' sees '12 lanes, '
    check 'while the model rests' sees '▶ race [0-9]+ %'
    keys ':'
    keys -l 'race stop'
    keys Enter
    check 'a race can be stopped' sees 'stopped at [0-9]+ %'
    check 'and the model goes on' advances
    keys ':'
    keys -l 'race topk topp p=0.6 steps=60 seeds=1,2'
    keys Enter
    check 'two lanes and two seeds run to their end' sees 'all run in' 20
    check 'the front is marked' sees '^│ \*[12] top'
    keys 8
    check '8 times the steps' sees 'where a step.s [0-9.]+ ms go' 10
    keys ':'
    keys -l 'engine compare'
    keys Enter
    check 'saved FLOPs stand beside saved time' sees 'of the FLOPs and .* of the time are saved' 20
    size 80 24
    check 'also at 80x24' sees '│ all experts +8.00 run'
    size 40 12
    check 'and at 40x12' sees 'saved: [0-9]+ % FLOPs, .* time'
    keys 7
    check 'as the race does' sees 'topp p=0.60'
    keys q
    check 'q leaves the race' shell_waits
}

visit
contest
nearer
ends
terminals
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
