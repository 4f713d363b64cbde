// For each line on standard input, a number, makes so many getppid, and says so. Ends with its input.
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    long count;
    while (scanf("%ld", &count) == 1) {
        for (long i = 0; i < count; i++)
            syscall(SYS_getppid);
        printf("%ld\n", count);
        fflush(stdout);
    }
    return 0;
}
