# What kvm-probe.ts runs, assembled by:
#   as --64 -o probe.o kvm-probe.s && ld -m elf_x86_64 -e 0 -Ttext 0 --oformat binary -o probe.raw probe.o && base64 -w 96 probe.raw
.equ base, 0xf0000
.code16
start:
  cli
  lgdtl %cs:gdtr
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmpl $8, $base + protected
.code32
protected:
  movw $16, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $0x10000, %edi        # tables of pages: the first 2 MiB as they are
  movl $0x3000, %ecx
  xorl %eax, %eax
  cld
  rep stosb
  movl $0x11003, 0x10000
  movl $0x12003, 0x11000
  movl $0x83, 0x12000
  movl $0x10000, %eax
  movl %eax, %cr3
  movl $0x620, %eax          # PAE, SSE
  movl %eax, %cr4
  movl $0xc0000080, %ecx
  rdmsr
  orl $0x100, %eax           # long mode
  wrmsr
  movl %cr0, %eax
  orl $0x80000002, %eax
  andl $0xfffffffb, %eax     # no emulation of a coprocessor
  movl %eax, %cr0
  ljmpl $24, $base + long
.code64
long:
  movl $0x9000, %esp
  movl $0x14000, %edi        # the gate of vector 3
  leal base + breakpoint, %eax
  movw %ax, 48(%rdi)
  movw $24, 50(%rdi)
  movw $0x8e00, 52(%rdi)
  shrl $16, %eax
  movw %ax, 54(%rdi)
  movq $0, 56(%rdi)
  lidt base + idtr
  xorl %ebx, %ebx
  int3
  cmpl $1, %ebx
  jne fail
  movl $0x15000, %edi        # what kernels exchange 16 bytes with
  movq $5, (%rdi)
  movq $6, 8(%rdi)
  movl $5, %eax
  movl $6, %edx
  movl $7, %ebx
  movl $8, %ecx
  lock cmpxchg16b (%rdi)
  jne fail
  cmpq $7, (%rdi)
  jne fail
  movl $1, %eax
  cpuid
  btl $26, %ecx              # XSAVE
  jnc spin
  movq %cr4, %rax
  orl $0x40000, %eax
  movq %rax, %cr4
  xorl %ecx, %ecx
  xorl %edx, %edx
  movl $3, %eax
  xsetbv
  movl $0x16000, %edi
  movl $3, %eax
  xsave (%rdi)
  movl $3, %eax
  xorl %edx, %edx
  xrstor (%rdi)
spin:
  movl $0x8000000, %ecx      # an instant, or a minute where each instruction is interpreted
again:
  decl %ecx
  jnz again
  movl $0x55, %eax
out:
  movw $0xf4, %dx
  outl %eax, %dx
halt:
  hlt
  jmp halt
fail:
  movl $0x2a, %eax
  jmp out
breakpoint:
  incl %ebx
  iretq
.balign 8
gdt:
  .quad 0
  .quad 0x00cf9a000000ffff
  .quad 0x00cf92000000ffff
  .quad 0x00af9a000000ffff
gdtr:
  .word 31
  .long base + gdt
idtr:
  .word 0x3f
  .quad 0x14000
end:
