#!/usr/bin/env bash
# What is around the program: the manual page, completions for three shells, install and uninstall, the Debian package.
# A tool that is not here is skipped, by name. Last line: N passed, N failed, N skipped.
cd "$(dirname "$0")/.." || exit 2
bin=$PWD/vanpool
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }
check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$tmp/said" 2>&1; then ok; else no "$what: $(head -c 400 "$tmp/said")"; fi
}
silent() { ! "$@" 2>&1 | grep .; } # it says nothing
have() { # TOOL WHAT
    command -v "$1" >/dev/null && return
    echo "SKIP $2: $1 is not installed"
    skipped=$((skipped + 1))
    return 1
}

# ---- the manual page ----
page=$tmp/vanpool.1
"$bin" help --man >"$page"
lint() { ! mandoc -Tlint -W warning "$page" | grep -v 'missing date'; }
if command -v mandoc >/dev/null; then check 'the manual page, as mandoc reads it' lint
elif command -v groff >/dev/null; then check 'the manual page, as groff reads it' silent sh -c "groff -man -Kutf8 -Tutf8 -ww '$page' >/dev/null"
else have mandoc 'the manual page' || true; fi
says() { grep -qE "^\\\\fB$(printf '%s' "$1" | sed 's/-/\\\\-/g')(\\\\fR| )" "$page"; }
for what in subcommands commands strategies; do
    for name in $("$bin" list $what --json | jq -r .name); do check "the manual page on $name ($what)" says "$name"; done
done
for name in $("$bin" list flags --json | jq -r .name | sort -u); do check "the manual page on --$name" says "--$name"; done

# ---- completions ----
for shell in bash zsh fish; do "$bin" help --completion $shell >"$tmp/$shell" || no "completion for $shell"; done
check 'completion for another shell is refused' sh -c "! '$bin' help --completion csh"
check 'bash reads its completion' bash -n "$tmp/bash"
completions() { # WORD... the last one is being typed
    (
        . "$tmp/bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _vanpool
        echo " ${COMPREPLY[*]} "
    )
}
offers() { # WANT WORD...
    local want=$1
    shift
    completions "$@" | grep -qF -- " $want "
}
check 'bash: a subcommand' offers train vanpool tr
check 'bash: a flag of the subcommand' offers --save-every vanpool train --sav
check 'bash: no flag of another' sh -c '! "$@"' sh offers --lane vanpool train --la
check 'bash: a strategy' offers topp vanpool train --strategy to
check 'bash: behind =' offers topp vanpool train --strategy = to
check 'bash: a knob' offers temperature= vanpool train --knob temp
check 'bash: a word of a list' offers avx2 vanpool train --simd a
check 'bash: a theme' offers light vanpool --theme li
check 'bash: a scenario' offers rush-hour vanpool train --scenario ru
check 'bash: a table' offers strategies vanpool list str
check 'bash: a topic' offers moepp vanpool help moe
check 'bash: the explorer is meant where no subcommand stands' offers --charset vanpool --char
: >"$tmp/some.st"
check 'bash: a file' offers "$tmp/some.st" vanpool inspect "$tmp/so"
if have zsh 'completion for zsh'; then check 'zsh reads its completion' silent zsh -n "$tmp/zsh"; fi
if have fish 'completion for fish'; then
    check 'fish reads its completion' silent fish -n "$tmp/fish"
    fish_offers() { HOME=$tmp fish -c "source $tmp/fish; complete -C '$2'" | cut -f1 | grep -qxF -- "$1"; }
    check 'fish: a subcommand' fish_offers train 'vanpool tr'
    check 'fish: a strategy' fish_offers topp 'vanpool race --strategies to'
    check 'fish: a flag' fish_offers --steps 'vanpool train --st'
fi

# ---- install and uninstall ----
make -s install DESTDIR="$tmp/at" PREFIX=/usr >/dev/null 2>&1 || no 'make install'
for f in bin/vanpool share/man/man1/vanpool.1 share/bash-completion/completions/vanpool share/zsh/site-functions/_vanpool \
    share/fish/vendor_completions.d/vanpool.fish share/vanpool/lessons/README.md; do
    check "install puts $f" test -s "$tmp/at/usr/$f"
done
check 'what was installed runs' "$tmp/at/usr/bin/vanpool" version
make -s uninstall DESTDIR="$tmp/at" PREFIX=/usr >/dev/null 2>&1 || no 'make uninstall'
check 'uninstall leaves no file' silent find "$tmp/at" -type f

# ---- the Debian package ----
if have dpkg-deb 'the Debian package'; then
    deb=$(make -s deb 2>"$tmp/said" | tail -n 1)
    check "make deb: $(head -c 300 "$tmp/said")" test -s "$deb"
    root=$tmp/root
    mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
    : >"$root/var/lib/dpkg/status"
    if [ "$(id -u)" = 0 ]; then
        check 'dpkg installs it into a folder' dpkg --root="$root" --log=/dev/null --force-depends -i "$deb"
        check 'dpkg knows it' sh -c "dpkg --root='$root' -s vanpool | grep -q 'Status: install ok installed'"
    else
        check 'it unpacks' dpkg-deb -x "$deb" "$root"
    fi
    check 'the installed program runs' sh -c "'$root/usr/bin/vanpool' version | grep -q '^vanpool '"
    check 'its manual page is packed' sh -c "gzip -dc '$root/usr/share/man/man1/vanpool.1.gz' | grep -q SYNOPSIS"
    check 'it names the libraries that it needs' sh -c "dpkg-deb -f '$deb' Depends | grep -q libncursesw6"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
