// Says "ready PID", then the name of each signal as it comes, and with the end of its input how often each
// came. A signal that is ignored at the start stays ignored.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
static const char *const names[] = {"HUP", "INT", "QUIT", "TERM", "USR1", "USR2"};
enum { COUNT = sizeof signals / sizeof *signals };
static volatile int came[COUNT];

static void handle(int signal) {
    for (int i = 0; i < COUNT; i++)
        if (signals[i] == signal) {
            char line[16];
            came[i]++;
            strcpy(stpcpy(line, names[i]), "\n");
            if (write(1, line, strlen(line)) < 0)
                _exit(1);
        }
}

int main(void) {
    struct sigaction action = {.sa_handler = handle}, old;
    char byte;
    for (int i = 0; i < COUNT; i++) {
        // One that is ignored stays so, as shells and nohup's users expect.
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    dprintf(1, "ready %d\n", getpid());
    for (;;) {
        ssize_t got = read(0, &byte, 1);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
    }
    for (int i = 0; i < COUNT; i++)
        dprintf(1, "%s=%d%s", names[i], came[i], i + 1 < COUNT ? " " : "\n");
    return 0;
}
