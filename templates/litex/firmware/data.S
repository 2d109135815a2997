/* SPDX-License-Identifier: 0BSD */
/* The program file and the inputs, as they are. */
    .section .rodata
    .balign 8
    .global naas_program, naas_program_end, naas_given, naas_given_end
naas_program:
    .incbin "network.naas"
naas_program_end:
    .balign 8
naas_given:
    .incbin "inputs.bin"
    .balign 8
naas_given_end:
