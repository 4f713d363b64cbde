// Makes the same calls whenever it runs: files, a pipe, a child.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int holds) {
    if (!holds)
        _exit(1);
}

int main(void) {
    char buffer[64];
    int ends[2], status;
    int file = open("file", O_RDWR | O_CREAT | O_EXCL, 0600);
    must(file >= 0);
    for (int i = 0; i < 17; i++)
        must(write(file, buffer, sizeof buffer) == sizeof buffer);
    must(lseek(file, 0, SEEK_SET) == 0);
    for (int i = 0; i < 5; i++)
        must(read(file, buffer, sizeof buffer) == sizeof buffer);
    must(fchmod(file, 0640) == 0 && fsync(file) == 0 && close(file) == 0);
    must(link("file", "other") == 0 && unlink("file") == 0 && rename("other", "file") == 0);
    must(pipe(ends) == 0);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) {
        must(write(ends[1], "x", 1) == 1);
        _exit(getppid() > 0 ? 0 : 1);
    }
    must(read(ends[0], buffer, 1) == 1);
    must(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
