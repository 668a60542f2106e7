/* A product of another server is fetched into the cache of the site. Its key is the digest of the addresses and the checksums that
 * its item tells; where these are missing, of what the server says of its files: the same product is not fetched twice, and one
 * that has changed is another copy. A copy is begun in a folder that is kept when the try dies; the next one goes on in it. */
#include "base/digest.h"
#include "base/folder.h"
#include "base/instant.h"
#include "base/text.h"
#include "jobs/download.h"
#include "jobs/perform.h"
#include "jobs/product_files.h"
#include "jobs/scratch.h"
#include "json/js.h"
#include "raster/disk.h"
#include "sar/product.h"
#include "store/cluster.h"
#include "store/copies.h"
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct attempt {
    struct performer *performer;
    struct task *task;
    struct arena *arena;
    struct fetching fetching;
    const json_t *files;
    size_t count;
    struct download_version *versions; /* of the files */
    struct downloading downloading;
    struct copy_wish wish;
    char key[COPY_KEY_SIZE];
    const char *folder;
    json_t *gone;
    int64_t done; /* bytes of files before the one in hand */
    int64_t start;
    enum staging_turn turn;
    enum hold hold;
};

static const json_t *file_at(const struct attempt *a, size_t i)
{
    return json_array_get(a->files, i);
}

/* ---- waiting for tape ---- */

/* True: the task looks again later. */
static bool wait_for_tape(struct attempt *a, int64_t seconds, struct err *err)
{
    const struct config *c = a->performer->config;
    AUTO(mem) char *message = NULL;

    if (!json_is_true(json_object_get(a->fetching.what, "restoration")))
        return err_set(err, ERR_SourceUnreadable,
                       "The product lies on tape at its server; with \"restoration\": true it is waited for until it is there");
    if (a->fetching.waited_s > c->downloads_tape_time)
        return err_set(err, ERR_SourceUnreadable, "The product was not brought from tape within %" PRId64 " s (downloads.tape_time)",
                       c->downloads_tape_time);
    message = mem_printf("%s is being brought from tape at its server; it is asked for again in %" PRId64 " s.", a->fetching.item, seconds);
    a->turn = STAGING_WAIT;
    return copy_put_off(a->performer->db, a->task, seconds, message, err);
}

/* ---- which version ---- */

static bool all_have_checksums(const struct attempt *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (!json_object_get(file_at(a, i), "checksum"))
            return false;
    return true;
}

static bool look_at_file(struct attempt *a, size_t i, struct err *err)
{
    const json_t *file = file_at(a, i);
    struct download_version *version = &a->versions[i];
    int64_t told = json_integer_value(json_object_get(file, "size")), tape_s;

    if (!download_look(&a->downloading, js_text_in(file, "url"), version, &tape_s, err))
        return false;
    if (tape_s > 0)
        return wait_for_tape(a, tape_s, err);
    if (told > 0 && version->bytes >= 0 && told != version->bytes)
        return err_set(err, ERR_SourceUnreadable, "%s: has %" PRId64 " bytes at its server, and its item says %" PRId64,
                       js_text_in(file, "name"), version->bytes, told);
    return true;
}

static bool look_at_files(struct attempt *a, struct err *err)
{
    for (size_t i = 0; i < a->count; i++)
        if (!look_at_file(a, i, err) || a->turn == STAGING_WAIT)
            return a->turn == STAGING_WAIT && !err->code;
    return true;
}

/* Checksums are part of the source; else what the server says is. */
static void name_version(struct attempt *a)
{
    AUTO(text) struct text text = { 0 };

    text_add(&text, a->fetching.source);
    for (size_t i = 0; !all_have_checksums(a) && i < a->count; i++) {
        const struct download_version *v = &a->versions[i];

        text_printf(&text, "\n%s|%s|%" PRId64, v->etag ? v->etag : "", v->modified ? v->modified : "", v->bytes);
    }
    digest_sha256(text.data, text.length, a->key);
}

