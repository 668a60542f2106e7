/* A table of xml_records.h reads all vectors (9,361 of a day in a precise one), then they are cut to the image: a polynomial
 * through some of them needs a few before and after, and more only cost time. */
#include "sar/eof.h"
#include "base/instant.h"
#include "base/text.h"
#include "ingest/container.h"
#include "ingest/xml.h"
#include "ingest/xml_records.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_STATES = 50000, LEAST_STATES = 8 };
static const double margin_s = 100, largest_gap_s = 60;

static const struct xml_field state_fields[] = {
    XML_TIME(struct sar_state, time_ns, "UTC"),
    XML_NUMBER(struct sar_state, position[0], "X", -8e6, 8e6),
    XML_NUMBER(struct sar_state, position[1], "Y", -8e6, 8e6),
    XML_NUMBER(struct sar_state, position[2], "Z", -8e6, 8e6),
    XML_NUMBER(struct sar_state, velocity[0], "VX", -9e3, 9e3),
    XML_NUMBER(struct sar_state, velocity[1], "VY", -9e3, 9e3),
    XML_NUMBER(struct sar_state, velocity[2], "VZ", -9e3, 9e3),
    { .path = NULL },
};

struct content {
    struct sar_orbit_file file;
    char frame[16], reference[8];
};

#define FIXED "Earth_Explorer_Header/Fixed_Header/"
#define VARIABLE "Earth_Explorer_Header/Variable_Header/"
static const struct xml_field head_fields[] = {
    XML_WORD(struct content, file.type, FIXED "File_Type"),
    XML_WORD(struct content, file.mission, FIXED "Mission"),
    XML_TIME(struct content, file.valid_from_ns, FIXED "Validity_Period/Validity_Start"),
    XML_TIME(struct content, file.valid_to_ns, FIXED "Validity_Period/Validity_Stop"),
    XML_WORD(struct content, frame, VARIABLE "Ref_Frame"),
    XML_WORD(struct content, reference, VARIABLE "Time_Reference"),
    { .path = NULL },
};

static const struct xml_record records[] = {
    XML_ROOT("Earth_Explorer_File", head_fields),
    XML_ARRAY(struct content, file.states, file.n_states, "Earth_Explorer_File/Data_Block/List_of_OSVs/OSV", state_fields,
              LEAST_STATES, MOST_STATES),
    { .path = NULL },
};

/* "20220918T053155" */
static bool compact_time(const char *text, int64_t *ret_ns)
{
    char full[24];

    if (strspn(text, "0123456789T") < 15 || text[8] != 'T')
        return false;
    snprintf(full, sizeof full, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s", text, text + 4, text + 6, text + 9, text + 11,
             text + 13);
    return instant_parse_utc_ns(full, ret_ns);
}

/* "..._V20220918T053155_20220918T084925": false when the name does not tell. */
static bool validity_of_name(const char *name, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
    const char *v = strstr(name, "_V2");

    return v && strlen(v) >= 33 && v[17] == '_' && compact_time(v + 2, ret_from_ns) && compact_time(v + 18, ret_to_ns);
}

static bool check(const struct content *content, struct err *err)
{
    const struct sar_orbit_file *file = &content->file;
    int64_t from_ns, to_ns;

    if (strcmp(content->frame, "EARTH_FIXED") || strcmp(content->reference, "UTC"))
        return err_set(err, ERR_FileContentInvalid, "%s: vectors are %s in %s, expected EARTH_FIXED in UTC", file->name,
                       content->frame, content->reference);
    if (file->valid_to_ns <= file->valid_from_ns)
        return err_set(err, ERR_FileContentInvalid, "%s: ceases to be valid before it begins to be", file->name);
    if (validity_of_name(file->name, &from_ns, &to_ns) &&
        (llabs(from_ns - file->valid_from_ns) >= 1000000000 || llabs(to_ns - file->valid_to_ns) >= 1000000000))
        return err_set(err, ERR_FileContentInvalid, "%s: is valid at other times than its name says", file->name);
    for (size_t i = 0; i < file->n_states; i++) {
        const double *p = file->states[i].position, *v = file->states[i].velocity;
        double radius = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
        double speed = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);

        if (i > 0 && file->states[i].time_ns <= file->states[i - 1].time_ns)
            return err_set(err, ERR_FileContentInvalid, "%s: OSV %zu is not later than the one before", file->name, i + 1);
        if (radius < 6.9e6 || radius > 7.3e6 || speed < 7e3 || speed > 8.2e3)
            return err_set(err, ERR_FileContentInvalid,
                           "%s: OSV %zu is %.0f m from the centre of the earth at %.0f m/s, expected 6900000 to 7300000 and "
                           "7000 to 8200",
                           file->name, i + 1, radius, speed);
    }
    return true;
}

bool sar_orbit_file_read(const char *bytes, size_t size, const char *name, struct arena *arena,
                         struct sar_orbit_file *ret_file, struct err *err)
{
    struct content content = { 0 };
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;

    content.file.name = arena_printf(arena, "%.*s", (int)strcspn(base, "."), base);
    if (!xml_read_records(bytes, size, content.file.name, records, arena, &content, err) || !check(&content, err))
        return false;
    *ret_file = content.file;
    return true;
}

