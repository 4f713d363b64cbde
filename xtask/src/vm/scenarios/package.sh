# The package: installed, upgraded and downgraded while it records a service under load, removed and purged.
. /payload/lib.sh
. /payload/nginx.sh
fresh
pins=/sys/fs/bpf/syscall-recorder

# The same package under another version.
as_version() {
    rm -rf unpacked
    dpkg-deb --raw-extract /payload/syscall-recorder.deb unpacked
    sed -i "s/^Version: .*/Version: $1/" unpacked/DEBIAN/control
    dpkg-deb --build --root-owner-group unpacked "$1.deb" > /dev/null
}
# Puts it in the place of what is installed, while nginx is recorded.
replace_by() {
    local old
    as_version "$1"
    old=$(systemctl show --property MainPID --value syscall-recorder)
    dpkg --install "$1.deb"
    eventually systemctl is-active --quiet syscall-recorder
    test "$(systemctl show --property MainPID --value syscall-recorder)" != "$old" || fail "the old daemon still runs"
    dpkg-query --show syscall-recorder | grep -qF "$1" || fail "it is not $1: $(dpkg-query --show syscall-recorder)"
    systemctl is-active --quiet syscall-recorder@nginx || fail "that ended the recording"
    systemctl reload syscall-recorder@nginx
}
# More calls are recorded from here on.
goes_on() {
    local before after
    before=$(calls nginx.service accept4)
    requests
    systemctl reload syscall-recorder@nginx
    after=$(calls nginx.service accept4)
    printf 'accept4: %s calls, then %s\n' "$before" "$after"
    test "$after" -gt "$before" || fail "nothing is recorded since"
}
# Programs of the kind that the recorder loads (26 is BPF_PROG_TYPE_TRACING).
loaded() { $bin/programs | grep -c '^26 ' || true; }
# The kernel lets go of programs in its own time.
as_many() { test "$(loaded)" = "$attached"; }
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
attached=$(loaded)
printf '%s programs are loaded\n' "$attached"
test "$attached" -gt 0

step "upgrade while nginx is recorded under load"
systemctl enable syscall-recorder@nginx
systemctl start syscall-recorder@nginx
systemctl start nginx
requests
bash -c 'while :; do curl --silent --output /dev/null http://localhost/; done' &
load=$!
replace_by "$(dpkg-query --show --showformat '${Version}' syscall-recorder)+scenario"
goes_on
# What only the start makes, before the upgrade, is still known, and no moment of it is missing.
complete nginx.service
for name in bind listen; do has nginx.service $name; done

step "downgrade"
replace_by 0.0.2
goes_on
complete nginx.service
for name in bind listen; do has nginx.service $name; done
eventually as_many

step "downgrade from what keeps its counts in another way: that is not taken over, and the recording says so"
mv $pins/layout-* $pins/layout-99
replace_by 0.0.1
goes_on
kill $load
test "$(observed nginx.service complete)" = false || fail "a gap is not told"
sed -n '/^\[observed/,/^\[\[/p' "$(allowlist nginx.service)"
for name in bind listen; do has nginx.service $name; done
eventually as_many
test ! -e $pins/layout-99

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
# The configuration, what was recorded, and what an administrator has enabled; nothing else.
left
test -z "$(left | grep -v -e '^/etc/' -e '^/var/lib/' || true)" || fail "left behind: $(left)"

step "purge"
# What `installed` has put there is not the package's.
rm -rf /etc/systemd/system/syscall-recorder.service.d
systemctl daemon-reload
dpkg --purge syscall-recorder
test -z "$(left)" || fail "left behind: $(left)"
test ! -e $state
if getent passwd syscall-recorder; then echo "the user stays, as the package says"; fi
test -z "$(systemctl list-units --all --no-legend 'syscall-recorder*')" || fail "systemd still knows: $(systemctl list-units --all --no-legend 'syscall-recorder*')"
systemctl stop nginx
