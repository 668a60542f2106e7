/* Puts the API documents into the program, each ended by a NUL. */
#define FILE(path) FILE_(path)
#define FILE_(path) #path
#define DOCUMENT(name)                                                                             \
        .globl api_document_##name;                                                                \
        api_document_##name: .incbin FILE(openapi/name.json); .byte 0;

        .section .rodata
#include "openapi/documents.def"
        .section .note.GNU-stack, "", %progbits
