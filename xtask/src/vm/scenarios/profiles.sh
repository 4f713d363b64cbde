# What export makes of one recording beside a plain drop-in, and what systemd makes of that: the whole unit file,
# systemd's sets, siblings.
. /payload/lib.sh
. /payload/nginx.sh
fresh
installed
forget nginx.service
drop_in=/etc/systemd/system/nginx.service.d/syscalls.conf

step "record it"
systemctl start syscall-recorder@nginx
systemctl start nginx
life
systemctl stop syscall-recorder@nginx
complete nginx.service

step "the whole unit file"
since_now
theirs=/lib/systemd/system/nginx.service ours=/etc/systemd/system/nginx.service
syscall-recorder export nginx --format unit -o own.service
syscall-recorder export nginx --format unit --unit-file $theirs -o $ours
same own.service $ours
if diff $theirs $ours > changed; then fail "nothing has changed"; fi
if grep '^<' changed; then fail "something of the unit's own is gone"; fi
systemctl daemon-reload
verified nginx.service
taken nginx.service
systemctl restart nginx
life
no_denials
test "$(probed unshare)" = "killed 31" || fail "unshare was let through"
rm -r $ours ${drop_in%/*}

step "systemd's sets, and siblings"
for options in "--sets --share 0.5" --with-siblings; do
    since_now
    # shellcheck disable=SC2086
    harden nginx.service $options
    systemctl daemon-reload
    verified nginx.service
    taken nginx.service
    printf '%-38s %s lines, %s\n' "$options" "$(grep -c '^SystemCallFilter=.' $drop_in)" \
        "$(grep -Eo '^SystemCallFilter=@.*' $drop_in | tr '\n' ' ')"
    systemctl restart nginx
    requests
    no_denials
    case $options in
    --sets*) grep -qx 'SystemCallFilter=@network-io' $drop_in ;;
    *) grep -q '^SystemCallFilter=.*clone3' $drop_in ;;
    esac
done
test "$(probed unshare)" = "killed 31" || fail "unshare was let through"
clean
