// Makes and removes cgroups below a folder, by so many threads at once: crowd FOLDER TAG THREADS EACH RECORDED. In
// each a process lives that does nothing but a known number of calls and its exit.
//
// Every third cgroup of a thread below RECORDED has the name TAG-rTHREAD.service, so that it comes again and again;
// its process lives in a cgroup below it and makes THREAD + 1 getppid. All others have a name of their own, and theirs
// make five getsid.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *folder, *tag;
static long each, recorded;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void live(const char *cgroup, long call, long times) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
    int entrance = open(path, O_WRONLY | O_CLOEXEC);
    if (entrance < 0)
        fail(path);
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        // The call that enters is still made outside.
        if (write(entrance, "0", 1) != 1)
            _exit(1);
        for (long i = 0; i < times; i++)
            syscall(call, 0);
        _exit(0);
    }
    close(entrance);
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        fail("a process in a cgroup");
}

static void make(const char *path) {
    if (mkdir(path, 0755) != 0)
        fail(path);
}

static void take_away(const char *path) {
    while (rmdir(path) != 0)
        if (errno != EBUSY)
            fail(path);
}

static void *work(void *number) {
    long thread = (long)number;
    char path[2048], below[2100];
    for (long i = 0; i < each; i++) {
        if (thread < recorded && i % 3 == 0) {
            snprintf(path, sizeof path, "%s/%s-r%ld.service", folder, tag, thread);
            snprintf(below, sizeof below, "%s/below", path);
            make(path);
            make(below);
            live(below, SYS_getppid, thread + 1);
            take_away(below);
        } else {
            snprintf(path, sizeof path, "%s/%s-u%ld-%ld.service", folder, tag, thread, i);
            make(path);
            live(path, SYS_getsid, 5);
        }
        take_away(path);
    }
    return NULL;
}

int main(int count, char **words) {
    if (count != 6)
        return 2;
    folder = words[1];
    tag = words[2];
    long threads = atol(words[3]);
    each = atol(words[4]);
    recorded = atol(words[5]);
    pthread_t *all = calloc(threads, sizeof *all);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&all[i], NULL, work, (void *)i) != 0)
            fail("a thread");
    for (long i = 0; i < threads; i++)
        pthread_join(all[i], NULL);
    return 0;
}
