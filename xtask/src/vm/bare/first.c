// Makes getpgid(0) before anything else, writes one byte to its standard output, and ends.
#include <asm/unistd.h>

#include "bare.h"

void start(long *stack) {
    (void)stack;
    call(__NR_getpgid, 0, 0, 0);
    call(__NR_write, 1, (long)".", 1);
    end(0);
}
