// Makes calls by other conventions than this program's own: abis WORD COUNT NUMBER…, each NUMBER so often.
//   int80  by int 0x80, as a 32-bit program does
//   x32    with the bit that marks x32
//   plain  by the number as it stands, in 32 bits
// For a number "FIRST-LAST" all of them in turn. Arguments are zero.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void int80(uint32_t number) {
    uint32_t result = number;
    __asm__ volatile("int $0x80"
                     : "+a"(result)
                     : "b"(0), "c"(0), "d"(0)
                     : "memory", "r8", "r9", "r10", "r11");
}

static void plain(uint32_t number) {
    uint64_t result = number;
    __asm__ volatile("xor %%edi, %%edi\n\txor %%esi, %%esi\n\txor %%edx, %%edx\n\t"
                     "xor %%r10d, %%r10d\n\tsyscall"
                     : "+a"(result)
                     :
                     : "memory", "rdi", "rsi", "rdx", "r10", "rcx", "r11");
}

int main(int count, char **words) {
    if (count < 4)
        return 2;
    for (int word = 3; word < count; word++) {
        char *end;
        uint32_t last, first = last = strtoul(words[word], &end, 10);
        if (*end == '-')
            last = strtoul(end + 1, NULL, 10);
        for (uint64_t number = first; number <= last; number++)
            for (long i = atol(words[2]); i > 0; i--) {
                if (strcmp(words[1], "int80") == 0)
                    int80(number);
                else if (strcmp(words[1], "x32") == 0)
                    plain(number | 0x40000000);
                else
                    plain(number);
            }
    }
    return 0;
}
