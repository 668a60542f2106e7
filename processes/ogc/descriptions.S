/* Puts descriptions and graphs of OGC processes into the program, each ended by a NUL. */
#define FILE(path) FILE_(path)
#define FILE_(path) #path
#define OGC_PROCESS(name, file)                                                                    \
        .globl ogc_description_##name;                                                             \
        ogc_description_##name: .incbin FILE(processes/ogc/file.json); .byte 0;                    \
        .globl ogc_graph_##name;                                                                   \
        ogc_graph_##name: .incbin FILE(processes/ogc/file.graph.json); .byte 0;

        .section .rodata
#include "processes/ogc/processes.def"
        .section .note.GNU-stack, "", %progbits
