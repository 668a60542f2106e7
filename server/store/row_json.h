/* JSON in rows and in arguments of statements. */
#ifndef STORE_ROW_JSON_H
#define STORE_ROW_JSON_H

#include "json/js.h"
#include "store/db.h"

/* NULL for SQL NULL; the text is the database's own, so it parses. The caller owns it. */
json_t *row_json(const PGresult *rows, int row, int column);
/* NULL for NULL; the caller frees. */
char *row_json_dump(const json_t *value);

#endif
