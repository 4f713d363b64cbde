# What systemd does to set a service up is not the service's; all that the service's own processes do is.
. /payload/lib.sh
installed

install -d -m 755 /run/scenario
printf '%s required pam_permit.so\n' auth account session > /etc/pam.d/scenario

# A service with all that makes systemd work before it executes anything.
service() { cat > "/etc/systemd/system/$1.service"; }
sandbox='User=nobody
PrivateTmp=yes
ProtectSystem=strict
PrivateNetwork=yes'
# Not with Type=exec: systemd 252 waits for its (sd-pam) to close what tells it of the execve, and that never does.
pam() { test $1 = exec || echo PAMName=scenario; }

step "what is recorded of a service is what strace sees of its program"
for type in exec notify forking; do
    service "plain-$type" <<END
[Service]
Type=$type
$sandbox
$(pam $type)
RuntimeDirectory=plain-$type
PIDFile=/run/plain-$type/pid
ExecStart=$bin/life $type /run/plain-$type/pid
END
done
systemctl daemon-reload
syscall-recorder start 'plain-*'
systemctl start plain-exec plain-notify plain-forking
for type in exec notify forking; do
    eventually test -s /run/plain-$type/pid
    systemctl stop plain-$type
    ended plain-$type
done
syscall-recorder stop 'plain-*'

install -d -o nobody -m 755 strace
chmod 755 .
for type in exec notify forking; do
    NOTIFY_SOCKET=/run/systemd/notify strace -f -qq -u nobody -o trace $bin/life $type "$PWD/strace/pid" &
    tracer=$!
    eventually test -s strace/pid
    kill -TERM "$(cat strace/pid)"
    wait $tracer
    # A call that another one interrupts stands on two lines; exits and signals are no calls.
    sed -E 's/^[0-9]+ +//; /^[-+]/d; /^<\.\.\./d; s/\(.*//' trace | sort -u > strace-$type
    complete plain-$type.service
    for name in mount pivot_root unshare setgroups capset seccomp; do lacks plain-$type.service $name; done
    names plain-$type.service > recorded-$type
    same strace-$type recorded-$type
    printf 'Type=%-8s %s names, the same\n' $type "$(wc -l < recorded-$type)"
done

step "every command of a unit is recorded"
# Rare calls: nothing but the command that is given its number makes it.
service commands <<END
[Service]
Type=notify
$sandbox
$(pam notify)
RuntimeDirectory=commands
ExecStartPre=$bin/call $(number sched_getparam)
ExecStart=$bin/life notify /run/commands/pid
ExecStartPost=$bin/call $(number sched_getscheduler)
ExecReload=$bin/call $(number sched_get_priority_max)
ExecStop=$bin/call $(number sched_get_priority_min)
ExecStopPost=$bin/call $(number sched_rr_get_interval)
END
systemctl daemon-reload
systemctl start syscall-recorder@commands
systemctl start commands
eventually test -s /run/commands/pid
systemctl reload commands
systemctl stop commands
systemctl stop syscall-recorder@commands
complete commands.service
for name in sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval; do
    test "$(calls commands.service $name)" = 1 || fail "$name was counted $(calls commands.service $name) times, not once"
done
test "$(calls commands.service execve)" = 6 || fail "execve was counted $(calls commands.service execve) times, not 6"
for name in mount pivot_root unshare setgroups capset seccomp; do lacks commands.service $name; done
echo "ExecStartPre= ExecStart= ExecStartPost= ExecReload= ExecStop= ExecStopPost="

step "no process hides by what it does to itself"
mkdir -p /opt/scenario
cp $bin/disguise '/opt/scenario/(x)'
cp $bin/disguise /opt/scenario/systemd-executor
service disguise <<END
[Service]
Type=oneshot
$sandbox
$(pam oneshot)
ExecStart=$bin/disguise rename (x) $(number sched_getparam)
ExecStart=$bin/disguise rename systemd-executor $(number sched_getscheduler)
ExecStart=@$bin/disguise systemd-executor rename (systemd) $(number sched_get_priority_max)
ExecStart="/opt/scenario/(x)" rename (sd-pam) $(number sched_get_priority_min)
ExecStart=@/opt/scenario/systemd-executor (x) fork $(number sched_rr_get_interval)
ExecStart=$bin/disguise fork $(number getitimer)
ExecStart=$bin/disguise orphan $(number getpgid)
END
systemctl daemon-reload
systemctl start syscall-recorder@disguise
systemctl start disguise
systemctl stop syscall-recorder@disguise
complete disguise.service
for name in sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min \
    sched_rr_get_interval getitimer getpgid; do
    test "$(calls disguise.service $name)" = 1 || fail "$name was counted $(calls disguise.service $name) times, not once"
done
for name in mount pivot_root unshare setgroups capset seccomp; do lacks disguise.service $name; done
echo "renamed, forked, orphaned: all seen"

rm -rf /etc/systemd/system/{plain-*,commands,disguise}.service /etc/pam.d/scenario /opt/scenario
systemctl daemon-reload
