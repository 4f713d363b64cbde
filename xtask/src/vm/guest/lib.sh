# What the scenarios have in common. Each says first: . /payload/lib.sh
set -Eeuo pipefail

current="its beginning"
line=0
trap 'line=$LINENO' ERR
trap 'status=$?; trap - ERR; case $status in 0 | 75) ;; *) printf "\nFAILED at: %s (line %s)\n" "$current" "$line" ;; esac' EXIT

bin=/payload/bin
state=/var/lib/syscall-recorder
recorder=syscall-recorder
cd "$(mktemp -d)"

step() { current=$*; printf '\n-- %s\n' "$*"; }

# The number of a call of this architecture, as the kernel's headers have it.
number() { awk -v name="__NR_$1" '$2 == name { print $3 }' /payload/numbers | grep .; }

# Ends the scenario.
fail() { line=${BASH_LINENO[0]}; printf '%s\n' "$*"; exit 1; }

# Tries until it succeeds.
eventually() {
    local end=$((SECONDS + 90))
    until "$@"; do
        test $SECONDS -lt $end || { line=${BASH_LINENO[0]}; fail "waited for it in vain: $*"; }
        sleep 0.2
    done
}

# Reloads a service that puts new workers in the place of the old ones. systemctl is done as soon as the signal is sent;
# the reload is over when none of the old workers is there.
renew() {
    local main old new
    main=$(systemctl show --property MainPID --value "$1")
    old=$(workers)
    systemctl reload "$1"
    renewed() { new=$(workers) && test -n "$new" && for one in $old; do case " $new " in *" $one "*) return 1 ;; esac; done; }
    eventually renewed
}
workers() { cat "/proc/$main/task/$main/children"; }

# Two files that must be the same.
same() { diff --unified "$1" "$2" || fail "$1 (-) and $2 (+) differ"; }

# Goes on with phase $1 after a reboot; the scenario finds it in $phase.
reboot_into() { echo "$1" > "$PHASE_FILE"; sync; exit 75; }
phase=$(cat "$PHASE_FILE" 2>/dev/null || true)

# Installs what there is for this release: the package, by the command given or, where the C library is too old for it,
# the archive, as deploy/README.md has it.
install_by() {
    if test -e /payload/syscall-recorder.deb; then
        "$@" /payload/syscall-recorder.deb
    else
        tar -C / -xzf /payload/syscall-recorder.tar.gz
        systemd-sysusers
        systemd-tmpfiles --create syscall-recorder.conf
        systemctl daemon-reload
        systemctl enable --now syscall-recorder.service
    fi
    eventually systemctl is-active --quiet syscall-recorder
}

# It, unless it is there. Its own filter denies by an error; here it ends the daemon, so that nothing that it
# needs can be missing there unnoticed.
installed() {
    systemctl is-active --quiet syscall-recorder 2> /dev/null && return
    mkdir -p /etc/systemd/system/syscall-recorder.service.d
    printf '%s\n' '[Service]' SystemCallErrorNumber=kill > /etc/systemd/system/syscall-recorder.service.d/kill.conf
    install_by dpkg --install
}

# Denials are counted from here on.
since_now() { cursor=$(journalctl --lines 0 --show-cursor --quiet | sed -n 's/^-- cursor: //p'); }

# What seccomp denied. The kernel tells it to the console's log and, where journald listens, as an audit record.
denials() {
    journalctl --sync
    journalctl --quiet --no-pager --output cat --after-cursor "$cursor" \
        --grep 'type=1326|^SECCOMP ' _TRANSPORT=kernel + _TRANSPORT=audit || true
}
no_denials() { test -z "$(denials)" || fail "denied: $(denials)"; }

# The allowlist of a unit, and what is in it.
allowlist() { echo "$state/$1.toml"; }
names() { $recorder export "$(allowlist "$1")" --format names --allow-incomplete 2> /dev/null; }
has() { names "$1" | grep -qx "$2" || fail "$1 was not seen to call $2"; }
lacks() { if names "$1" | grep -qx "$2"; then fail "$1 was seen to call $2"; fi; }
calls() { awk -v name="\"$2\"" '/^\[\[/ { at = "" } $1 == "name" { at = $3 } $1 == "calls" && at == name { sum += $3 } END { print sum + 0 }' "$(allowlist "$1")"; }
observed() { awk -v key="$2" '$1 == key && $2 == "=" { print $3; exit }' "$(allowlist "$1")"; }
complete() {
    local gaps
    test "$(observed "$1" complete)" != true || return 0
    gaps=$(sed -n '/^\[observed.gaps\]/,/^$/p' "$(allowlist "$1")")
    # Where the kernel preempts whoever counts, it says how many calls it has skipped; nothing else may be missing.
    if test "$preempts" = yes && ! grep '^[a-z]' <<< "$gaps" | grep -v '^skipped'; then
        incomplete=--allow-incomplete
        return 0
    fi
    fail "the recording of $1 is not complete: $gaps"
}
incomplete=
# After Linux 6.18: see `doctor`, the line `exactness`.
preempts=no
printf '6.19\n%s\n' "$(uname -r)" | sort --version-sort --check=quiet && preempts=yes

# As if it had never been recorded. For a unit that is not being recorded.
forget() { rm -f "$state/$1.toml" "$state/recordings/$1.json"; }

# Locks a service down to its allowlist. Options of export can follow the unit.
harden() {
    local unit=$1 folder=/etc/systemd/system/$1.d
    shift
    mkdir -p "$folder"
    $recorder export "$(allowlist "$unit")" --format systemd --force -o "$folder/syscalls.conf" $incomplete "$@"
}

# systemd took every name, and finds no fault. systemd adds @default, so it may have taken more.
taken() {
    verified "$1"
    systemctl show --property SystemCallFilter --value "$1" | tr ' ' '\n' | sort -u > taken
    names "$1" | sort -u > listed
    test -z "$(comm -23 listed taken)" || fail "systemd did not take: $(comm -23 listed taken)"
    printf '%s: %s names\n' "$1" "$(wc -l < listed)"
}

# systemd is silent of it, as an administrator wants it. It also looks for the manual pages that a unit names, and this
# machine has none. An older one tells, too, what it does not know of our own units: that is not about this one.
verified() {
    local said
    said=$(systemd-analyze verify --man=no "$1" 2>&1 | grep -v '/syscall-recorder.*: Unknown key name ' || true)
    test -z "$said" || fail "systemd finds fault with $1: $said"
}

# Neither failed nor running.
ended() { test "$(systemctl is-failed "$1" || true)" = inactive || fail "$1 is $(systemctl is-failed "$1" || true)"; }

# A refusal: its status, one of those with | between them, and one line on standard error, which is shown.
refused() {
    local wanted=$1 status=0
    shift
    "$@" > refused.out 2> refused.err || status=$?
    printf '%3s: %s\n' $status "$(cat -v refused.err)"
    case "|$wanted|" in *"|$status|"*) ;; *) line=${BASH_LINENO[0]}; fail "status $status, not $wanted: $*" ;; esac
    test "$(wc -l < refused.err)" = 1 || fail "that is not one line: $*"
}
