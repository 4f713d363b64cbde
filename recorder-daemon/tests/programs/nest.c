// Makes cgroups below its own. Each child makes 3 getppid and 2 getpgid as the last thing it does.
//   deep N    N levels, a child in each, all there at once
//   wide N    N side by side, a child in each, all there at once
//   again N   one, made, entered and removed N times; every second child is born inside
//   threads N  N side by side, a thread of this one process in each, all there at once
//   churn N   one, made and removed N times; a child in the last one
//   crowd N   N side by side, nobody in them
#define _GNU_SOURCE
#include "cgroup.h"
#include <pthread.h>

static char path[4096 + 64];

static void calls(void) {
    for (int i = 0; i < 3; i++)
        syscall(SYS_getppid);
    for (int i = 0; i < 2; i++)
        syscall(SYS_getpgid, 0);
}

static pthread_barrier_t all_there;

static void *thread_in(void *cgroup) {
    put(cgroup, "cgroup.threads", "0");
    pthread_barrier_wait(&all_there);
    calls();
    pthread_barrier_wait(&all_there);
    return NULL;
}

// A child that makes its calls in the cgroup, once `gate` is closed on its other side.
static pid_t child_in(const char *cgroup, int *gate) {
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        char byte;
        enter(cgroup);
        if (gate) {
            close(gate[1]);
            must(read(gate[0], &byte, 1) == 0, "gate");
        }
        calls();
        _exit(0);
    }
    return child;
}

int main(int count, char **words) {
    if (count != 3)
        return 2;
    long n = atol(words[2]);
    own_cgroup(path);
    char *end = path + strlen(path);
    if (strcmp(words[1], "crowd") == 0) {
        for (long i = 0; i < n; i++) {
            sprintf(end, "/%ld", i);
            must(mkdir(path, 0755) == 0, path);
        }
    } else if (strcmp(words[1], "again") == 0) {
        strcpy(end, "/again");
        for (long i = 0; i < n; i++) {
            must(mkdir(path, 0755) == 0, path);
            pid_t child = i % 2 ? fork_into(path) : child_in(path, NULL);
            if (child == 0) {
                calls();
                _exit(0);
            }
            reap(child);
            must(rmdir(path) == 0, "rmdir");
        }
    } else if (strcmp(words[1], "churn") == 0) {
        strcpy(end, "/churn");
        for (long i = 0; i < n; i++)
            must(mkdir(path, 0755) == 0 && rmdir(path) == 0, "churn");
        must(mkdir(path, 0755) == 0, path);
        reap(child_in(path, NULL));
    } else if (strcmp(words[1], "threads") == 0) {
        pthread_t *threads = calloc(n, sizeof *threads);
        pthread_barrier_init(&all_there, NULL, n);
        for (long i = 0; i < n; i++) {
            sprintf(end, "/%ld", i);
            must(mkdir(path, 0755) == 0, path);
            put(path, "cgroup.type", "threaded");
            must(pthread_create(&threads[i], NULL, thread_in, strdup(path)) == 0, "a thread");
        }
        for (long i = 0; i < n; i++)
            pthread_join(threads[i], NULL);
    } else {
        int gate[2], deep = strcmp(words[1], "deep") == 0;
        must(pipe(gate) == 0, "pipe");
        for (long i = 0; i < n; i++) {
            if (deep)
                end = path + strlen(path);
            sprintf(end, "/%ld", i);
            must(mkdir(path, 0755) == 0, path);
            child_in(path, gate);
        }
        close(gate[1]);
        for (long i = 0; i < n; i++) {
            int status;
            must(wait(&status) > 0 && status == 0, "a child");
        }
    }
    return 0;
}
