# The whole story, with Debian's own nginx.service.
. /payload/lib.sh
. /payload/nginx.sh
fresh
since_now

step "install"
apt-get install --yes /payload/syscall-recorder.deb
eventually systemctl is-active --quiet syscall-recorder

story
clean