/* A copy whose version cannot be asked for now is taken as it is. */
static bool find_version(struct attempt *a, struct err *err)
{
    struct err ignored = { 0 };
    AUTO(mem) char *message = NULL;

    name_version(a);
    if (a->fetching.known && !strcmp(a->fetching.known, a->key))
        return true; /* by its checksums: nobody has to be asked */
    if (look_at_files(a, err)) {
        name_version(a);
        return true;
    }
    if (err->code != ERR_Unreachable || !a->fetching.known)
        return false;
    message = mem_printf("The copy that was fetched before is used: %s", err->message);
    err_clear(err);
    memcpy(a->key, a->fetching.known, sizeof a->key);
    if (!job_log_add_at(a->performer->db, a->task->job, a->task->number, "warning", NULL, message, NULL, &ignored))
        err_clear(&ignored); /* no reason to fail */
    return true;
}

/* ---- room ---- */

static bool reserve(struct db *db, void *arg, struct err *err)
{
    struct attempt *a = arg;

    json_decref(a->gone);
    a->gone = NULL;
    return copy_reserve(db, a->task, &a->wish, a->arena, &a->folder, &a->gone, &a->turn, err);
}

static int64_t bytes_of(const struct attempt *a)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < a->count; i++)
        bytes += a->versions[i].bytes >= 0 ? a->versions[i].bytes : a->performer->config->downloads_max_size;
    return bytes;
}

static bool find_room(struct attempt *a, struct err *err)
{
    const struct config *c = a->performer->config;
    AUTO(mem) char *root = store_downloads(c);
    json_t *folder;
    size_t i;

    a->wish = (struct copy_wish){ .key = a->key, .source = a->fetching.source, .limit = c->downloads_cache, .bytes = bytes_of(a),
                                  .fresh = arena_printf(a->arena, "%s/%s.%" PRId64, root, a->key, a->task->token),
                                  .may_wait = a->fetching.waited_s < c->downloads_time };
    if (!perform_transact(a->performer, reserve, a, err))
        return false;
    json_array_foreach(a->gone, i, folder)
        scratch_remove(json_string_value(folder));
    return true;
}

/* ---- files ---- */

static void forward_progress(void *context, int64_t bytes)
{
    struct attempt *a = context;
    struct performer *p = a->performer;
    double part = a->wish.bytes > 0 ? (double)(a->done + bytes) / (double)a->wish.bytes : 0;

    if (p->progress)
        p->progress(p->progress_context, (int64_t)(part * 0.99 * (double)a->task->blocks));
}

static bool check(const json_t *file, const char *path, struct err *err)
{
    const json_t *checksum = json_object_get(file, "checksum");
    const char *algorithm = js_text_in(checksum, "algorithm");
    char digits[DIGEST_TEXT_SIZE];

    if (!checksum)
        return true;
    if (!digest_file(path, algorithm, digits, err))
        return false;
    return !strcmp(digits, js_text_in(checksum, "digits")) ||
           err_set(err, ERR_StagingFailed, "%s: its %s is %s, and its item says %s", js_text_in(file, "name"), algorithm, digits,
                   js_text_in(checksum, "digits"));
}

static bool sync_file(const char *path, struct err *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 ? disk_sync(file, path, err) : disk_failed("open", path, err);

    if (file >= 0)
        close(file);
    return good;
}

static bool get_file(struct attempt *a, size_t i, struct err *err)
{
    const json_t *file = file_at(a, i);
    AUTO(mem) char *path = mem_printf("%s/%s", a->folder, js_text_in(file, "name"));
    AUTO(mem) char *folder = mem_textn(path, (size_t)(strrchr(path, '/') - path));
    bool sure = json_object_get(file, "checksum") != NULL;
    int64_t tape_s;

    if (!folder_make(folder, err) ||
        !download_get(&a->downloading, js_text_in(file, "url"), &a->versions[i], sure, path, &tape_s, err))
        return false;
    if (tape_s > 0)
        return wait_for_tape(a, tape_s, err);
    a->done += a->versions[i].bytes > 0 ? a->versions[i].bytes : 0;
    return check(file, path, err) && sync_file(path, err);
}

