# Calls by the 32-bit ABI are counted as such, apart from the native ones of the same number.
. /payload/lib.sh
installed
native=$(uname -m)
case $native in x86_64) compat=i386 ;; aarch64) compat=arm ;; esac

# In both 32-bit ABIs number 20 is getpid, and in neither of the native ones.
cat > /etc/systemd/system/compat@.service <<END
[Service]
Type=oneshot
ExecStart=$bin/call 20 20 20
ExecStart=$bin/32/call 20 20 20 20 20
END
systemctl daemon-reload
units=$(printf 'compat@%s.service ' {1..8})

step "what strace sees of the two programs"
# Whoever executes a 32-bit program is not one.
seen() {
    local abi=$1
    shift
    strace -qq -o trace "$@"
    sed -nE 's/^([a-z0-9_]+)\(.*/\1/p' trace | awk -v native="$native" -v abi="$abi" '{ print $1 == "execve" ? native : abi, $1 }'
}
{ seen "$native" $bin/call 20 20 20; seen $compat $bin/32/call 20 20 20 20 20; } | sort | uniq -c | awk '{ print $2, $3, $1 }' > wanted
cat wanted
grep -qx "$compat getpid 5" wanted
if grep -q "^$native getpid " wanted; then fail "strace does not tell them apart"; fi

step "is what is recorded of each service that runs both"
syscall-recorder start 'compat@*'
# shellcheck disable=SC2086
systemctl start $units
syscall-recorder stop 'compat@*'
for unit in $units; do
    complete "$unit"
    # Of each call its ABI, its name, and how often.
    awk '/^\[\[/ { abi = name = "" } $1 == "abi" { abi = $3 } $1 == "name" { name = $3 } $1 == "calls" { print abi, name, $3 }' \
        "$(allowlist "$unit")" | tr -d '"' | sort > recorded
    same wanted recorded
done
sed -n '/^\[allow/,/^$/p' "$(allowlist "$unit")"

step "it runs under its filter, which leaves that ABI open"
since_now
harden "$unit"
systemctl daemon-reload
taken "$unit"
systemctl show --property SystemCallArchitectures "$unit"
systemctl start "$unit"
no_denials

rm -r /etc/systemd/system/compat@*
systemctl daemon-reload
for unit in $units; do forget "$unit"; done
