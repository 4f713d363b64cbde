# The daemon under its own eyes: what it is seen to call, without any filter, is in the filter that it ships. All other
# scenarios run under that filter, and with `installed` a denied call ends the daemon.
. /payload/lib.sh

unit=syscall-recorder.service
folder=/etc/systemd/system/$unit.d

step "without any setting that makes a filter, and wanted by its own configuration"
installed
systemctl show --property SystemCallFilter --value $unit | tr ' ' '\n' | sort -u > shipped
mkdir -p $folder
printf '%s\n' '[Service]' SystemCallFilter= SystemCallErrorNumber= SystemCallArchitectures= RestrictNamespaces=no \
    MemoryDenyWriteExecute=no RestrictAddressFamilies= LockPersonality=no RestrictRealtime=no RestrictSUIDSGID=no \
    ProtectClock=no ProtectKernelModules=no ProtectKernelTunables=no ProtectKernelLogs=no ProtectHostname=no PrivateDevices=no \
    > $folder/unfiltered.conf
cp /etc/syscall-recorder/config.toml config.before
printf '%s\n' 'units = ["syscall-recorder.service"]' 'flush_seconds = 1' > /etc/syscall-recorder/config.toml
systemctl daemon-reload
systemctl restart syscall-recorder
systemctl restart syscall-recorder

step "all that it is there for"
systemctl start syscall-recorder@nginx
systemctl restart nginx
curl --silent --output /dev/null http://127.0.0.1/
$recorder start 'n*.service'
$recorder start --cgroup /system.slice
$recorder status > /dev/null
$recorder status nginx --json > /dev/null
$recorder snapshot nginx
$recorder show nginx > /dev/null
$recorder export nginx > /dev/null
refused 66 $recorder stop nothing
systemctl reload syscall-recorder@nginx
$recorder stop 'n*.service'
$recorder stop /system.slice
# Not by reload: its shell would be in the recording, and runs without the filter.
systemctl kill --signal=HUP syscall-recorder

step "restarts, a kill, an orderly end"
systemctl restart syscall-recorder
systemctl kill --signal=KILL syscall-recorder
eventually $recorder status > /dev/null
systemctl stop syscall-recorder@nginx
forget nginx.service

step "a state that is not as it should be"
echo garbage > $state/recordings/garbage.service.json
chown syscall-recorder: $state/recordings/garbage.service.json
systemctl restart syscall-recorder
rm $state/recordings/garbage*
mount -t tmpfs -o size=64k,mode=0755 none $state
chown syscall-recorder: $state
systemctl restart syscall-recorder
$recorder snapshot $unit > /dev/null || true
dd if=/dev/zero of=$state/filler bs=1k count=100 2> /dev/null || true
$recorder snapshot $unit > /dev/null || true
rm $state/filler
eventually $recorder snapshot $unit > /dev/null
cp $state/$unit.toml seen.toml
systemctl stop syscall-recorder
umount $state

step "its filter allows all of that"
cat seen.toml
$recorder export seen.toml --format names | sort -u > seen
printf 'seen: %s\n' "$(tr '\n' ' ' < seen)"
printf 'allowed, not seen here: %s\n' "$(comm -13 seen shipped | tr '\n' ' ')"
missing=$(comm -23 seen shipped)
test -z "$missing" || fail "its filter would deny: $(echo $missing)"

cp config.before /etc/syscall-recorder/config.toml
rm $folder/unfiltered.conf
forget $unit
systemctl daemon-reload
systemctl restart syscall-recorder
