// call NUMBER...: makes the system calls of these numbers, with zeros for arguments, then ends. It makes no other.
#include "bare.h"

void start(long *stack) {
    char **words = (char **)(stack + 1);
    for (long word = 1; word < stack[0]; word++)
        call(number_in(words[word]), 0, 0, 0);
    end(0);
}
