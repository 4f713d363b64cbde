# The whole story with the unit that a hardening exercise shows: Type=forking, ExecStartPre, PrivateTmp. Beside
# it, the same unit with the exercise's own hand-written filter.
. /payload/lib.sh
. /payload/nginx.sh
fresh
installed
since_now
unit=/etc/systemd/system/nginx.service

step "the unit without its filter line"
grep -v '^SystemCallFilter=' /payload/fixtures/nginx-hand-hardened.service > $unit
test "$(($(wc -l < /payload/fixtures/nginx-hand-hardened.service) - $(wc -l < $unit)))" = 1
systemctl daemon-reload
forget nginx.service

story
recorded="serves, and denies unshare, mount, ptrace and bpf"
rm -r $unit.d

step "the unit with its hand-written filter"
since_now
cp /payload/fixtures/nginx-hand-hardened.service $unit
systemctl daemon-reload
if systemctl start nginx; then fail "it starts: the hand-written filter is no worse than the recorded one"; fi
by_hand=$(systemctl show --property Result --value nginx)
is_denied() { test -n "$(denials)"; }
eventually is_denied
journalctl --no-pager --quiet --after-cursor "$cursor" --output cat --grep 'Failed to parse system call' | sort -u

printf '\nwritten by hand: nginx does not start (%s), killed at %s\n' "$by_hand" "$(denials | grep -Eo 'syscall=[0-9]+' | head -n 1)"
printf 'recorded:        nginx %s\n' "$recorded"
systemctl reset-failed nginx
clean
