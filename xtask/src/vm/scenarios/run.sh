# No daemon and no package: the bare program records Debian's own nginx by `run`, and locks its real service down.
. /payload/lib.sh
. /payload/nginx.sh
recorder=/payload/syscall-recorder
state=$PWD
fresh
since_now

step "this machine"
uname -r
systemctl --version | head -n 1

step "what run sees of a command is what strace sees of it"
$recorder run -- /bin/true
strace -f -qq -o trace /bin/true
sed -E 's/^[0-9]+ +//; s/\(.*//' trace | sort -u > by-strace
$recorder export true.toml --format names > by-us
same by-strace by-us
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
requests
inside /usr/sbin/nginx -g "$daemon" -s reload
sleep 1
serves
inside /usr/sbin/nginx -g "$daemon" -s reopen
sleep 1
requests
inside /sbin/start-stop-daemon --quiet --stop --retry QUIT/5 --pidfile /run/nginx.pid
wait $recording
test -z "$(find /sys/fs/cgroup -name 'syscall-recorder-run-*')" || fail "a cgroup was left behind"

step "lock the service down to it"
harden nginx.service
systemctl daemon-reload
taken nginx.service

step "it starts, serves, reloads, restarts and stops under its filter"
systemctl start nginx
requests
reload
systemctl restart nginx
requests
systemctl stop nginx
ended nginx
no_denials

step "what it was not seen to do is denied"
attack unshare
systemctl start nginx
serves
clean
