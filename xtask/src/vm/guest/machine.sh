# Runs inside the machine, at every boot: one scenario after the other, until the queue is empty. The queue and
# a scenario's phase are on the machine's disk, so that a scenario can reboot in its middle.
set -u
state=/var/lib/machine
export PHASE_FILE=$state/phase
mkdir -p $state
test -e $state/queue || cp /payload/queue $state/queue

while read -r name patience < $state/queue; do
    printf '\n==== %s\n' "$name"
    timeout --kill-after=10 "$patience" bash "/payload/scenarios/$name.sh" < /dev/null
    status=$?
    # What dpkg, systemd and a scenario agree on: 75 is "not yet".
    if [ $status = 75 ]; then
        printf '==== rebooting in the middle of %s\n' "$name"
        # From systemd 262 on, what is ended by the reboot has failed.
        mkdir -p /run/systemd/system/machine.service.d
        printf '[Unit]\nFailureAction=none\n' > /run/systemd/system/machine.service.d/reboot.conf
        systemctl daemon-reload
        systemctl reboot
        exit 0
    fi
    if [ $status = 0 ]; then
        printf '\n==== passed %s\n' "$name"
    else
        test $status != 124 -a $status != 137 || printf '\nfailed: it was not done in %s seconds\n' "$patience"
        printf '\n-- the last of the journal\n'
        journalctl --no-pager --output short-monotonic --lines 120
        printf '\n==== failed %s (status %s)\n' "$name" $status
    fi
    rm -f $PHASE_FILE
    sed -i 1d $state/queue
done

if [ -e /payload/keep ]; then
    printf '\n==== kept: systemctl poweroff ends it\n'
    tty=/dev/$(cat /sys/class/tty/console/active)
    cd /root && exec setsid bash -i < "$tty" > "$tty" 2>&1
fi
printf '\n==== done\n'
sync
systemctl poweroff --force
