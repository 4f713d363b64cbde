// Moves itself to the cgroup above its own. 5 getppid before, 7 getpgid and 11 getppid after, and a child's.
#define _GNU_SOURCE
#include "cgroup.h"

int main(void) {
    char path[4096 + 64];
    own_cgroup(path);
    *strrchr(path, '/') = 0;
    for (int i = 0; i < 5; i++)
        syscall(SYS_getppid);
    enter(path);
    for (int i = 0; i < 7; i++)
        syscall(SYS_getpgid, 0);
    for (int i = 0; i < 11; i++)
        syscall(SYS_getppid);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        syscall(SYS_getsid, 0);
        _exit(0);
    }
    reap(child);
    return 0;
}
