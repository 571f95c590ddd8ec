#!/bin/sh
# Computes the SHA-512 of every original. A template: keep the loop and put your own work into `extract`.
#
# It is started once and asked about many originals, one line of JSON each. The host writes no blanks between members, `path` is always
# a plain name such as 7/original.jpg, and texts of others (parameters) stand in `step` alone: so `sed` is enough to read a unit.
set -u

# extract UNIT PATH: prints any number of facts and one end.
extract() {
    if sum=$(sha512sum < "$2") 2> sum.log; then
        printf '{"type":"fact","unit":%s,"kind":"example.sha512","schema_version":1,"payload":{"sha512":"%s"}}\n' "$1" "${sum%% *}"
        printf '{"type":"end","unit":%s,"outcome":"done"}\n' "$1"
    else
        printf '{"type":"end","unit":%s,"outcome":"failed","reason":"unreadable","detail":"it cannot be read"}\n' "$1"
    fi
}

if ! version=$(sha512sum --version | sed -n '1s/.* //p') || [ -z "$version" ]; then
    printf '{"type":"unable","detail":"sha512sum is missing: apt-get install coreutils"}\n'
    exit 0
fi
printf '{"type":"ready","protocol":1,"extractor":"example.sha512","version":"1","tools":{"sha512sum":"%s"}}\n' "$version"

while read -r line; do
    case $line in
        '{"type":"unit",'*)
            unit=$(printf '%s\n' "$line" | sed -n 's/.*"unit":\([0-9]*\),.*/\1/p')
            path=$(printf '%s\n' "$line" | sed -n 's/.*"path":"\([0-9A-Za-z./]*\)".*/\1/p')
            # Without `path` the real name is too long to be opened: /nothing is unreadable, too.
            extract "$unit" "${path:-/nothing}"
            ;;
    esac
done
