// error NUMBER: makes the system call of this number, with zeros for arguments, and ends with the number of its
// error for a status: 0 if it has none.
#include "bare.h"

void start(long *stack) {
    char **words = (char **)(stack + 1);
    long result = call(number_in(words[1]), 0, 0, 0);
    end(result < 0 ? -result : 0);
}
