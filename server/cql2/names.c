/* Two names are near when few letters must be added, dropped, changed or exchanged with their
 * neighbour (Damerau and Levenshtein), capitals aside, or when one is the other behind its prefix. */
#include "cql2/names.h"
#include "base/text.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 63, SUGGESTIONS = 3 };

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1], n = strlen(a), m = strlen(b);

    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);

            row[j] = least_of(least_of(row[j - 1], above[j]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == y)
                row[j] = least_of(row[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

static const char *without_prefix(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

static size_t unlikeness(const char *name, const char *candidate)
{
    return !strcasecmp(without_prefix(name), without_prefix(candidate)) ? 0 : distance(name, candidate);
}

bool names_refuse(const char *name, const char *place, const char *expected, name_at_fn *at, void *context,
                  struct err *err)
{
    struct { const char *name; size_t unlike; } best[SUGGESTIONS + 1];
    size_t count = 0, most = 1 + strlen(name) / 4;
    AUTO(text) struct text message = { 0 };
    const char *candidate;

    for (ptrdiff_t i = 0; (candidate = at(context, i)); i++) {
        size_t unlike = unlikeness(name, candidate), k = count;

        if (unlike > most)
            continue;
        for (; k > 0 && best[k - 1].unlike > unlike; k--)
            best[k] = best[k - 1];
        best[k].name = candidate;
        best[k].unlike = unlike;
        count += count < SUGGESTIONS;
    }
    text_printf(&message, "%s: expected %s, found '%.80s'", *place ? place : "/", expected, name);
    for (size_t i = 0; i < count; i++)
        text_printf(&message, "%s'%.80s'", i ? ", " : "; there is ", best[i].name);
    text_repair_utf8(message.data); /* names may be cut within a character */
    return err_set(err, ERR_InvalidParameter, "%s", message.data);
}
