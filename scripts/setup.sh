#!/bin/sh
# Installs what building lora-gauge needs and this machine lacks; where nothing is missing it
# changes nothing and says nothing. Plain sh, because it has to run before anything is installed.
set -eu

usage() {
    cat <<'EOF'
usage: sh scripts/setup.sh [--checks] [--proofs]

Installs a C compiler, make, m4 and diff where they are missing, and checks the Rust toolchain.
  --checks   also rustfmt and clippy, for `make test` and `make test-quick`
  --proofs   also Rocq (Coq) with the libraries that proofs/ imports, about 375 MB
Exit status: 0 everything is there; 64 bad usage; 69 something is missing and could not be had.
EOF
}

want_checks=no
want_proofs=no
for argument in "$@"; do
    case $argument in
    --checks) want_checks=yes ;;
    --proofs) want_proofs=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        printf "setup: unknown argument '%s'\n" "$argument" >&2
        usage >&2
        exit 64
        ;;
    esac
done

root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- What is missing -----------------------------------------------------------------------------

# A compiler without the C library's headers or start-up files is found only by using it. GMP and
# MPFR are built with gcc unless CC names another, and rustc links with cc.
builds_c() {
    have "${CC:-gcc}" && have cc || return 1
    scratch=$(mktemp -d)
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$scratch/probe.c"
    status=0
    "${CC:-gcc}" -o "$scratch/probe" "$scratch/probe.c" >/dev/null 2>&1 || status=1
    rm -rf "$scratch"
    return $status
}

missing_tools() {
    builds_c || echo compiler
    for tool in make m4 diff; do
        have "$tool" || echo "$tool"
    done
}

# The libraries that proofs/ imports, each by a compiled file of its own: a Rocq without them is
# as common as no Rocq at all.
missing_rocq() {
    have coqc || {
        echo coqc
        return
    }
    library=$(coqc -where 2>/dev/null || echo nowhere)/user-contrib
    [ -e "$library/mathcomp/algebra/all_algebra.vo" ] || echo mathcomp-algebra
    [ -e "$library/mathcomp/algebra_tactics/ring.vo" ] || echo mathcomp-algebra-tactics
    [ -e "$library/Flocq/Core/Core.vo" ] || echo flocq
}

# --- Package managers ----------------------------------------------------------------------------

manager=none
for candidate in apt-get dnf brew; do
    if have "$candidate"; then
        manager=$candidate
        break
    fi
done

# Where nobody is there to type a password, sudo shall fail rather than wait for one.
if [ -t 0 ]; then asking=; else asking=-n; fi

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo $asking "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || { have sudo && { [ -z "$asking" ] || sudo -n true 2>/dev/null; }; }
}

# apt's chatter goes nowhere, its complaints to stderr. On a machine that has just booted, the
# automatic upgrades may hold the lock for a while.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 "$@" </dev/null >/dev/null
}

# One repository that does not answer must not stop an install that does not need it.
apt_update() { apt_get update || say "apt-get update complained; going on with what it has"; }

# install_packages PACKAGE...: once, and once more when that fails.
install_packages() {
    case $manager in
    apt-get)
        apt_update
        apt_get install -y --no-install-recommends "$@" && return
        say "apt-get failed; trying once more, mending half-installed packages first"
        sleep 5
        apt_update
        apt_get install -y -f --no-install-recommends || true
        apt_get install -y -f --no-install-recommends "$@"
        ;;
    dnf)
        as_root dnf install -y --setopt=install_weak_deps=False "$@" && return
        say "dnf failed; trying once more"
        as_root dnf install -y --setopt=install_weak_deps=False "$@"
        ;;
    brew)
        # Homebrew refuses to run as root.
        brew install "$@" && return
        say "brew failed; trying once more"
        brew install "$@"
        ;;
    esac
}

# --- Rust: only checked, since how it gets here is the user's choice ------------------------------

rustup_hint="install it with rustup (https://rustup.rs):
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
    . \"\$HOME/.cargo/env\""

