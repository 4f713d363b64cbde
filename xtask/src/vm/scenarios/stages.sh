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
verified nginx.service
since_now
typed systemctl restart nginx
life
test -z "$(told)" || fail "told although it was recorded: $(denials)"
for name in unshare mount bpf; do
    test "$(probed $name)" = "exited $(case $name in unshare) echo 0 ;; mount) echo 14 ;; bpf) echo 22 ;; esac)" || fail "$name was denied: $(probed $name)"
done
wanted=$(for name in unshare mount bpf; do echo "syscall=$(number $name)"; done | sort | tr '\n' ' ')
is_told() { test "$(told)" = "$wanted"; }
eventually is_told
denials | grep '^SECCOMP '
denials | grep -q 'code=0x7ffc0000' || fail "that was no SECCOMP_RET_LOG"
if denials | grep -v 'code=0x7ffc0000'; then fail "something was denied"; fi

step "stage errno: it fails, and says nothing"
since_now
typed syscall-recorder export nginx --stage errno --force -o $drop_in
typed systemctl daemon-reload
verified nginx.service
taken nginx.service
typed systemctl restart nginx
life
for name in unshare mount bpf; do test "$(probed $name)" = "exited 1" || fail "$name did not fail with EPERM"; done
no_denials

step "stage kill: it ends the process"
since_now
typed syscall-recorder export nginx --force -o $drop_in
cat $drop_in
typed systemctl daemon-reload
verified nginx.service
taken nginx.service
typed systemctl restart nginx
life
no_denials
for name in unshare mount bpf; do test "$(probed $name)" = "killed 31" || fail "$name did not end the process"; done
eventually is_told
rm -r ${drop_in%/*}

clean
