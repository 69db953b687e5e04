#!/bin/sh
# Prints a C file that holds text files: `pack.sh FILE...`. Each becomes one entry of packed_files,
# by the folder that it lies in and its name without its ending; see core/script/packed.h.
set -eu
echo '#include "core/script/packed.h"'
echo 'const struct packed packed_files[] = {'
for file; do
    name=${file##*/}
    printf '{"%s", "%s",\n' "${file%/*}" "${name%.*}"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
    printf '""},\n'
done
echo '{0}};'
