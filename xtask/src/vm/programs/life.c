// life exec|notify|forking FILE: the life of a small service of that type. Writes its process id to FILE, works a
// little, says that it is ready as its type asks for, and ends when it is told to by SIGTERM.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int number) {
    (void)number;
    ended = 1;
}

static void must(int holds, const char *what) {
    if (!holds) {
        perror(what);
        _exit(1);
    }
}

static void notify(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    must(path != NULL && strlen(path) < sizeof address.sun_path, "NOTIFY_SOCKET");
    strcpy(address.sun_path, path);
    if (path[0] == '@')
        address.sun_path[0] = 0;
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    int end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(sendto(end, "READY=1", 7, 0, (struct sockaddr *)&address, length) == 7, "READY=1");
    close(end);
}

int main(int count, char **words) {
    if (count != 3)
        return 2;
    const char *kind = words[1], *path = words[2];
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    must(sigprocmask(SIG_BLOCK, &blocked, &before) == 0, "sigprocmask");
    must(signal(SIGTERM, end) != SIG_ERR, "signal");
    int ready[2];
    char byte, text[32];
    if (strcmp(kind, "forking") == 0) {
        must(pipe(ready) == 0, "pipe");
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child > 0) {
            must(read(ready[0], &byte, 1) == 1, "the child");
            _exit(0);
        }
        must(setsid() > 0, "setsid");
    }
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    must(file >= 0, path);
    int length = snprintf(text, sizeof text, "%d\n", getpid());
    must(write(file, text, length) == length && fsync(file) == 0 && close(file) == 0, path);
    if (strcmp(kind, "notify") == 0)
        notify();
    if (strcmp(kind, "forking") == 0)
        must(write(ready[1], "x", 1) == 1, "the parent");
    while (!ended)
        sigsuspend(&before);
    return unlink(path) == 0 ? 0 : 1;
}
