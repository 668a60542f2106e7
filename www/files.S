/* Puts the web client into the program, each file ended by a NUL. */
#define FILE(path) FILE_(path)
#define FILE_(path) #path
#define WWW_FILE(name, file, media)                                                                \
        .globl www_file_##name;                                                                    \
        www_file_##name: .incbin FILE(www/file); .byte 0;

        .section .rodata
#include "www/files.def"
        .section .note.GNU-stack, "", %progbits
