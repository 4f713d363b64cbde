# Enabled, the recording begins before the service does at boot.
. /payload/lib.sh
. /payload/nginx.sh

case $phase in
"")
    fresh
    installed
    step "systemctl enable syscall-recorder@nginx, and reboot"
    systemctl stop syscall-recorder@nginx nginx
    forget nginx.service
    systemctl enable nginx syscall-recorder@nginx
    cat /proc/sys/kernel/random/boot_id > /var/lib/machine/boot
    reboot_into booted
    ;;
booted)
    step "after the boot"
    test "$(cat /proc/sys/kernel/random/boot_id)" != "$(cat /var/lib/machine/boot)" || fail "it is the same boot"
    systemctl is-active syscall-recorder syscall-recorder@nginx nginx
    systemctl status --no-pager syscall-recorder@nginx
    requests

    step "what is known by now"
    systemctl reload syscall-recorder@nginx
    sed -n '/^\[observed\]/,/^\[\[/p' "$(allowlist nginx.service)"
    complete nginx.service
    test "$(observed nginx.service starts)" = 1 || fail "it was started $(observed nginx.service starts) times"
    sed -n '/^name = "execve"/,/^$/p' "$(allowlist nginx.service)"
    # ExecStartPre= and ExecStart=: not one of them is missing.
    test "$(calls nginx.service execve)" = 2 || fail "execve was counted $(calls nginx.service execve) times, not 2"
    for name in brk bind listen clone setuid prctl; do has nginx.service $name; done

    step "the allowlist of this boot holds at the next start"
    systemctl stop nginx
    systemctl stop syscall-recorder@nginx
    complete nginx.service
    since_now
    harden nginx.service
    systemctl daemon-reload
    systemctl start nginx
    requests
    no_denials
    systemctl disable nginx syscall-recorder@nginx
    clean
    ;;
esac
