/* sentier catalog synthesize: scenes for machines without real ones. */
#include "base/text.h"
#include "commands/catalog.h"
#include "ingest/synthesize.h"
#include <math.h>
#include <stdio.h>

static bool take_number(int *argc, char **argv, const char *name, double least, double most,
                        int64_t *number, struct err *err)
{
    const char *text;
    double value;

    if (!command_take(argc, argv, name, &text, err))
        return false;
    if (!text)
        return true;
    if (!text_to_number(text, &value) || value != trunc(value) || value < least || value > most)
        return err_set(err, ERR_UsageInvalid, "%s: expected a whole number from %g to %g, found '%s'",
                       name, least, most, text);
    *number = (int64_t)value;
    return true;
}

int catalog_synthesize(int argc, char **argv)
{
    struct synthesis how = { .dates = 5, .size = 1024, .seed = 1 };
    struct common_options options = { 0 };
    struct err err = { 0 };

    if (!take_number(&argc, argv, "--dates", 1, 100, &how.dates, &err) ||
        !take_number(&argc, argv, "--size", 64, 10980, &how.size, &err) ||
        !take_number(&argc, argv, "--seed", 0, 1e9, &how.seed, &err) ||
        !command_options(&argc, argv, &options, &err))
        return command_fail(&err);
    config_free(options.config); /* nothing is configured here, but --set is checked */
    how.size += how.size % 2;
    if (argc != 2)
        err_set(&err, ERR_UsageInvalid, "catalog synthesize: name one folder");
    if (err.code || !synthesize(argv[1], &how, &err))
        return command_fail(&err);
    printf("%lld synthetic scenes of %lld x %lld pixels in %s\n", (long long)how.dates,
           (long long)how.size, (long long)how.size, argv[1]);
    return 0;
}
