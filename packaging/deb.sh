#!/usr/bin/env bash
# Makes a Debian package of what is built: packaging/deb.sh VERSION FOLDER. The program, its manual page and completions come
# from `make install`; the libraries it needs from dpkg-shlibdeps, or by hand where that is missing.
set -eu
version=$1 folder=$2
command -v dpkg-deb >/dev/null || { echo 'make deb needs dpkg-deb (Debian package dpkg)' >&2; exit 2; }
arch=$(dpkg --print-architecture)
package=vanpool_${version}_$arch
root=$PWD/$folder/$package
rm -rf "$root"
make --no-print-directory -s install DESTDIR="$root" PREFIX=/usr ZSH_DIR=share/zsh/vendor-completions
strip --strip-unneeded "$root/usr/bin/vanpool"
gzip -9n "$root/usr/share/man/man1/vanpool.1"

# What it is linked with; a tool that reads debian/control of the folder it is in.
needs() {
    local work found=
    if command -v dpkg-shlibdeps >/dev/null; then
        work=$(mktemp -d)
        mkdir "$work/debian"
        printf 'Source: vanpool\n\nPackage: vanpool\nArchitecture: any\n' >"$work/debian/control"
        found=$(cd "$work" && dpkg-shlibdeps -O "$root/usr/bin/vanpool" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
        rm -rf "$work"
    fi
    if [ -z "$found" ]; then # the package of each library; dpkg knows it in /lib or in /usr/lib
        found=$(ldd "$root/usr/bin/vanpool" | sed -nE 's|.*=> (/[^ ]+).*|\1|p' | while read -r lib; do
            dpkg-query -S "$lib" "/usr$lib" "$(readlink -f "$lib")" 2>/dev/null | head -n 1 | cut -d: -f1
        done | sort -u | paste -sd, | sed 's/,/, /g')
    fi
    echo "$found"
}
depends=$(needs)
[ -n "$depends" ] || { echo 'make deb cannot find out which packages hold the libraries' >&2; exit 1; }
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: vanpool
Version: $version
Architecture: $arch
Maintainer: The vanpool authors <vanpool@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: fonts-dejavu-core
Section: science
Priority: optional
Description: watch a Mixture-of-Experts learn whom to send
 Trains a small Mixture-of-Experts model in the terminal, on the CPU, and
 shows how its router decides: which experts each token gets, why, what that
 costs and what it buys. The routing rule can be changed while it trains.
CONTROL
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group -Zxz -b "$root" "$folder/$package.deb" >/dev/null
rm -rf "$root"
echo "$folder/$package.deb"
