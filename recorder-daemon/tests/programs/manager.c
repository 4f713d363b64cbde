// Plays the service manager: manager CGROUP reads one word a line, does that, and answers "done". What it does
// as a manager it does by getsid; what the service does, it does by getpgid.
//   fork      a child enters the cgroup, does set-up work and executes the command, as systemd up to 254
//   executor  a child executes systemd-executor, which enters the cgroup and executes the command, as 255
//   born      the same, but born in the cgroup, as 256 and later
//   pam       as fork; before that the child forks one that stays as long as the command runs, as (sd-pam)
//   namespace as fork; but a child of the child executes the command, as with PrivatePIDs=
//   fails     as fork; but the command is not there
// manager command HOW is the command:
//   plain     3 getpgid
//   renamed   calls itself (x), then systemd-executor, with 3 getpgid after each; then forks, and the child,
//             whose parent has ended, does 4 more and executes nothing
//   executor  executes a program that is called systemd-executor, which does 5 getpgid
#include "cgroup.h"
#include <sys/prctl.h>

static char self[4096], executor[4096];

static void times(int count, long call) {
    for (int i = 0; i < count; i++)
        syscall(call, 0);
}

static int command(const char *how) {
    times(3, SYS_getpgid);
    if (strcmp(how, "renamed") == 0) {
        prctl(PR_SET_NAME, "(x)");
        times(3, SYS_getpgid);
        prctl(PR_SET_NAME, "systemd-executor");
        times(3, SYS_getpgid);
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child == 0) {
            pid_t grandchild = fork();
            must(grandchild >= 0, "fork");
            if (grandchild == 0) {
                while (getppid() == getpgrp())
                    ;
                times(4, SYS_getpgid);
            }
            _exit(0);
        }
        reap(child);
    }
    if (strcmp(how, "executor") == 0)
        execl(executor, "systemd-executor", "getpgid", NULL);
    return 0;
}

static void become(const char *how) {
    times(2, SYS_getsid);
    execl(strcmp(how, "fails") == 0 ? "/nonexistent" : self, self, "command", "plain", NULL);
    _exit(strcmp(how, "fails") == 0 ? 0 : 1);
}

static void start(const char *cgroup, const char *how, const char *what) {
    int is_born = strcmp(how, "born") == 0;
    pid_t child = is_born ? fork_into(cgroup) : fork();
    must(child >= 0, "fork");
    if (child > 0)
        return reap(child);
    times(2, SYS_getsid);
    if (is_born || strcmp(how, "executor") == 0)
        execl(executor, "systemd-executor", "setup", is_born ? "" : cgroup, what, NULL);
    enter(cgroup);
    times(2, SYS_getsid);
    if (strcmp(how, "pam") == 0) {
        int pipes[2];
        must(pipe(pipes) == 0, "pipe");
        pid_t pam = fork();
        must(pam >= 0, "fork");
        if (pam == 0) {
            char byte;
            close(pipes[1]);
            // Until the command has ended.
            must(read(pipes[0], &byte, 1) == 0, "read");
            times(7, SYS_getsid);
            _exit(0);
        }
        close(pipes[0]);
    }
    if (strcmp(how, "namespace") == 0) {
        pid_t inner = fork();
        must(inner >= 0, "fork");
        if (inner > 0) {
            reap(inner);
            times(7, SYS_getsid);
            _exit(0);
        }
    }
    if (strcmp(how, "fails") == 0)
        become(how);
    execl(self, self, "command", what, NULL);
    _exit(1);
}

int main(int argc, char **argv) {
    must(readlink("/proc/self/exe", self, sizeof self - 1) > 0, "/proc/self/exe");
    snprintf(executor, sizeof executor, "%.4000s", self);
    strcpy(strrchr(executor, '/'), "/systemd-executor");
    if (argc == 2 && strcmp(argv[1], "getpgid") == 0) {
        times(5, SYS_getpgid);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "command") == 0)
        return command(argv[2]);
    if (argc == 4 && strcmp(argv[1], "setup") == 0) {
        if (argv[2][0] != 0)
            enter(argv[2]);
        times(4, SYS_getsid);
        strcpy(strrchr(self, '/'), "/manager");
        execl(self, self, "command", argv[3], NULL);
        return 1;
    }
    char how[64], what[64];
    while (scanf("%63s %63s", how, what) == 2) {
        start(argv[1], how, what);
        puts("done");
        fflush(stdout);
    }
}
