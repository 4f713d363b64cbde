// Keeps making calls that nobody has made before: news FIRST COUNT makes each number from FIRST on three times (no
// kernel has them), and seven getppid in between.
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    long first = atol(argv[1]), count = atol(argv[2]);
    for (long number = first; number < first + count; number++) {
        for (int i = 0; i < 3; i++)
            syscall(number);
        for (int i = 0; i < 7; i++)
            syscall(SYS_getppid);
        usleep(2000);
    }
}
