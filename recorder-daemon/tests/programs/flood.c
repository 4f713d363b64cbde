// Calls without end and without a pause, by a thread on each processor: flood KIND. The kinds:
//   calls    getppid
//   numbers  numbers that no kernel has, each once
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *calls(void *unused) {
    for (;;)
        syscall(SYS_getppid);
    return unused;
}

static void *numbers(void *unused) {
    for (long number = 600;; number++)
        syscall(number);
    return unused;
}

int main(int count, char **words) {
    if (count != 2)
        return 2;
    void *(*kind)(void *) = strcmp(words[1], "numbers") == 0 ? numbers : calls;
    for (long i = 1; i < sysconf(_SC_NPROCESSORS_ONLN); i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, kind, NULL) != 0)
            return 1;
    }
    kind(NULL);
}
