// Where this process's cgroup is, and ways into one.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLONE_INTO_CGROUP 0x200000000ULL

static void must(int holds, const char *what) {
    if (!holds) {
        perror(what);
        _exit(1);
    }
}

// The folder of the cgroup that this process is in.
static inline void own_cgroup(char *path) {
    char line[4096], point[1024] = "";
    FILE *file = fopen("/proc/self/mountinfo", "r");
    must(file != NULL, "mountinfo");
    while (point[0] == 0 && fgets(line, sizeof line, file))
        if (strstr(line, " - cgroup2 "))
            must(sscanf(line, "%*s %*s %*s %*s %1023s", point) == 1, "mountinfo");
    fclose(file);
    file = fopen("/proc/self/cgroup", "r");
    must(file != NULL && point[0] != 0, "cgroup2");
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = 0;
            sprintf(path, "%s%s", point, line + 3);
        }
    fclose(file);
}

// Writes to one of a cgroup's files.
static inline void put(const char *cgroup, const char *name, const char *text) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", cgroup, name);
    int file = open(path, O_WRONLY);
    must(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(file);
}

// Moves this process.
static inline void enter(const char *cgroup) { put(cgroup, "cgroup.procs", "0"); }

// As fork, but the child is born in the cgroup.
static inline pid_t fork_into(const char *cgroup) {
    int folder = open(cgroup, O_RDONLY | O_DIRECTORY);
    must(folder >= 0, cgroup);
    // struct clone_args: its last field is the cgroup, and glibc's headers may not have it.
    uint64_t args[11] = {[0] = CLONE_INTO_CGROUP, [4] = 17 /* SIGCHLD */, [10] = (uint64_t)folder};
    pid_t child = syscall(SYS_clone3, args, sizeof args);
    must(child >= 0, "clone3");
    close(folder);
    return child;
}

static inline void reap(pid_t child) {
    int status;
    must(waitpid(child, &status, 0) == child && status == 0, "a child");
}
