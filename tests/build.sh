# Builds a tree out of tree. Sourced by run and check after tests/deps.sh:
#     build_tree DIR [CONFIGURE-ARGS]...     then "make -C DIR TARGET"
# Quiet; a failure shows the end of DIR/log, which has everything.

jobs=$(nproc 2>/dev/null || echo 2)

# logged DIR WORDS COMMAND...
logged() {
    _dir=$1 _what=$2
    shift 2
    "$@" </dev/null >>"$_dir/log" 2>&1 && return 0
    tail -n 40 "$_dir/log" >&2
    say "$_what failed; everything it said is in $_dir/log"
    return 1
}

build_tree() {
    _tree=$1
    shift
    mkdir -p "$_tree" && : >"$_tree/log" || return 1
    if [ ! -x "$top/configure" ] ||
        [ -n "$(find "$top/configure.ac" -newer "$top/configure")" ]; then
        say "making configure"
        logged "$_tree" autoreconf autoreconf -fi "$top" || return 1
    fi
    if [ ! -f "$_tree/config.status" ] ||
        [ "$(cat "$_tree/configured" 2>/dev/null)" != "$*" ]; then
        say "configuring ${_tree#"$top"/}"
        (cd "$_tree" && logged . configure "$top/configure" "$@") || return 1
        printf '%s' "$*" >"$_tree/configured"
    fi
    say "building ${_tree#"$top"/}"
    logged "$_tree" make make -C "$_tree" -j"$jobs" all
}
