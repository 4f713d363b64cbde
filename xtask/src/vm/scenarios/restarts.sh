# A program whose first instruction is a rare call and that ends at once, started 1,000 times under load: not one
# call is missing, and none is counted twice. systemd itself restarts it, and stops at its own limit.
. /payload/lib.sh
installed
starts=1000

step "a service that lasts for three system calls"
cat > /etc/systemd/system/first.service <<END
[Unit]
StartLimitIntervalSec=1d
StartLimitBurst=$starts

[Service]
ExecStart=$bin/first
StandardOutput=append:/run/first.out
Restart=always
RestartSec=0
END
systemctl daemon-reload
rm -f /run/first.out
systemctl start syscall-recorder@first

step "$starts starts, with something else to do on each processor"
loads=()
for _ in $(seq "$(nproc)"); do nice -n 5 bash -c 'while :; do :; done' & loads+=($!); done
systemctl start first
limit() { test "$(systemctl show --property Result --value first)" = start-limit-hit; }
while ! limit; do sleep 2; done
kill "${loads[@]}"
made=$(stat --format %s /run/first.out)
test "$made" = $starts || fail "it ran $made times"
printf 'it ran %s times, NRestarts=%s\n' "$made" "$(systemctl show --property NRestarts --value first)"

step "all of them were seen"
systemctl stop syscall-recorder@first
complete first.service
for name in getpgid execve write exit_group; do
    counted=$(calls first.service $name)
    printf '%-10s %s\n' $name "$counted"
    test "$counted" = $starts || fail "$name was counted $counted times, not $starts"
done
test "$(observed first.service starts)" = $starts || fail "$(observed first.service starts) starts were counted, not $starts"
printf '%s\n' execve exit_group getpgid write > expected
names first.service > seen
same expected seen

rm /etc/systemd/system/first.service
systemctl daemon-reload
