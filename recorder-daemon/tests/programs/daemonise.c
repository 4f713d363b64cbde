// Forks twice and goes on in a session of its own after the first process has ended. `done` is the file
// that says so; the calls that follow it are made by nobody else here.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

int main(int count, char **words) {
    int ends[2];
    char byte;
    if (count != 2 || pipe(ends) != 0)
        return 1;
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child > 0) {
        // The last reader of the pipe's other end learns of this process's end by the end of file.
        return 0;
    }
    if (setsid() < 0 || fork() != 0)
        _exit(0);
    close(ends[1]);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    if (read(ends[0], &byte, 1) != 0)
        _exit(1);
    for (int i = 0; i < 7; i++)
        sched_get_priority_max(SCHED_FIFO);
    int file = open(words[1], O_WRONLY | O_CREAT, 0600);
    close(file);
    _exit(file < 0);
}
