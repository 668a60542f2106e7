/* Settings: the table config.def read from the defaults, an INI file, SENTIER_* variables and the
 * command line, in this order. Door: libinih. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/err.h"
#include <stdint.h>
#include <stdio.h>

#define CONFIG_TYPE_TEXT const char *
#define CONFIG_TYPE_NUMBER int64_t
#define CONFIG_TYPE_BOOL bool
#define CONFIG_TYPE_BYTES int64_t
#define CONFIG_TYPE_SECONDS int64_t
#define CONFIG_TYPE_DECIMAL double

/* config->http_port, config->jobs_lease, ... Read-only after start; shared by all threads. */
struct config {
#define CONFIG(section, key, kind, fallback, help) CONFIG_TYPE_##kind section##_##key;
#include "config/config.def"
#undef CONFIG
    const char *data; /* the data folder (--data), absolute; "" when there is none */
};

/* One row of the table, for check-config, the documentation test and the man page. */
struct config_row {
    const char *section, *key, *kind, *fallback, *help;
};
extern const struct config_row config_rows[];
extern const size_t config_row_count;

/* Defaults, then the file (NULL: none), then the environment. A wrong value is refused with file
 * and line. The caller frees with config_free(). */
bool config_load(const char *path, struct config **ret_config, struct err *err) MUST_USE;
/* config_set(config, "http", "port", "8081", "--port", err): where is told in errors. */
bool config_set(struct config *config, const char *section, const char *key, const char *value,
                const char *where, struct err *err) MUST_USE;
/* All settings with their values, as a configuration file; secrets are not shown. */
void config_print(const struct config *config, FILE *out);
void config_free(struct config *config);
DEFINE_AUTO(config, struct config *, config_free)

#endif
