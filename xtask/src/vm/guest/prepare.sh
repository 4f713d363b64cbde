# Run by mmdebstrap: prepare.sh setup|customize TREE
set -eu
tree=$2

case $1 in
setup)
    # An initrd with nothing but what reaches the disk: an emulated machine unpacks slowly.
    mkdir -p "$tree/etc/initramfs-tools/conf.d" "$tree/usr/share/initramfs-tools/modules.d"
    echo MODULES=list > "$tree/etc/initramfs-tools/conf.d/vm"
    printf 'virtio_pci\nvirtio_blk\next4\n' > "$tree/usr/share/initramfs-tools/modules.d/vm"
    ;;
customize)
    mkdir "$tree/payload"
    # Not the first boot, at which systemd would enable everything anew.
    echo 5c0ffee05c0ffee05c0ffee05c0ffee0 > "$tree/etc/machine-id"
    echo machine > "$tree/etc/hostname"
    echo '127.0.0.1 localhost machine' > "$tree/etc/hosts"
    # Each scenario starts what it needs, and nothing else runs.
    rm -rf "$tree"/etc/systemd/system/*.wants
    # No screen is there, the console is the scenarios', and no module is wanted but those of the initrd.
    for unit in serial-getty@TTY0.service systemd-udev-trigger.service systemd-update-utmp.service \
        systemd-update-utmp-runlevel.service modprobe@drm.service systemd-tmpfiles-clean.timer; do
        ln -s /dev/null "$tree/etc/systemd/system/$unit"
    done
    mkdir "$tree/etc/systemd/system/multi-user.target.wants"
    ln -s /etc/systemd/system/machine.service "$tree/etc/systemd/system/multi-user.target.wants/"
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/doc/* "$tree"/usr/share/locale/*
    ;;
esac
