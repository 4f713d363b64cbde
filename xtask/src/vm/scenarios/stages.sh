# From an nginx without a filter to one that is locked down, step by step, as docs/guide.md tells it: what it shows
# there is what this prints.
. /payload/lib.sh
. /payload/nginx.sh
fresh
installed
forget nginx.service
drop_in=/etc/systemd/system/nginx.service.d/syscalls.conf

# A command as it is typed, and what it says.
typed() { printf '$ %s\n' "$*"; "$@"; }

# The numbers of the calls that seccomp has told of, each once.
told() { denials | grep -Eo 'syscall=[0-9]+' | sort -u | tr '\n' ' '; }

step "record it"
typed systemctl start nginx
typed systemctl start syscall-recorder@nginx
typed systemctl restart nginx
life
typed syscall-recorder status nginx
typed systemctl stop syscall-recorder@nginx

step "review it"
typed syscall-recorder show nginx
test "$(observed nginx.service complete)" = false
sed -n '/^\[observed.gaps\]/,/^$/p' "$(allowlist nginx.service)"

step "stage log: nothing is denied"
mkdir -p ${drop_in%/*}
typed syscall-recorder export nginx --stage log -o $drop_in
cat $drop_in
typed systemctl daemon-reload
verified
since_now
typed systemctl restart nginx
life
test -z "$(told)" || fail "told although it was recorded: $(denials)"
for number in 272 165 321; do
    test "$(probed $number)" = "exited $(case $number in 272) echo 0 ;; 165) echo 14 ;; 321) echo 22 ;; esac)" || fail "$number was denied: $(probed $number)"
done
is_told() { test "$(told)" = 'syscall=165 syscall=272 syscall=321 '; }
eventually is_told
denials | grep '^SECCOMP '
denials | grep -q 'code=0x7ffc0000' || fail "that was no SECCOMP_RET_LOG"
if denials | grep -v 'code=0x7ffc0000'; then fail "something was denied"; fi

step "stage errno: it fails, and says nothing"
since_now
typed syscall-recorder export nginx --stage errno --force -o $drop_in
typed systemctl daemon-reload
verified
taken nginx.service
typed systemctl restart nginx
life
for number in 272 165 321; do test "$(probed $number)" = "exited 1" || fail "$number did not fail with EPERM"; done
no_denials

step "stage kill: it ends the process"
since_now
typed syscall-recorder export nginx --force -o $drop_in
cat $drop_in
typed systemctl daemon-reload
verified
taken nginx.service
typed systemctl restart nginx
life
no_denials
for number in 272 165 321; do test "$(probed $number)" = "killed 31" || fail "$number did not end the process"; done
eventually is_told
rm -r ${drop_in%/*}

clean
