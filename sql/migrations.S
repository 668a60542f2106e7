/* Embeds each migration as the NUL-terminated text sql_migration_NUMBER. */
	.section .rodata
#define MIGRATION(number, file) \
	.globl sql_migration_##number; \
	sql_migration_##number: .incbin file; \
	.byte 0;
#include "sql/migrations.def"
	.section .note.GNU-stack,"",%progbits
