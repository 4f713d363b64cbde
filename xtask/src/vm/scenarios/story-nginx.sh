# The whole story, with Debian's own nginx.service.
. /payload/lib.sh
. /payload/nginx.sh
fresh
since_now

step "install"
install_by apt-get install --yes

story

step "what was new stands in the journal, each call once"
journal() { journalctl --sync; journalctl --quiet --no-pager "$@"; }
new_call=MESSAGE_ID=8ad66526a6974992922dd24fbeea88a2
gap=MESSAGE_ID=bdbbf072bd0d476194bc01adc3f2dc84
journal $new_call SYSCALL_RECORDER_UNIT=nginx.service --output cat --output-fields SYSCALL_RECORDER_CALL | sort > told
names nginx.service | sort > seen
same told seen
journal $new_call SYSCALL_RECORDER_UNIT=nginx.service SYSCALL_RECORDER_CALL=accept4 --output json > entry
for field in NUMBER=$(number accept4) ABI=$(uname -m) PROGRAMS=/usr/sbin/nginx; do
    grep -q "\"SYSCALL_RECORDER_${field%=*}\":\"${field#*=}\"" entry || fail "no $field: $(cat entry)"
done
grep -Eq '"SYSCALL_RECORDER_PHASE":"(start-up|later)"' entry || fail "no phase: $(cat entry)"

step "so do gaps, and a name that is made to forge fields forges none"
mkdir -p /srv/hostile
cp $bin/first $'/srv/hostile/a\nSYSCALL_RECORDER_UNIT=forged.service\e[31m\xe2\x80\xaeb'
printf '%s\n' '[Service]' "ExecStart=/bin/sh -c 'while :; do for file in /srv/hostile/*; do \"\$\$file\"; done; sleep 1; done'" \
    > /etc/systemd/system/hostile.service
systemctl daemon-reload
systemctl start hostile
syscall-recorder start hostile
is_told() { journal "$@" SYSCALL_RECORDER_UNIT=hostile.service --output json > entry && test -s entry; }
eventually is_told $new_call SYSCALL_RECORDER_CALL=getpgid
cat entry
program='/srv/hostile/a\\u{a}SYSCALL_RECORDER_UNIT=forged.service\\u{1b}[31m\\u{202e}b'
grep -qF "\"SYSCALL_RECORDER_PROGRAMS\":\"$program\"" entry || fail "the name is not spelled out"
test -z "$(journal SYSCALL_RECORDER_UNIT=forged.service)" || fail "a unit was forged"
journal SYSCALL_RECORDER_UNIT=hostile.service --output cat --all > messages
if LC_ALL=C tr -d '\n' < messages | LC_ALL=C grep -q '[[:cntrl:]]' || grep -q $'\xe2\x80\xae' messages; then fail "it is not spelled out"; fi
eventually is_told $gap SYSCALL_RECORDER_GAP=running_before
grep -q '"SYSCALL_RECORDER_COUNT":"1"' entry || fail "not counted: $(cat entry)"
syscall-recorder stop hostile
systemctl stop hostile
rm -r /srv/hostile /etc/systemd/system/hostile.service
forget hostile.service
clean
