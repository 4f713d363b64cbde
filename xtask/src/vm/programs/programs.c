// Lists what is loaded in the kernel's BPF, one program a line: its type, by number, and its name. No bpftool.
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long bpf(int command, union bpf_attr *attributes) {
    return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

int main(void) {
    union bpf_attr walk = {0};
    while (bpf(BPF_PROG_GET_NEXT_ID, &walk) == 0) {
        union bpf_attr open = {.prog_id = walk.next_id}, ask = {0};
        struct bpf_prog_info found = {0};
        long program = bpf(BPF_PROG_GET_FD_BY_ID, &open);
        ask.info.bpf_fd = program;
        ask.info.info_len = sizeof found;
        ask.info.info = (unsigned long)&found;
        // One that went in between is no longer loaded.
        if (program >= 0 && bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) == 0)
            printf("%u %s\n", found.type, found.name);
        close(program);
        walk.start_id = walk.next_id;
    }
    return 0;
}
