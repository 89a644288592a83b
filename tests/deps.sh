# The Debian packages txmpp needs, in one place. Sourced by run and check:
#     . tests/deps.sh; need $BUILD_DEPS $DEMO_DEPS
# A file of another system's package names would stand beside this one.

# Either flavour's header will do, and they exclude each other.
curl_dev=libcurl4-openssl-dev
[ "$(dpkg-query -W -f='${db:Status-Status}' libcurl4-gnutls-dev 2>/dev/null)" != installed ] ||
    curl_dev=libcurl4-gnutls-dev
BUILD_DEPS="gcc libc6-dev make autoconf automake autopoint gettext pkg-config
    ca-certificates libglib2.0-dev libstrophe-dev libssl-dev libidn2-dev
    libutf8proc-dev libexpat1-dev libsqlite3-dev libjson-glib-dev $curl_dev
    libncurses-dev libreadline-dev libenchant-2-dev hunspell-en-us xz-utils
    libchafa-dev libpng-dev libturbojpeg0-dev libwebp-dev libgif-dev libseccomp-dev"
DEMO_DEPS="python3 python3-slixmpp prosody openssl"
TEST_DEPS="$DEMO_DEPS python3-pytest python3-pyte python3-dbus python3-gi dbus ejabberd prosody-modules profanity poezio clang
    llvm binutils mandoc locales ncurses-term xvfb xterm mlterm foot-terminfo kitty-terminfo tmux screen git procps"

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

missing_of() {
    for package; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null |
            grep -qx installed || printf '%s ' "$package"
    done
}

# Installs what is missing. The servers among the packages would be started by
# their installation: a policy file forbids that while it lasts, and nothing
# that ran before is touched.
need() {
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "this system has no apt-get; install what corresponds to: $missing"
        return 1
    fi
    root=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "run as root, or install these first: $missing"
            return 1
        fi
        root=sudo
    fi
    say "installing $missing"
    deps_log=$(mktemp)
    policy=/usr/sbin/policy-rc.d
    made_policy=
    if [ ! -e $policy ] &&
        printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null &&
        $root chmod 755 $policy; then
        made_policy=1
        trap '$root rm -f $policy' EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
    fi
    status=0
    {
        $root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
        # shellcheck disable=SC2086
        $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
            install --no-install-recommends $missing
    } </dev/null >"$deps_log" 2>&1 || status=$?
    if [ -n "$made_policy" ]; then
        $root rm -f $policy
        trap - EXIT INT TERM
        # Nor shall what we brought start with the machine.
        if [ -d /run/systemd/system ]; then
            for service in prosody ejabberd; do
                case " $missing " in
                *" $service "*)
                    $root systemctl disable -q $service 2>/dev/null || : ;;
                esac
            done
        fi
    fi
    if [ $status != 0 ]; then
        tail -n 30 "$deps_log" >&2
        say "the packages could not be installed (see above)"
    fi
    rm -f "$deps_log"
    return $status
}