/* What came may be no product at all: the page of a log-in, say. */
static bool is_product(const struct attempt *a, struct err *err)
{
    AUTO(mem) char *root = product_files_root(a->files);
    AUTO(mem) char *path = mem_printf("%s/%s", a->folder, root);
    AUTO(sar_product) struct sar_product *product = NULL;

    return sar_product_open(path, &product, err);
}

static bool is_there(const struct attempt *a)
{
    AUTO(mem) char *path = mem_printf("%s/%s", a->folder, js_text_in(file_at(a, 0), "name"));

    return access(path, R_OK) == 0;
}

static bool get_files(struct attempt *a, struct err *err)
{
    for (size_t i = 0; i < a->count; i++)
        if (!get_file(a, i, err) || a->turn == STAGING_WAIT)
            return a->turn == STAGING_WAIT && !err->code;
    return is_product(a, err);
}

static bool forget(struct db *db, void *arg, struct err *err)
{
    const struct attempt *a = arg;

    return copy_forget(db, a->key, a->turn == STAGING_ONLINE, err);
}

/* What is wrong as it is must not be gone on with. */
static void throw_away(struct attempt *a)
{
    struct err ignored = { 0 };

    if (perform_transact(a->performer, forget, a, &ignored))
        scratch_remove(a->folder);
}

/* ---- the task ---- */

static bool begin(struct db *db, void *arg, struct err *err)
{
    struct attempt *a = arg;

    json_decref(a->fetching.what);
    a->fetching.what = NULL;
    return copy_begin(db, a->task, a->arena, &a->fetching, &a->turn, err);
}

static bool finish(struct db *db, void *arg, struct err *err)
{
    struct attempt *a = arg;

    return copy_finish(db, a->task, a->key, &a->fetching, a->turn == STAGING_RUN ? perform_seconds(a->start) : 0, &a->hold, err);
}

static void set_up(struct attempt *a)
{
    a->files = json_object_get(a->fetching.what, "files");
    a->count = json_array_size(a->files);
    a->versions = arena_array(a->arena, a->count, sizeof *a->versions);
    for (size_t i = 0; i < a->count; i++)
        a->versions[i].bytes = -1;
    a->start = instant_monotonic();
    a->downloading = (struct downloading){ .config = a->performer->config, .until = a->start + a->performer->config->downloads_time * 1000,
                                           .credentials = json_is_true(json_object_get(a->fetching.what, "credentials")),
                                           .progress = forward_progress, .context = a };
}

static bool fetch_product(struct attempt *a, struct err *err)
{
    set_up(a);
    if (!find_version(a, err))
        return false;
    if (a->turn == STAGING_WAIT)
        return true;
    if (!find_room(a, err))
        return false;
    if (a->turn == STAGING_WAIT || a->turn == STAGING_LOST)
        return true;
    if (a->turn == STAGING_RUN && !get_files(a, err)) {
        if (err->code == ERR_FileContentInvalid || err->code == ERR_StagingFailed)
            throw_away(a);
        return false;
    }
    if (a->turn == STAGING_ONLINE && !is_there(a)) {
        throw_away(a);
        return err_set(err, ERR_StagingFailed, "The copy that was fetched before is gone from %s", a->folder);
    }
    return a->turn == STAGING_WAIT || perform_transact(a->performer, finish, a, err);
}

bool perform_fetch(struct performer *p, struct task *task, struct err *err)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct attempt a = { .performer = p, .task = task, .arena = arena };
    bool good = perform_transact(p, begin, &a, err);

    if (good && a.turn == STAGING_RUN)
        good = fetch_product(&a, err) || (err_prefix(err, "%s", a.fetching.item), false);
    for (size_t i = 0; i < a.count; i++)
        download_version_drop(&a.versions[i]);
    json_decref(a.fetching.what);
    json_decref(a.gone);
    return good;
}
