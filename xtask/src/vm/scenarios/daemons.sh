# The same round trip for other daemons of Debian, each of another kind, each used by its own client:
#   dnsmasq   Type=forking with a PID file; shell scripts before, after and at its end
#   redis     Type=notify, User=, PrivateTmp=, PrivateDevices=, ProtectSystem=strict, and a filter already
#   memcached a sandbox, and a wrapper script that drops privileges
#   fcgiwrap  started by its socket
#   haproxy   Type=notify; a master that executes itself anew at each reload
#   chrony    Type=forking, drops privileges, and installs a seccomp filter of its own
. /payload/lib.sh
since_now
units="dnsmasq redis-server memcached fcgiwrap haproxy chrony"

prepare_dnsmasq() {
    mkdir -p /srv/tftp
    head -c 200000 /dev/urandom > /srv/tftp/file
    printf '%s\n' port=5353 listen-address=127.0.0.1 bind-interfaces no-resolv enable-tftp \
        tftp-root=/srv/tftp address=/example.test/192.0.2.7 addn-hosts=/srv/names > /etc/dnsmasq.d/scenario.conf
    touch /srv/names
}
use_dnsmasq() {
    test "$(drill -Q -p 5353 example.test @127.0.0.1)" = 192.0.2.7
    drill -t -p 5353 example.test @127.0.0.1 | grep -q 192.0.2.7
    drill -p 5353 absent.invalid @127.0.0.1 | grep -q 'rcode: '
    curl --silent --show-error --output file tftp://127.0.0.1/file
    same file /srv/tftp/file
}
# Over when it answers from the file that it reads only then.
reload_dnsmasq() {
    reloads=$((${reloads:-0} + 1))
    echo "192.0.2.$reloads reloaded.test" > /srv/names
    systemctl reload dnsmasq
    answers() { test "$(drill -Q -p 5353 reloaded.test @127.0.0.1)" = "192.0.2.$reloads"; }
    eventually answers
}

prepare_redis_server() { :; }
use_redis_server() {
    test "$(redis-cli ping)" = PONG
    test "$(redis-cli set key value)" = OK
    test "$(redis-cli get key)" = value
    test "$(redis-cli eval 'return redis.call("incr", "count")' 0)" -ge 1
    head -c 300000 /dev/zero | tr '\0' x | redis-cli -x set large > /dev/null
    test "$(redis-cli strlen large)" = 300000
    redis-cli save
    redis-cli bgsave
    eventually idle rdb_bgsave_in_progress
    redis-cli bgrewriteaof
    eventually idle aof_rewrite_in_progress
    test "$(redis-cli unlink large)" = 1
}
idle() { redis-cli info persistence | grep -q "^$1:0"; }

prepare_memcached() { :; }
use_memcached() {
    local said
    exec 3<> /dev/tcp/127.0.0.1/11211
    printf 'set key 0 60 5\r\nvalue\r\nget key\r\nincr none 1\r\nflush_all\r\nstats\r\nquit\r\n' >&3
    said=$(tr -d '\r' <&3)
    exec 3>&-
    for line in STORED 'VALUE key 0 5' value NOT_FOUND OK END; do grep -qx "$line" <<< "$said"; done
}

prepare_fcgiwrap() {
    printf '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nhello %%s" "$QUERY_STRING"\ncat\n' > /srv/hello
    chmod 755 /srv/hello
    systemctl start fcgiwrap.socket
}
use_fcgiwrap() {
    echo body | SCRIPT_FILENAME=/srv/hello REQUEST_METHOD=POST CONTENT_LENGTH=5 QUERY_STRING=you \
        cgi-fcgi -bind -connect /run/fcgiwrap.socket > said
    grep -q 'hello youbody' said
}

prepare_haproxy() {
    printf '%s\n' 'frontend front' '    mode http' '    bind 127.0.0.1:8080' '    default_backend back' \
        'backend back' '    mode http' '    server one 127.0.0.1:8081' 'frontend stats' '    mode http' \
        '    bind 127.0.0.1:8081' '    stats enable' '    stats uri /' >> /etc/haproxy/haproxy.cfg
}
use_haproxy() {
    eventually curl --silent --fail --output said http://127.0.0.1:8080/
    grep -q 'Statistics Report' said
    test "$(curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:8080/ -X BAD/METHOD)" -ge 400
}
# The master executes itself, and takes the listening sockets over from the old worker.
reload_haproxy() { renew haproxy; }

prepare_chrony() {
    printf '%s\n' 'local stratum 8' 'allow 127.0.0.1' >> /etc/chrony/chrony.conf
}
use_chrony() {
    chronyc -n tracking | grep -q '^Stratum'
    chronyc -n clients | grep -q 127.0.0.1
    chronyc -n sources > /dev/null
    chronyc -n makestep | grep -q '200 OK'
    # As a client of the server's own port.
    chronyd -Q -t 20 'server 127.0.0.1 iburst maxsamples 1' 2>&1 | grep -q 'System clock wrong by'
}

# What of it every daemon goes through, recorded and later filtered.
life() {
    local unit use=use_${1//-/_}
    unit=$1.service
    # One that a socket starts is started by its use.
    test "$1" = fcgiwrap || systemctl start "$unit"
    eventually "$use"
    "$use"
    if [ "$(systemctl show --property CanReload --value "$unit")" = yes ]; then
        # To its end, which each has in another way: systemd does not wait for it.
        "reload_${1//-/_}"
        eventually "$use"
    fi
    systemctl restart "$unit"
    eventually "$use"
    systemctl is-active --quiet "$unit" || fail "$unit does not run"
    systemctl stop "$unit"
    ended "$unit"
    printf '%-12s started, used, restarted, used, stopped\n' "$1"
}

step "six daemons, not recorded"
installed
for unit in $units; do "prepare_${unit//-/_}"; done

step "syscall-recorder start $units"
# shellcheck disable=SC2086
syscall-recorder start $units
for unit in $units; do life "$unit"; done
# shellcheck disable=SC2086
syscall-recorder stop $units

step "lock each down to its allowlist"
for unit in $units; do
    test -s "$(allowlist "$unit.service")" || fail "there is no allowlist of $unit"
    for name in execve exit_group; do has "$unit.service" $name; done
    printf '%-12s complete = %s, starts = %s\n' "$unit" "$(observed "$unit.service" complete)" "$(observed "$unit.service" starts)"
    test "$(observed "$unit.service" starts)" = 2 || fail "it was started twice"
done
for unit in dnsmasq fcgiwrap haproxy; do
    complete $unit.service
    harden $unit.service
done
# The others have a filter already, by SystemCallFilter=, RestrictNamespaces= and the like, and say so: nobody gets
# a profile of that unasked.
for unit in redis-server memcached chrony; do
    refused 65 $recorder export "$(allowlist $unit.service)" --format systemd -o denied.conf
    test ! -e denied.conf
    harden $unit.service --allow-incomplete
    grep '^# INCOMPLETE: ' /etc/systemd/system/$unit.service.d/syscalls.conf
done
systemctl daemon-reload
for unit in $units; do taken "$unit.service"; done
# A sandbox is systemd's work, not the service's.
for name in mount pivot_root unshare; do for unit in $units; do lacks "$unit.service" $name; done; done

step "each does all that under its filter"
since_now
for unit in $units; do life "$unit"; done
no_denials

for unit in $units; do rm -r "/etc/systemd/system/$unit.service.d"; done
systemctl stop fcgiwrap.socket
systemctl daemon-reload