/* A folder of one file is no orbit file, but a container of one: only zips are looked into. */
bool sar_orbit_file_open(const char *path, struct arena *arena, struct sar_orbit_file *ret_file, struct err *err)
{
    const char *slash = strrchr(path, '/'), *member = NULL;
    AUTO(container) struct container *container = NULL;
    AUTO(mem) char *bytes = NULL, *folder = slash ? mem_textn(path, (size_t)(slash - path)) : mem_text(".");
    size_t size = 0;

    if (!text_ends(path, ".zip")) {
        struct container plain = { .path = *folder ? folder : "/" };

        return container_read(&plain, slash ? slash + 1 : path, XML_MAX_BYTES, &bytes, &size, err) &&
               sar_orbit_file_read(bytes, size, path, arena, ret_file, err);
    }
    if (!container_open(path, &container, err))
        return false;
    for (size_t i = 0; i < container->n_files; i++)
        if (text_ends(container->files[i], ".EOF") && !member)
            member = container->files[i];
    if (!member)
        return err_set(err, ERR_FileContentInvalid, "%s: holds no file '*.EOF'", path);
    return container_read(container, member, XML_MAX_BYTES, &bytes, &size, err) &&
           sar_orbit_file_read(bytes, size, member, arena, ret_file, err);
}

/* "S1A_OPER_AUX_POEORB_OPOD_20221008T081539_V20220917T225942_20220919T005942.EOF" for this image: how good it is, else NULL. Texts
 * compare as the files do: P before R, then the later creation. */
static const char *rank_of(const char *name, const struct sar_annotation *a)
{
    static const char kind[] = "_OPER_AUX_";
    int64_t from_ns, to_ns;

    if (strncmp(name, a->mission, 3) || strncmp(name + 3, kind, strlen(kind)) ||
        !(text_ends(name, ".EOF") || text_ends(name, ".EOF.zip")) || !validity_of_name(name, &from_ns, &to_ns) ||
        a->first_line_ns < from_ns || a->last_line_ns > to_ns)
        return NULL;
    return name + 3 + strlen(kind);
}

static bool is_better(const char *rank, const char *best)
{
    if (!best || (rank[0] == 'P') != (best[0] == 'P'))
        return !best || rank[0] == 'P';
    return strcmp(rank, best) > 0;
}

bool sar_orbit_file_find(const char *folder, const struct sar_annotation *annotation, struct arena *arena,
                         struct sar_orbit_file *ret_file, bool *ret_found, struct err *err)
{
    DIR *dir = opendir(folder);
    const char *best = NULL, *rank;

    *ret_found = false;
    if (!dir)
        return err_set(err, ERR_FileNotFound, "%s: %m", folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        if ((rank = rank_of(entry->d_name, annotation)) && is_better(rank, best ? rank_of(best, annotation) : NULL))
            best = arena_text(arena, entry->d_name);
    closedir(dir);
    if (!best)
        return true;
    *ret_found = true;
    return sar_orbit_file_open(arena_printf(arena, "%s/%s", folder, best), arena, ret_file, err);
}

/* "Sentinel-1A" and "S1A" */
static bool same_mission(const struct sar_orbit_file *file, const struct sar_annotation *annotation)
{
    return text_begins(file->mission, "Sentinel-1") && file->mission[10] == annotation->mission[2];
}

static bool is_valid_for(const struct sar_orbit_file *file, const struct sar_annotation *annotation)
{
    return annotation->first_line_ns >= file->valid_from_ns && annotation->last_line_ns <= file->valid_to_ns &&
           annotation->first_line_ns >= file->states[0].time_ns &&
           annotation->last_line_ns <= file->states[file->n_states - 1].time_ns;
}

bool sar_orbit_file_covers(const struct sar_orbit_file *file, const struct sar_annotation *annotation)
{
    return same_mission(file, annotation) && is_valid_for(file, annotation);
}

static bool refuse_times(const struct sar_orbit_file *file, const struct sar_annotation *a, struct err *err)
{
    char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE], first[INSTANT_TEXT_SIZE], last[INSTANT_TEXT_SIZE];

    return err_set(err, ERR_FileContentInvalid, "%s: is valid from %s to %s, but the image was taken from %s to %s",
                   file->name, instant_format(file->valid_from_ns / 1000000, from),
                   instant_format(file->valid_to_ns / 1000000, to), instant_format(a->first_line_ns / 1000000, first),
                   instant_format(a->last_line_ns / 1000000, last));
}

bool sar_orbit_file_apply(const struct sar_orbit_file *file, struct arena *arena, struct sar_annotation *a, struct err *err)
{
    double last = sar_annotation_seconds(a, a->last_line_ns);
    struct sar_state *states;
    size_t n = 0;

    if (!same_mission(file, a))
        return err_set(err, ERR_FileContentInvalid, "%s: is of %s, but the image was taken by %s", file->name, file->mission,
                       a->mission);
    if (!is_valid_for(file, a))
        return refuse_times(file, a, err);
    states = arena_array(arena, file->n_states, sizeof *states);
    for (size_t i = 0; i < file->n_states; i++) {
        states[n] = file->states[i];
        states[n].t = sar_annotation_seconds(a, states[n].time_ns);
        if (states[n].t < -margin_s || states[n].t > last + margin_s)
            continue;
        if (n > 0 && states[n].t - states[n - 1].t > largest_gap_s)
            return err_set(err, ERR_FileContentInvalid, "%s: has a gap of %.0f s around the image, expected vectors every 10 s",
                           file->name, states[n].t - states[n - 1].t);
        n++;
    }
    if (n < LEAST_STATES || states[0].t > 0 || states[n - 1].t < last)
        return err_set(err, ERR_FileContentInvalid, "%s: has %zu vectors around the image, expected at least %d, before and after",
                       file->name, n, LEAST_STATES);
    a->states = states;
    a->n_states = n;
    return true;
}
