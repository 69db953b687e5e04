# Puts measured lines together (tests/gpu/times.c, layer.c, peer_torch.py; `rate cublas bf16 N TFLOP/s...`) into a table,
# and says what became of the goals. Lines of the same thing are one sample; its median counts, and how far the medians
# of its lines are apart is shown. A goal that is not met is a fact, no failure. usage: awk -f table.awk LINES...

function sorted(list, n,    i, j, x) { # list[1..n] by size
    for (i = 2; i <= n; i++) {
        x = list[i]
        for (j = i - 1; j >= 1 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
    }
}
function quantile(list, n, q,    at) { # of a sorted list: the median of an even number is the mean of two
    if (q == .5) return (list[int((n + 1) / 2)] + list[int(n / 2) + 1]) / 2
    at = int(q * n)
    return list[at < q * n ? at + 1 : at]
}
function take(key, first,    i, n, one) { # this line's samples, from field `first` on
    if (!(key in count)) order[++keys] = key
    n = 0
    for (i = first; i <= NF; i++) one[++n] = sample[key, ++count[key]] = $i + 0
    sorted(one, n)
    n = quantile(one, n, .5)
    if (!(key in least) || n < least[key]) least[key] = n
    if (!(key in most) || n > most[key]) most[key] = n
}
function finish(key,    i, list) {
    for (i = 1; i <= count[key]; i++) list[i] = sample[key, i]
    sorted(list, count[key])
    median[key] = quantile(list, count[key], .5)
    tail[key] = quantile(list, count[key], .99)
}
function shown(x, digits) { return x == "" ? "-" : sprintf("%." digits "f", x) }
function best(preset, experts, math, pattern,    i, key, part, found) { # of torch at k = 2; math "" is any
    found = ""
    for (i = 1; i <= keys; i++) {
        key = order[i]
        split(key, part, SUBSEP)
        if (part[1] != "step" || part[2] !~ /^torch/ || part[3] != preset || part[4] != experts || part[5] != 2) continue
        if ((math != "" && part[6] != math) || part[7] !~ pattern) continue
        if (found == "" || median[key] < median[found]) found = key
    }
    return found
}
function ours(kind, preset, experts, k, math,    key) {
    key = kind SUBSEP "vanpool" SUBSEP preset SUBSEP experts SUBSEP k SUBSEP math SUBSEP backend
    return key in median ? key : ""
}
function goal(name, what, value, floor, unit) {
    if (value == "") printf "%-3s %s: not measured; the goal is %s%s\n", name, what, floor, unit
    else printf "%-3s %s: %s%s; the goal is %s%s: %s\n", name, what, shown(value, unit == " %" ? 1 : 2), unit, floor, unit,
        (value >= floor) ? "met" : "not met"
}
function against(name, what, preset, experts, math, theirs, pattern, floor,    them, us, part) {
    them = best(preset, experts, theirs, pattern)
    us = ours("step", preset, experts, 2, math)
    if (them == "" || us == "") { goal(name, what, "", floor, ""); return }
    split(them, part, SUBSEP)
    goal(name, what " (" part[6] " " part[7] " " shown(median[them], 3) " ms / " math " " shown(median[us], 3) " ms)",
         median[them] / median[us], floor, "")
}
function slope(name, preset, experts, math, floor,    one, two, took, asked) {
    one = ours("step", preset, experts, 1, math)
    two = ours("step", preset, experts, 2, math)
    if (one == "" || two == "") { goal(name, "what one expert less saves, " preset " " math, "", floor, ""); return }
    took = (median[two] - median[one]) / median[two]
    asked = (gflop[two] - gflop[one]) / gflop[two]
    goal(name, sprintf("what one expert less saves, %s %s (%.1f %% of the step's time, %.1f %% of its FLOPs)", preset, math,
         100 * took, 100 * asked), took / asked, floor, "")
}

$1 == "device" { if (!told++) print; next }
$1 == "step" || $1 == "layer" {
    key = $1 SUBSEP $2 SUBSEP $3 SUBSEP $4 SUBSEP $5 SUBSEP $6 SUBSEP $7
    take(key, 11)
    tokens[key] = $8
    if ($2 == "vanpool") {
        backend = $7
        gflop[key] = work[$1, $3, $4, $5] = $9
    }
    if ($1 == "step") {
        size = $3 " with " $4 " experts"
        if (size in numbers && numbers[size] != $10 && !(size in differs)) differs[size] = numbers[size] " and " $10
        if (!(size in numbers)) numbers[size] = $10
    }
    next
}
$1 == "none" {
    key = $1
    text = $8
    for (i = 2; i <= 7; i++) key = key SUBSEP $i
    for (i = 9; i <= NF; i++) text = text " " $i
    if (!(key in why)) order[++keys] = key
    why[key] = text
    next
}
$1 == "rate" { take("rate" SUBSEP $3, 5) }

END {
    for (i = 1; i <= keys; i++) if (order[i] !~ /^none/) finish(order[i])
    for (i = 1; i <= keys; i++) {
        key = order[i]
        split(key, part, SUBSEP)
        if (part[1] == "rate") { printf "\ncuBLAS, %s, 8192 x 8192 x 8192: %.1f TFLOP/s\n", part[2], median[key]; continue }
        if (part[1] == "layer" || (part[1] == "none" && why[key] ~ /^one layer/)) continue
        if (!headed++) printf "\n%-7s %3s %2s %-5s %-26s %10s %10s %11s %9s %10s %8s\n", "preset", "E", "k", "math", "who",
            "ms/step", "p99", "tok/s", "TFLOP/s", "by FLOPs", "apart"
        printf "%-7s %3d %2d %-5s %-26s ", part[3], part[4], part[5], part[6], part[2] " " part[7]
        if (part[1] == "none") { print "not measured: " why[key]; continue }
        all = ours("step", part[3], part[4], 8, part[6])
        flops = work["step", part[3], part[4], part[5]]
        printf "%10.3f %10.3f %11.0f %9s %10s %7.1f%%\n", median[key], tail[key], 1e3 * tokens[key] / median[key],
            shown(flops == "" ? "" : flops / median[key], 3),
            part[2] == "vanpool" && all != "" ? shown(median[all] * gflop[key] / gflop[all], 3) : "-",
            100 * (most[key] - least[key]) / median[key]
    }
    print "\nby FLOPs: what the step would take if its time fell as its FLOPs do, from k = 8 down;"
    print "p99: the slowest, of fewer than 100 steps; apart: the medians of several turns, in the median of all"
    for (size in differs) print "NOTE " size ": not the same number of parameters: " differs[size]
    for (i = 1; i <= keys; i++) {
        key = order[i]
        split(key, part, SUBSEP)
        if (part[1] == "none" && why[key] ~ /^one layer/) printf "one MoE layer, %s, E = %d, %s: not measured: %s\n", part[3], part[4], part[6], why[key]
        if (part[1] != "layer") continue
        rate = median["rate" SUBSEP part[6]]
        printf "one MoE layer, forward and backward, %s, E = %d, k = %d, %s: %.3f ms, %.3f TFLOP/s%s\n", part[3], part[4], part[5], part[6],
            median[key], gflop[key] / median[key], (rate > 0) ? sprintf(", %.1f %% of cuBLAS", 100 * gflop[key] / median[key] / rate) : ""
    }
    print "\ngoals, each beside what was measured"
    against("G1", "a step of gpu, best of torch / vanpool", "gpu", 16, "bf16", "bf16", ".", 1.3)
    key = ours("layer", "gpu", 16, 2, "bf16")
    rate = median["rate" SUBSEP "bf16"]
    goal("G2", "one MoE layer of gpu, share of cuBLAS in bf16", key != "" && rate > 0 ? 100 * gflop[key] / median[key] / rate : "", 35, " %")
    split("tiny base", small, " ")
    for (i = 1; i <= 2; i++) {
        against("G3", "a step of " small[i] ", best of torch eager / vanpool", small[i], 8, "bf16", "", "^[a-z]+$", 10)
        against("G3", "a step of " small[i] ", best of torch compiled / vanpool", small[i], 8, "bf16", "", "[+]", 4)
    }
    slope("G4", "gpu", 16, "bf16", .8)
    if (ours("step", "gpu", 16, 2, "bf16") == "") slope("G4", "tiny", 8, "fp32", .8)
}
