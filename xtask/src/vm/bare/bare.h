// For programs without a libc: each system call that they make is one that stands in them. They begin in
// `start(stack)`, where the kernel has put the number of words and then the words.

__attribute__((used)) void start(long *stack);

#if defined(__x86_64__)
#define EXIT_GROUP 231
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start");
#elif defined(__i386__)
#define EXIT_GROUP 252
__asm__(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call start");
#elif defined(__aarch64__)
#define EXIT_GROUP 94
__asm__(".globl _start\n_start: mov x0, sp\n bl start");
#elif defined(__arm__)
#define EXIT_GROUP 248
__asm__(".arm\n.globl _start\n_start: mov r0, sp\n bl start");
#endif

// Makes one, with zeros for the arguments from the fourth on.
static inline long call(long number, long first, long second, long third) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return number;
#elif defined(__i386__)
    __asm__ volatile("push %%ebp\n xor %%ebp, %%ebp\n int $0x80\n pop %%ebp"
                     : "+a"(number)
                     : "b"(first), "c"(second), "d"(third), "S"(0), "D"(0)
                     : "memory");
    return number;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = first, x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0, x5 __asm__("x5") = 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#elif defined(__arm__)
    register long r7 __asm__("r7") = number, r0 __asm__("r0") = first, r1 __asm__("r1") = second;
    register long r2 __asm__("r2") = third, r3 __asm__("r3") = 0, r4 __asm__("r4") = 0, r5 __asm__("r5") = 0;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
    return r0;
#endif
}

static inline long number_in(const char *text) {
    long number = 0;
    for (; *text != 0; text++)
        number = number * 10 + *text - '0';
    return number;
}

static inline void end(long status) {
    for (;;)
        call(EXIT_GROUP, status, 0, 0);
}
