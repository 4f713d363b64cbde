# A life of nginx, as an administrator gives it. For scenarios that have read lib.sh.

page() { curl --silent --show-error --fail http://localhost/ 2> page.err | grep -q 'Welcome to nginx'; }
serves() { eventually page; }

requests() {
    serves
    test "$(curl --silent --output /dev/null --write-out '%{http_code}' http://localhost/missing)" = 404
    curl --silent --head http://localhost/ | grep -q '^Server: nginx'
    curl --silent http://localhost/ http://localhost/ --output one --output two
    same one two
    curl --silent --output large http://localhost/large.bin
    same large /var/www/html/large.bin
}

reload() {
    renew nginx
    serves
}

# As logrotate does it every night: the files move, the signal makes nginx open new ones.
rotate() {
    logrotate --force /etc/logrotate.d/nginx
    page_is_logged() { page && test -s /var/log/nginx/access.log; }
    eventually page_is_logged
}

life() {
    requests
    reload
    rotate
    requests
    systemctl stop nginx
    ended nginx
    systemctl start nginx
    requests
    systemctl restart nginx
    requests
}

large_page() { test -s /var/www/html/large.bin || head -c 3000000 /dev/urandom > /var/www/html/large.bin; }

# Debian's nginx, as if it had just been installed: a scenario that failed may have left a unit of its own, and
# its lines would be counted as this one's.
fresh() {
    clean
    grep -q 'Welcome to nginx' /var/www/html/index.nginx-debian.html
    large_page
}

# The checklist says that a reload is still to come.
no_reload() { syscall-recorder status nginx | grep -q 'its ExecReload= was not seen to run'; }

# Recording to hardening: the whole story, for whatever nginx.service there is.
story() {
    step "systemctl start syscall-recorder@nginx"
    systemctl start syscall-recorder@nginx
    systemctl status --no-pager syscall-recorder
    systemctl status --no-pager syscall-recorder@nginx

    step "days of normal life"
    systemctl restart nginx
    eventually no_reload
    life
    systemctl status --no-pager syscall-recorder
    systemctl status --no-pager syscall-recorder@nginx
    syscall-recorder status nginx
    if no_reload; then fail "its reload was not seen"; fi

    step "systemctl stop syscall-recorder@nginx"
    systemctl stop syscall-recorder@nginx
    test -s "$(allowlist nginx.service)" || fail "there is no $(allowlist nginx.service)"
    sed -n '/^\[observed\]/,/^\[\[/p' "$(allowlist nginx.service)"
    complete nginx.service
    for name in execve bind listen accept4 clone setuid exit_group; do has nginx.service $name; done
    for name in unshare mount ptrace bpf pivot_root; do lacks nginx.service $name; done
    printf '\n==== says Linux %s, systemd %s, libc %s, nginx %s: %s names of %s calls\n' "$(uname -r)" \
        "$(systemctl --version | sed -n '1s/^systemd \([^ ]*\).*/\1/p')" "$(ldd --version | sed -n '1s/.* //p')" \
        "$(nginx -v 2>&1 | sed 's,.*/,,')" "$(names nginx.service | wc -l)" \
        "$(awk '$1 == "calls" { sum += $3 } END { print sum }' "$(allowlist nginx.service)")"
    printf '==== says %s\n' "$(names nginx.service | tr '\n' ' ')"

    step "lock the service down to it"
    harden nginx.service
    systemctl daemon-reload
    taken nginx.service

    step "it starts, serves, reloads, restarts and stops under its filter"
    systemctl restart nginx
    life
    systemctl stop nginx
    ended nginx
    no_denials

    step "what it was not seen to do is denied"
    attack unshare
    attack mount
    attack ptrace
    attack bpf
    systemctl start nginx
    requests
    systemctl stop nginx
}

# The service makes this call at its start. The number in the kernel's log tells that it was this one
# that was denied, and nothing earlier.
attack() {
    local drop_in=/etc/systemd/system/nginx.service.d/zz-attack.conf
    since_now
    printf '[Service]\nExecStartPre=%s/call %s\n' $bin "$(number "$1")" > $drop_in
    systemctl daemon-reload
    if systemctl start nginx 2> attack.err; then fail "$1 was let through"; fi
    is_denied() { denials | grep -Eo 'syscall=[0-9]+' | sort -u > denied && test -s denied; }
    eventually is_denied
    test "$(cat denied)" = "syscall=$(number "$1")" || fail "$1 was not what was denied: $(denials)"
    printf '%-8s denied, the service is not started: %s\n' "$1" "$(systemctl show --property Result --value nginx)"
    rm $drop_in
    systemctl daemon-reload
    systemctl reset-failed nginx
}

# nginx starts with one more command before it, which makes a call that was never seen. How that command ended:
# "exited 0".
probed() {
    local probe=/etc/systemd/system/nginx.service.d/zz-probe.conf
    mkdir -p "${probe%/*}"
    printf '[Service]\nExecStartPre=-%s/error %s\n' $bin "$(number "$1")" > $probe
    systemctl daemon-reload
    systemctl restart nginx
    serves
    systemctl show --property ExecStartPre nginx | grep "/error " | sed -E 's/.*code=([a-z]+) ; status=([0-9]+).*/\1 \2/'
    rm $probe
    systemctl daemon-reload
}

clean() {
    systemctl stop 'syscall-recorder@*.service' nginx
    systemctl reset-failed nginx 2> /dev/null || true
    rm -rf /etc/systemd/system/nginx.service.d /etc/systemd/system/nginx.service
    systemctl daemon-reload
}
