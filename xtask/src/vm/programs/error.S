// error NUMBER: makes the system call of this number, with zeros for arguments, and ends with the number of its
// error for a status: 0 if it has none.
    .globl _start
_start:
    mov 16(%rsp), %rsi          // argv[1]
    xor %eax, %eax
digit:
    movzbl (%rsi), %ecx
    test %ecx, %ecx
    jz make
    imul $10, %eax, %eax
    lea -'0'(%rax, %rcx), %eax
    inc %rsi
    jmp digit
make:
    xor %edi, %edi
    xor %esi, %esi
    xor %edx, %edx
    xor %r10d, %r10d
    xor %r8d, %r8d
    xor %r9d, %r9d
    syscall
    xor %edi, %edi
    neg %eax
    cmovns %eax, %edi
    mov $231, %eax              // exit_group
    syscall

    .section .note.GNU-stack, "", @progbits
