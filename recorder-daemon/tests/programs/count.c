// Makes a known number of two calls that nothing else in it makes: count KIND WORKERS FIRST SECOND, by so
// many workers, FIRST getppid and SECOND getpgid each. The kinds:
//   threads    the kernel spreads them over the processors
//   pinned     worker n stays on processor n, round and round
//   migrating  each moves itself on to the next processor after every 1000 getppid, by sched_setaffinity
//   processes  as threads, but forked
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long first, second, processors;
static int migrating;

static void move_to(long processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor % processors, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        exit(1);
}

static void *work(void *number) {
    for (long i = 0; i < first; i++) {
        if (migrating && i % 1000 == 0)
            move_to((long)number + i / 1000);
        syscall(SYS_getppid);
    }
    for (long i = 0; i < second; i++)
        syscall(SYS_getpgid, 0);
    return NULL;
}

static void *work_pinned(void *number) {
    move_to((long)number);
    return work(number);
}

int main(int count, char **words) {
    if (count != 5)
        return 2;
    const char *kind = words[1];
    long workers = atol(words[2]);
    first = atol(words[3]);
    second = atol(words[4]);
    processors = sysconf(_SC_NPROCESSORS_ONLN);
    migrating = strcmp(kind, "migrating") == 0;
    if (strcmp(kind, "processes") == 0) {
        for (long i = 0; i < workers; i++) {
            pid_t child = fork();
            if (child < 0)
                return 1;
            if (child == 0) {
                work(NULL);
                _exit(0);
            }
        }
        for (long i = 0; i < workers; i++) {
            int status;
            if (wait(&status) < 0 || status != 0)
                return 1;
        }
        return 0;
    }
    pthread_t *threads = calloc(workers, sizeof *threads);
    void *(*worker)(void *) = strcmp(kind, "pinned") == 0 ? work_pinned : work;
    for (long i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, worker, (void *)i) != 0)
            return 1;
    for (long i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
