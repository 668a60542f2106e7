/* Puts the descriptions of processes into the program, each ended by a NUL. */
#define QUOTED(text) #text
#define PATH(text) QUOTED(text)
#define PROCESS(id)                                                                                \
        .globl process_json_##id;                                                                  \
        process_json_##id: .incbin PATH(processes/openeo/id.json); .byte 0;

        .section .rodata
        .globl udf_runner
udf_runner: .incbin "processes/udf/runner.py"; .byte 0
#include "server/graph/processes.def"
        .section .note.GNU-stack, "", %progbits
