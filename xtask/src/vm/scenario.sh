# Runs inside the machine: records Debian's own nginx, and locks its real service down to what was seen.
set -Eeuo pipefail

step() { current=$*; printf '\n-- %s\n' "$*"; }
trap 'printf "\nSCENARIO FAILED at: %s (line %s)\n" "$current" "$LINENO"' ERR
trap 'sync' EXIT

fail() { echo "$*"; false; }
page() { curl --silent --show-error --fail http://localhost/ | grep -q 'Welcome to nginx'; }
serves() { for _ in $(seq 100); do page 2>/dev/null && return; sleep 0.2; done; page; }
denials() { journalctl --dmesg --no-pager --grep 'type=1326' --output cat || true; }

recorder=/payload/syscall-recorder
drop_in=/etc/systemd/system/nginx.service.d
cd "$(mktemp -d)"

step "this machine"
uname -r
systemctl --version | head -n 1
systemctl stop nginx

step "what run sees of a command is what strace sees of it"
$recorder run -- /bin/true
strace -f -qq -o trace /bin/true
sed -E 's/^[0-9]+ +//; s/\(.*//' trace | sort -u > by-strace
$recorder export true.toml --format names > by-us
diff by-strace by-us
wc -l < by-us

step "record nginx through the life of its service"
daemon='daemon on; master_process on;'
$recorder run --unit nginx.service -o nginx.service.toml -- /usr/sbin/nginx -g "$daemon" &
recording=$!
serves
cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(cat /run/nginx.pid)/cgroup")
# As systemd does for ExecStartPre=, ExecReload= and ExecStop=: in the service's cgroup.
inside() { bash -c 'echo $$ > "$0"/cgroup.procs; exec "$@"' "$cgroup" "$@"; }
inside /usr/sbin/nginx -t -q -g "$daemon"
page
curl --silent --output /dev/null http://localhost/missing
inside /usr/sbin/nginx -g "$daemon" -s reload
sleep 1
serves
inside /usr/sbin/nginx -g "$daemon" -s reopen
sleep 1
page
inside /sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
wait $recording
test -z "$(find /sys/fs/cgroup -name 'syscall-recorder-run-*')" || fail "a cgroup was left behind"

step "lock the service down to it"
mkdir -p $drop_in
$recorder export nginx.service.toml -o $drop_in/syscalls.conf
systemctl daemon-reload
# verify also looks for the manual pages that the unit names, and this machine has none.
if systemd-analyze verify nginx.service 2>&1 | grep -v "Command 'man "; then fail "systemd finds fault with it"; fi
# systemd adds @default; every name that we listed must be among those that it took.
systemctl show --property SystemCallFilter --value nginx | tr ' ' '\n' | sort -u > taken
$recorder export nginx.service.toml --format names > listed
test -z "$(comm -23 listed taken)" || fail "systemd did not take: $(comm -23 listed taken)"
wc -l < listed

step "it starts, serves, reloads, restarts and stops under its filter"
systemctl start nginx
serves
systemctl reload nginx
sleep 1
serves
systemctl restart nginx
serves
systemctl stop nginx
test "$(systemctl is-failed nginx || true)" = inactive
test -z "$(denials)" || fail "denied: $(denials)"

step "what it was not seen to do is denied"
printf '[Service]\nExecStartPre=/usr/bin/unshare --user /bin/true\n' > $drop_in/zz-attack.conf
systemctl daemon-reload
if systemctl start nginx 2>/dev/null; then fail "unshare was let through"; fi
systemctl show --property Result --value nginx
# unshare(2) is 272 on x86-64; its own number in the kernel's log tells that nothing earlier was denied.
denials | grep -q ' syscall=272 ' || fail "unshare was not what was denied: $(denials)"
rm $drop_in/zz-attack.conf
systemctl daemon-reload
systemctl reset-failed nginx
systemctl start nginx
serves

printf '\nSCENARIO PASSED\n'
