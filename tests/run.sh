#!/usr/bin/env bash
# Runs the stages of `make check` (quick) or `make test` (all), cheap first. Each stage prints its time and, as its last
# line, "N passed, N failed, N skipped"; the sum is the last line here. A suite that loses tests fails too: tests/least
# holds how many must have passed at least.
set -u
cd "$(dirname "$0")/.." || exit 2
what=${1:-check}
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# stage NAME SECONDS COMMAND...: a command whose last line counts, or whose exit status is one test.
stage() {
    local name=$1 limit=$2 begin=$SECONDS status line
    shift 2
    timeout "$limit" "$@" >"$log" 2>&1
    status=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
    if [ -n "$line" ]; then
        set -- $line
        passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
        [ "$status" != 0 ] && [ "$3" = 0 ] && failed=$((failed + 1))
    elif [ "$status" = 0 ]; then
        passed=$((passed + 1)) line=ok
    else
        failed=$((failed + 1)) line=failed
    fi
    printf '%-28s %4ds  %s\n' "$name" $((SECONDS - begin)) "$line"
    grep -E '^SKIP' "$log"
    if [ "$status" != 0 ]; then
        [ "$status" = 124 ] && echo "  ran past its $limit s"
        grep -vE '^[0-9]+%:' "$log" | tail -n 60 | sed 's/^/  | /'
    fi
}
build() { # build VARIANT CC
    make --no-print-directory -k -j"$(nproc)" VARIANT="$1" CC="$2" OUT="build/$3" \
        "build/$3/vanpool" "build/$3/check-kernels" "build/$3/check-core" "build/$3/check-tui"
}
export -f build
R=build/release
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-5} # a slow machine is no failure

stage layers 20 make -s layers
stage 'calls that are forbidden' 20 bash tests/forbidden.sh
if [ "$what" = test ]; then
    stage 'format' 60 sh -c 'clang-format --dry-run -Werror $(git ls-files "*.c" "*.h" "*.cu" "*.cpp")'
    stage 'build (gcc)' 600 make --no-print-directory -j"$(nproc)" runners build/release/check-pty
fi
[ "$what" = test ] && export VANPOOL_LINES=10000 # random command lines
later=() # whole trainings and random sweeps wait for `make test`
[ "$what" = check ] && later=(-parity -scenarios -train_probe -trainer_race -router_edges -trainer_steps -trainer_saved -router_live -router_table -gradients)
stage kernels 600 $R/check-kernels "${later[@]}"
stage core 900 $R/check-core "${later[@]}"
stage tui 300 $R/check-tui
stage 'command line' 300 bash tests/cli.sh
if [ "$what" = test ]; then
    stage 'lessons' 300 $R/vanpool lesson check
    stage 'real terminal' 600 bash tests/tui/terminal.sh
    stage 'a terminal of its own' 600 $R/check-pty
    stage 'four faces, one run' 120 bash tests/tui/faces.sh
    stage 'man page, install, package' 200 bash tests/package.sh
    stage 'a strategy as docs tell' 300 bash tests/example.sh
    stage 'gpu kernels (emulated)' 900 make --no-print-directory check-emu
    stage "gpu check, bare machine" 300 bash tests/gpu/bare.sh build/bare build/release/emu/vanpool-cuda.so
    if command -v nvcc >/dev/null; then # one architecture will do to see that it compiles
        stage 'gpu module (nvcc)' 900 make --no-print-directory -j"$(nproc)" OUT=build/nvcc \
            CUDA_GENCODE=-arch=sm_90 build/nvcc/vanpool-cuda.so
        stage 'gpu module, no driver' 60 bash tests/gpu/no_driver.sh build/nvcc/vanpool-cuda.so
    else
        echo 'SKIP the GPU module is not compiled: there is no nvcc'
    fi
    stage 'build (clang)' 600 bash -c 'build release clang clang'
    stage 'train (clang)' 120 bash tests/strategies.sh build/clang/vanpool
    stage 'build (asan)' 600 bash -c 'build asan gcc asan'
    export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=8 # a small parent forks fast
    stage 'kernels (asan)' 600 build/asan/check-kernels
    stage 'core (asan)' 2400 build/asan/check-core
    stage 'tui (asan)' 600 build/asan/check-tui
    stage 'command line (asan)' 900 env VANPOOL=build/asan/vanpool bash tests/cli.sh
    stage 'build (tsan)' 600 bash -c 'build tsan clang tsan'
    stage 'session (tsan)' 400 bash tests/tsan.sh
    stage 'accuracy against reference' 400 bash tests/reference.sh
    stage 'hardening' 20 bash tests/hardening.sh
fi

if [ "$what" = test ] && [ "$passed" -lt "$(cat tests/least)" ]; then
    echo "only $passed tests passed, $(cat tests/least) are known: some were not run"
    failed=$((failed + 1))
fi
echo "$what took $SECONDS s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
