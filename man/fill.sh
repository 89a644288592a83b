#!/bin/sh
# fill.sh TXMPP FRAME: prints the frame with every line @PART@ replaced by what
# "TXMPP --print-manual part" prints.
set -eu
txmpp=$1 frame=$2
while IFS= read -r line; do
    case $line in
    @*@)
        part=$(printf %s "$line" | tr -d @ | tr '[:upper:]' '[:lower:]')
        "$txmpp" --print-manual "$part"
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$frame"
