# What is wrong is refused: by one line that says what, and by the right status.
. /payload/lib.sh
installed

step "names"
long=$(printf 'a%.0s' {1..300})
refused 66 syscall-recorder start no-such-unit
refused 2 syscall-recorder start ../x
refused 2 syscall-recorder start ../x.service
# To systemd that is a good name, of a unit that is not there.
refused '2|66' syscall-recorder start ...service
refused 2 syscall-recorder start "$long"
refused 2 syscall-recorder start $'a\tb\e[2J'
refused 2 syscall-recorder start $'a\nb'
refused 2 syscall-recorder start ''
refused 2 syscall-recorder start a/b
for verb in stop snapshot status; do refused 2 syscall-recorder $verb ../x; done
test -z "$(cat -v refused.err | grep -F '^[' || true)"
refused '2|66' syscall-recorder start --cgroup ../../etc
refused '2|66' syscall-recorder start --cgroup /no/such/cgroup
# Nothing of it came to a file.
test -z "$(find / -xdev -name 'x.service.toml' -o -xdev -name '*.service.toml' -path '*%*' 2> /dev/null)"

step "the order of things"
refused 66 syscall-recorder stop nginx
refused 66 syscall-recorder snapshot nginx
refused 66 syscall-recorder status nginx
syscall-recorder start nginx
syscall-recorder start nginx > said 2>&1 || fail "a second start fails"
cat said
test "$(wc -l < said)" = 1 && grep -q 'already' said
syscall-recorder stop nginx
refused 66 syscall-recorder stop nginx
if systemctl start syscall-recorder@no-such-unit; then fail "an instance for no unit is started"; fi
systemctl reset-failed

step "rights"
nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
refused 77 nobody syscall-recorder start nginx
refused 77 nobody syscall-recorder stop nginx
nobody syscall-recorder status

step "the config"
good=/etc/syscall-recorder/config.toml
syscall-recorder daemon --check-config
syscall-recorder daemon --check-config --config $good
{ cat $good; printf '\nno_such_key = 1\n'; } > bad.toml
refused 78 syscall-recorder daemon --check-config --config bad.toml
grep -q no_such_key refused.err || fail "it does not name the key"
echo 'units = [' > bad.toml
refused 78 syscall-recorder daemon --check-config --config bad.toml
refused 78 syscall-recorder daemon --check-config --config /no/such/file

step "no daemon"
systemctl stop syscall-recorder.socket syscall-recorder.service
for verb in "start nginx" "stop nginx" status "snapshot nginx"; do
    # shellcheck disable=SC2086
    refused 69 syscall-recorder $verb
    grep -q 'systemctl start syscall-recorder' refused.err || fail "it does not name the mend"
done
systemctl start syscall-recorder.socket syscall-recorder.service
syscall-recorder status
