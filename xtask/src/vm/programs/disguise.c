// Does something that might make a recorder look away, then makes the system call NUMBER:
//   disguise rename NAME NUMBER   calls itself NAME, in its comm and in its first argument
//   disguise fork NUMBER          in a child that never executes a program
//   disguise orphan NUMBER        in a grandchild, once its parent is PID 1
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void call(const char *number) {
    syscall(atol(number), 0, 0, 0, 0, 0, 0);
}

static int wait_for(pid_t child) {
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

int main(int count, char **words) {
    if (count == 4 && strcmp(words[1], "rename") == 0) {
        const char *name = words[2], *number = words[3];
        if (prctl(PR_SET_NAME, name) != 0)
            return 1;
        // As much of it as fits: what follows is the next argument.
        size_t room = strlen(words[0]);
        memset(words[0], 0, room);
        strncpy(words[0], name, room);
        call(number);
        return 0;
    }
    if (count == 3 && strcmp(words[1], "fork") == 0) {
        pid_t child = fork();
        if (child == 0) {
            call(words[2]);
            _exit(0);
        }
        return wait_for(child);
    }
    if (count == 3 && strcmp(words[1], "orphan") == 0) {
        // Who holds the writing end still runs.
        int ends[2];
        char byte;
        if (pipe(ends) != 0)
            return 1;
        pid_t child = fork();
        if (child == 0) {
            pid_t orphan = fork();
            if (orphan == 0) {
                while (getppid() != 1)
                    usleep(1000);
                call(words[2]);
                _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
            }
            _exit(orphan > 0 ? 0 : 1);
        }
        close(ends[1]);
        return wait_for(child) == 0 && read(ends[0], &byte, 1) == 1 ? 0 : 1;
    }
    return 2;
}