# at_least FOUND WANTED: compares the first two numbers of two versions.
at_least() {
    found_major=${1%%.*}
    found_minor=${1#*.}
    found_minor=${found_minor%%.*}
    wanted_major=${2%%.*}
    wanted_minor=${2#*.}
    wanted_minor=${wanted_minor%%.*}
    [ "$found_major" -gt "$wanted_major" ] ||
        { [ "$found_major" -eq "$wanted_major" ] && [ "$found_minor" -ge "$wanted_minor" ]; }
}

check_rust() {
    wanted=$(sed -n 's/^rust-version *= *"\(.*\)".*/\1/p' "$root/Cargo.toml")
    [ -n "$wanted" ] || wanted=1.0
    if ! have cargo; then
        if [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
            say "cargo is in ${CARGO_HOME:-$HOME/.cargo}/bin but not on PATH; run
    . \"${CARGO_HOME:-$HOME/.cargo}/env\""
        else
            say "Rust is missing (cargo, $wanted or newer); $rustup_hint"
        fi
        return 1
    fi
    if ! version=$(cargo --version 2>&1); then
        say "cargo does not run: $version
    with rustup, 'rustup default stable' sets a toolchain"
        return 1
    fi
    found=$(printf '%s\n' "$version" | sed -n 's/^cargo \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p')
    if [ -z "$found" ]; then
        say "cannot read the version of cargo from '$version'"
        return 1
    fi
    if ! at_least "$found" "$wanted"; then
        say "Rust $wanted or newer is needed and cargo is $found; run 'rustup update', or $rustup_hint"
        return 1
    fi
    [ "$want_checks" = yes ] || return 0
    for component in rustfmt clippy; do
        case $component in
        rustfmt) subcommand=fmt ;;
        *) subcommand=clippy ;;
        esac
        cargo "$subcommand" --version >/dev/null 2>&1 && continue
        if have rustup; then
            say "adding $component with rustup: 'make test' checks the code with it"
            rustup component add "$component" >&2 && continue
        fi
        say "$component is missing; install the one that belongs to your Rust toolchain"
        return 1
    done
}

# --- The set-up itself ---------------------------------------------------------------------------

fail() {
    say "$1"
    check_rust || true
    exit 69
}

# one_line: a list, one to a line, as words.
one_line() { tr '\n' ' ' | sed 's/ *$//'; }

# For a message: what a person calls the things that are missing.
named() {
    printf '%s\n' "$1" | sed 's/^compiler$/a C compiler (gcc, or what CC names) with its headers/' |
        paste -sd, - | sed 's/,/, /g'
}

tools=$(missing_tools)
if [ -n "$tools" ]; then
    packages=$(
        for tool in $tools; do
            case $tool:$manager in
            # apt-get only recommends the headers, and recommendations are left out.
            compiler:apt-get) echo gcc libc6-dev ;;
            compiler:*) echo gcc ;;
            diff:*) echo diffutils ;;
            *) echo "$tool" ;;
            esac
        done | one_line
    )
    by_hand="missing: $(named "$tools")"
    case $(uname -s):$manager in
    Darwin:*) by_hand="$by_hand; they come with 'xcode-select --install'" ;;
    *:apt-get | *:dnf) by_hand="$by_hand; as root, run '$manager install $packages'" ;;
    *) by_hand="$by_hand; install them and run this again" ;;
    esac
    case $manager in
    none) fail "no apt-get, dnf or brew here; $by_hand" ;;
    apt-get | dnf) can_be_root || fail "not root, and no sudo that works without asking; $by_hand" ;;
    esac
    say "installing $packages with $manager: GMP and MPFR, for exact arithmetic, are built from C"
    # shellcheck disable=SC2086 # one word for each package
    install_packages $packages || fail "$manager could not install $packages; $by_hand"
    tools=$(missing_tools)
    [ -z "$tools" ] || fail "$manager installed $packages, but still $by_hand"
fi

if [ "$want_proofs" = yes ]; then
    rocq=$(missing_rocq)
    if [ -n "$rocq" ]; then
        packages="coq libcoq-mathcomp-algebra libcoq-mathcomp-algebra-tactics libcoq-flocq"
        by_hand="missing for the proofs: $(named "$rocq"); 'make test-quick' and 'make audit' do without them"
        # Homebrew and Fedora do not have all four; opam does, and choosing its switch is the user's.
        [ "$manager" = apt-get ] || fail "$by_hand; with opam:
    opam repo add coq-released https://coq.inria.fr/opam/released
    opam install coq.8.16.1 coq-mathcomp-algebra.1.15.0 coq-mathcomp-algebra-tactics.1.0.0 coq-flocq.4.1.0"
        by_hand="$by_hand; as root, run 'apt-get install $packages'"
        can_be_root || fail "not root, and no sudo that works without asking; $by_hand"
        say "installing $packages with apt-get (about 375 MB): Rocq checks proofs/"
        # shellcheck disable=SC2086 # one word for each package
        install_packages $packages || fail "apt-get could not install Rocq; $by_hand"
        rocq=$(missing_rocq)
        [ -z "$rocq" ] || fail "apt-get installed $packages, but still $by_hand"
    fi
fi

check_rust || exit 69
