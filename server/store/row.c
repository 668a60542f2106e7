/* Values of rows, which come as text. */
#include "base/instant.h"
#include "base/text.h"
#include "store/row_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *row_text(const PGresult *rows, int row, int column)
{
    return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

int64_t row_int(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

double row_double(const PGresult *rows, int row, int column)
{
    return strtod(PQgetvalue(rows, row, column), NULL);
}

bool row_bool(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column)[0] == 't';
}

/* "2023-08-15 10:01:02.123+00": RFC 3339 but for the short zone. */
int64_t row_instant(const PGresult *rows, int row, int column)
{
    const char *text = PQgetvalue(rows, row, column);
    char full[64];
    int64_t ms = 0;
    size_t length = strlen(text);

    if (length > 3 && text_ends(text, "+00") && length < sizeof full - 4) {
        snprintf(full, sizeof full, "%.*sZ", (int)length - 3, text);
        if (instant_parse(full, &ms))
            return ms;
    }
    return !strcmp(text, "-infinity") ? INSTANT_MIN : !strcmp(text, "infinity") ? INSTANT_MAX : 0;
}

int row_count(const PGresult *rows)
{
    return PQntuples(rows);
}

json_t *row_json(const PGresult *rows, int row, int column)
{
    const char *text = row_text(rows, row, column);

    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

char *row_json_dump(const json_t *value)
{
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}
