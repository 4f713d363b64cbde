# 300 services at once by a glob. Each makes its own choice of ten rare calls, so that a call of one in another's
# allowlist shows. Half of them exist before they are asked for, half come later.
. /payload/lib.sh
installed
count=300
# Numbers and names, in the order of the names.
numbers=(36 121 252 239 324 143 145 146 147 148)
names=(getitimer getpgid ioprio_get get_mempolicy membarrier sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval)

# The calls of service $1 are those whose bits are set in it.
choice() {
    local -n of=$1
    local bit
    for bit in "${!of[@]}"; do if (($2 >> bit & 1)); then printf '%s\n' "${of[bit]}"; fi; done
}
make() {
    local one
    for ((one = $1; one <= $2; one++)); do
        printf '[Service]\nType=oneshot\nExecStart=%s/call %s\n' $bin "$(choice numbers $one | tr '\n' ' ')" \
            > /etc/systemd/system/many-$one.service
        { printf '%s\n' execve exit_group; choice names $one; } | sort > expected-$one
    done
    systemctl daemon-reload
}
figures() {
    local pid
    pid=$(systemctl show --property MainPID --value syscall-recorder)
    printf 'the daemon, %s: %s kB resident, %s, %s\n' "$1" "$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" \
        "$(systemctl show --property MemoryCurrent syscall-recorder)" "$(systemctl show --property CPUUsageNSec syscall-recorder)"
}

step "syscall-recorder start 'many-*.service'"
figures "before"
make 1 $((count / 2))
syscall-recorder start 'many-*.service'
make $((count / 2 + 1)) $count

step "$count services are started at once"
begun=$SECONDS
eval "systemctl start many-{1..$count}.service"
printf 'started in %s s\n' $((SECONDS - begun))
figures "after the starts"
status=0
syscall-recorder status > status || status=$?
test $status = 0
tail -n 3 status

step "each has its own allowlist, and no other's call is in it"
begun=$SECONDS
syscall-recorder stop 'many-*.service' > stopped
printf 'stopped in %s s\n' $((SECONDS - begun))
figures "after the last reading"
wrong=0
for ((one = 1; one <= count; one++)); do
    file=$(allowlist many-$one.service)
    # As `export --format names` would, without 300 processes more.
    awk '/^\[allow\]/ { on = 1 } /^\[unnamed\]/ { on = 0 } on && /^    "/ { gsub(/[ ",]/, ""); print }' "$file" > seen || fail "there is no $file"
    if ! cmp -s seen expected-$one; then
        wrong=$((wrong + 1))
        diff --unified expected-$one seen || true
    fi
    test "$(observed many-$one.service starts)" = 1 || fail "many-$one has $(observed many-$one.service starts) starts"
    grep -qx 'complete = true' "$file" || fail "the recording of many-$one is not complete"
done
test $wrong = 0 || fail "$wrong of $count allowlists are wrong"
names many-77.service > seen
same expected-77 seen
printf '%s allowlists, all right\n' $count

rm -f /etc/systemd/system/many-*.service $state/many-*.toml $state/recordings/many-*.json
systemctl daemon-reload
