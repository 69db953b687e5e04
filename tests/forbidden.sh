#!/usr/bin/env bash
# What must not stand in the code: flags that break the NaN guards, screens outside tui, ends of the program outside main.
cd "$(dirname "$0")/.." || exit 2
bad=0
none() { # none WHAT PATTERN PATH...
    local what=$1 pattern=$2 hits
    shift 2
    hits=$(grep -rnE --include='*.c' --include='*.h' --include=Makefile "$pattern" "$@" 2>/dev/null)
    [ -z "$hits" ] && return
    printf '%s\n%s\n' "$what" "$hits"
    bad=1
}
none 'flags that make isnan() useless' '-(ffast-math|Ofast|ffinite-math-only)' Makefile
none 'kernels and core neither print nor exit' '(^|[^a-z_])(printf|puts|perror|exit|abort|system)\(' kernels core
none 'only main ends the program' '(^|[^a-z_])(exit|_Exit|abort)\(' tui/cli tui/app tui/views tui/draw tui/prompt
none 'only the session and the cpu backend have threads' 'pthread_create' kernels/*.c kernels/ref core/base core/data core/router core/balance core/model core/train core/metrics core/script core/console tui
none 'unbounded copies' '(^|[^a-z_])(sprintf|vsprintf|gets|strtok)\(' kernels core tui
exit $bad
