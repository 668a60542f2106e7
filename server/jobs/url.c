/* A user names the address, so it is judged before and while it is called; redirects are only followed
 * where every hop is judged, too. */
#include "jobs/stac_url.h"
#include "jobs/udf_host.h"
#include "jobs/uploaded_file.h"
#include "json/js.h"
#include "net/fetch.h"

enum { LARGEST = 4 << 20, TIMEOUT_MS = 15000 };

bool url_read(const struct config *config, const char *url, json_t **ret_json, struct err *err)
{
    struct fetch what = { .url = url, .timeout_ms = TIMEOUT_MS, .max_size = LARGEST,
                          .headers = { "Accept: application/geo+json, application/json" } };
    AUTO(fetched) struct fetched answer = { 0 };

    if (!fetch_for_user(&what, config->jobs_url_hosts, &answer, err))
        return false;
    if (answer.status != 200)
        return err_set(err, ERR_Unreachable, "the server answered %d", answer.status);
    return js_parse(answer.body, answer.size, JS_DEFAULT_DEPTH, ret_json, err);
}

static bool fetch_json(void *reader, const char *url, json_t **ret_json, struct err *err)
{
    return url_read(((const struct url_reader *)reader)->config, url, ret_json, err);
}

void url_name_elevation_model(struct catalog *catalog, const struct config *config)
{
    catalog->elevation_model = *config->sar_dem ? config->sar_dem_name : NULL;
}

void url_allow(struct catalog *catalog, const struct url_reader *reader)
{
    catalog->udf = udf_host(reader);
    url_name_elevation_model(catalog, reader->config);
    catalog->fetch = fetch_json;
    catalog->stac = stac_url_find;
    catalog->uploaded = uploaded_file_find;
    catalog->fetch_context = (void *)reader;
}
