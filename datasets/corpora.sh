#!/usr/bin/env bash
# Real texts to train on, out of Debian packages: downloaded and unpacked without root into a cache folder, never
# installed. Prints name, size and licence of each text. What is there already is not fetched again.
#   datasets/corpora.sh [austen|bible|jargon|python]...     all where none is named
# Needs apt-get, dpkg-deb and perl. Exit 1 where a text could not be had; the others are made all the same.
set -u
home=${XDG_CACHE_HOME:-$HOME/.cache}/vanpool/corpora
failed=0

say() { echo "corpora: $*" >&2; }
for tool in apt-get dpkg-deb perl; do
    command -v $tool >/dev/null || { say "$tool is missing; the texts come out of Debian packages"; exit 1; }
done
mkdir -p "$home" || exit 1
work=$(mktemp -d "$home/.work-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# unpack PACKAGE: into $work/PACKAGE.
unpack() {
    (cd "$work" && apt-get -qq download "$1") >"$work/log" 2>&1 && dpkg-deb -x "$work/$1"_*.deb "$work/$1" && return
    say "package $1 cannot be had: $(grep -m1 '^E:' "$work/log" || echo 'no such package'); try apt-get update"
    return 1
}

# The novels are vectors of lines in R's lazy-load form: per vector four bytes of length, then zlib; inside, XDR: a line
# is a word whose low byte is 9, its length, its bytes (R Internals, section 1.8).
austen() {
    unpack r-cran-janeaustenr && perl -MCompress::Zlib -0777 -e '
        my $all = <STDIN>;
        while (length $all > 6) {
            my ($z, $status) = inflateInit();
            substr($all, 0, 4) = "";
            (my $data, $status) = $z->inflate(\$all);
            die "not the form that was expected\n" if $status != Z_STREAM_END;
            my $at = 2 + 12;
            $at += 4 + unpack("N", substr($data, $at, 4)) if unpack("N", substr($data, 2, 4)) >= 3;
            my ($kind, $lines) = unpack("NN", substr($data, $at, 8));
            next if ($kind & 255) != 16 || $lines < 1000;
            $novels++;
            for ($at += 8; $lines > 0; $lines--) {
                my ($flags, $n) = unpack("Nl>", substr($data, $at, 8));
                die "not the form that was expected\n" if ($flags & 255) != 9;
                $n = 0 if $n < 0;
                print substr($data, $at + 8, $n), "\n";
                $at += 8 + $n;
            }
        }
        die "not six novels\n" if $novels != 6;' <"$work"/r-cran-janeaustenr/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb
}

# One verse a line, without its reference ("Ge1:1 "). Text and reader are two packages.
bible() {
    unpack bible-kjv && unpack bible-kjv-text || return 1
    "$work"/bible-kjv/usr/bin/bible -f -p "$work"/bible-kjv-text/usr/lib gen1:1-rev22:21 </dev/null |
        sed -nE 's/^[0-9A-Za-z]+:[0-9]+ +//p'
}

jargon() {
    unpack jargon-text && gzip -dc "$work"/jargon-text/usr/share/doc/jargon-text/jargon.txt.gz
}

# The reStructuredText that the pages are made of, in the order of their names.
python() {
    unpack python3.11-doc || return 1
    (cd "$work"/python3.11-doc/usr/share/doc/python3.11/html/_sources &&
        find . -name '*.rst.txt' | LC_ALL=C sort | xargs cat)
}

# make NAME LEAST LICENCE: NAME.txt, where it is not there yet; a text shorter than LEAST bytes is a failure.
make() {
    local to=$home/$1.txt
    if [ ! -s "$to" ]; then
        "$1" >"$work/text" && [ "$(wc -c <"$work/text")" -ge "$2" ] && mv "$work/text" "$to" ||
            { say "no text '$1' was made"; failed=1; return; }
    fi
    awk -v n="$(wc -c <"$to")" -v name="$1" -v licence="$3" -v file="$to" \
        'BEGIN { printf "%-7s %5.1f MB  %s\n        --data text:%s\n", name, n / 1e6, licence, file }'
}

[ $# -gt 0 ] || set -- austen bible jargon python
for name; do
    case $name in
    austen) make austen 3000000 'six novels by Jane Austen, public domain (r-cran-janeaustenr: MIT)' ;;
    bible) make bible 3500000 'King James Version, 1611, public domain (bible-kjv-text)' ;;
    jargon) make jargon 1000000 'the Jargon File 4.4.7, public domain (jargon-text)' ;;
    python) make python 5000000 'documentation of Python 3.11, Python Software Foundation License (python3.11-doc)' ;;
    *) say "there is no text '$name': austen, bible, jargon, python"; exit 2 ;;
    esac
done
exit $failed
