# The package: installed, upgraded while it records a service under load, removed and purged.
. /payload/lib.sh
. /payload/nginx.sh
fresh
new=$PWD/new.deb

# Programs of the kind that the recorder loads (26 is BPF_PROG_TYPE_TRACING).
loaded() { $bin/programs | grep -c '^26 ' || true; }
left() {
    find / -xdev \( -path /payload -o -path /proc -o -path /sys -o -path /var/log -o -path /var/lib/dpkg -o -path "$PWD" \) -prune \
        -o -name '*syscall-recorder*' -print
    find /run /sys/fs/bpf -name '*syscall*recorder*' -not -path '/run/log/*' 2> /dev/null || true
}

step "install"
if dpkg-query --show syscall-recorder 2> /dev/null | grep -q '[0-9]$'; then dpkg --purge syscall-recorder; fi
test "$(loaded)" = 0 || fail "programs are loaded before there is a package: $($bin/programs)"
dpkg --install /payload/syscall-recorder.deb
eventually systemctl is-active --quiet syscall-recorder
systemctl is-enabled syscall-recorder.socket syscall-recorder.service
printf '%s programs are loaded\n' "$(loaded)"
test "$(loaded)" -gt 0

step "upgrade while nginx is recorded under load"
dpkg-deb --raw-extract /payload/syscall-recorder.deb unpacked
sed -i 's/^Version: .*/&+scenario/' unpacked/DEBIAN/control
dpkg-deb --build --root-owner-group unpacked "$new" > /dev/null
systemctl start syscall-recorder@nginx
systemctl start nginx
requests
bash -c 'while :; do curl --silent --output /dev/null http://localhost/; done' &
load=$!
old=$(systemctl show --property MainPID --value syscall-recorder)
dpkg --install "$new"
eventually systemctl is-active --quiet syscall-recorder
test "$(systemctl show --property MainPID --value syscall-recorder)" != "$old" || fail "the old daemon still runs"
dpkg-query --show syscall-recorder
systemctl is-active --quiet syscall-recorder@nginx || fail "the upgrade ended the recording"
systemctl reload syscall-recorder@nginx
before=$(calls nginx.service accept4)
requests
kill $load
systemctl reload syscall-recorder@nginx
after=$(calls nginx.service accept4)
printf 'accept4: %s calls at the upgrade, %s later\n' "$before" "$after"
test "$after" -gt "$before" || fail "nothing is recorded since the upgrade"
# What only the start makes, before the upgrade, is still known, and no moment of it is missing.
complete nginx.service
for name in bind listen; do has nginx.service $name; done
sed -n '/^\[observed\]/,/^\[\[/p' "$(allowlist nginx.service)"

step "remove"
dpkg --remove syscall-recorder
test "$(systemctl show --property ActiveState --value syscall-recorder)" = inactive
test "$(systemctl show --property ActiveState --value syscall-recorder@nginx)" = inactive
test ! -e /run/syscall-recorder/control.socket
test ! -e /usr/bin/syscall-recorder
test "$(loaded)" = 0 || fail "programs stay loaded: $($bin/programs)"
test -z "$(cat /proc/[0-9]*/comm 2> /dev/null | grep '^syscall-record' || true)" || fail "a process stays"
test -s "$(allowlist nginx.service)" || fail "the allowlist went with the program"
systemctl is-active --quiet nginx
page

step "purge"
dpkg --purge syscall-recorder
test -z "$(left)" || fail "left behind: $(left)"
test ! -e $state
if getent passwd syscall-recorder; then echo "the user stays, as the package says"; fi
test -z "$(systemctl list-units --all --no-legend 'syscall-recorder*')" || fail "systemd still knows: $(systemctl list-units --all --no-legend 'syscall-recorder*')"
systemctl stop nginx
