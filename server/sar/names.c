/* Product titles have fixed places: each part is taken where it stands, and all that is not told by the title (whether
 * there is such a product) is somebody else's question. */
#include "sar/names.h"
#include "base/instant.h"
#include "base/mem.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TITLE = 67, FOLLOWS_MS = 2000 };

/* # a digit, ? a hexadecimal one, @ an upper case letter, * one or a digit (of IW, EW, S1 to S6); all else stands for itself */
static const char pattern[] = "S1@_@*_GRD@_1S@@_########T######_########T######_######_??????_????";

static bool fits(const char *title)
{
    for (size_t i = 0; i < TITLE; i++) {
        unsigned char c = (unsigned char)title[i];
        char kind = pattern[i];

        if (kind == '#' ? !isdigit(c) : kind == '?' ? !isxdigit(c) : kind == '@' ? !isupper(c)
            : kind == '*' ? !isupper(c) && !isdigit(c) : c != (unsigned char)kind)
            return false;
    }
    return true;
}

static bool may_end_so(const char *end)
{
    static const char *const ends[] = { "", ".SAFE", ".zip", ".SAFE.zip", "_COG", "_COG.SAFE", "_COG.zip", "_COG.SAFE.zip", "-cog", "-cog.SAFE" };

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (!strcmp(end, ends[i]))
            return true;
    return false;
}

/* 20210119T031653 */
static bool read_time(const char *text, int64_t *ret_ms)
{
    char whole[INSTANT_TEXT_SIZE];

    snprintf(whole, sizeof whole, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6, text + 9, text + 11, text + 13);
    return instant_parse(whole, ret_ms);
}

bool product_title_read(const char *title, struct product_title *ret_title, struct err *err)
{
    struct product_title t = { 0 };
    char digits[7];

    if (strlen(title) < TITLE || !fits(title) || !may_end_so(title + TITLE))
        return err_set(err, ERR_InvalidParameter,
                       "'%.100s' is no title of a Sentinel-1 GRD product. Expected one like "
                       "S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255.", title);
    memcpy(t.platform, title, 3);
    memcpy(t.mode, title + 4, 2);
    t.resolution = title[10];
    memcpy(t.polarisation, title + 14, 2);
    memcpy(digits, title + 49, 6);
    digits[6] = '\0';
    t.absolute_orbit = atoi(digits);
    memcpy(t.take, title + 56, 6);
    memcpy(t.digits, title + 63, 4);
    if (!read_time(title + 17, &t.start_ms) || !read_time(title + 33, &t.stop_ms) || t.stop_ms < t.start_ms)
        return err_set(err, ERR_InvalidParameter, "'%.100s': its times are none.", title);
    if (!strchr("SD", t.polarisation[0]) || !strchr("HV", t.polarisation[1]))
        return err_set(err, ERR_InvalidParameter, "'%.100s': its polarisation is '%s'. Expected SH, SV, DH or DV.", title,
                       t.polarisation);
    *ret_title = t;
    return true;
}

void product_title_polarisations(const struct product_title *title, const char *ret_names[2], int *ret_count)
{
    bool vertical = title->polarisation[1] == 'V';

    ret_names[0] = vertical ? "VV" : "HH";
    ret_names[1] = vertical ? "VH" : "HV";
    *ret_count = title->polarisation[0] == 'D' ? 2 : 1;
}

bool product_title_follows(const struct product_title *first, const struct product_title *second)
{
    return !strcmp(first->platform, second->platform) && first->absolute_orbit == second->absolute_orbit &&
           !strcmp(first->polarisation, second->polarisation) && !strcmp(first->mode, second->mode) &&
           second->start_ms > first->start_ms && second->start_ms - first->stop_ms <= FOLLOWS_MS;
}

static void lower(const char *text, char *ret, size_t size)
{
    size_t i = 0;

    for (; text[i] && i + 1 < size; i++)
        ret[i] = (char)tolower((unsigned char)text[i]);
    ret[i] = '\0';
}

const char *ortho_suffix(const char *calibration, bool filtered)
{
    static const struct { const char *calibration, *suffixes[2]; } rows[] = {
        { "gamma0-terrain", { "_GammaNaughtRTC", "_GammaNaughtRTC_filtered" } },
        { "sigma0-terrain", { "_SigmaNaughtRTC", "_SigmaNaughtRTC_filtered" } },
        { "sigma0-normlim", { "_NormLim", "_NormLim_filtered" } },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(calibration, rows[i].calibration))
            return rows[i].suffixes[filtered];
    return filtered ? "_filtered" : "";
}

char *ortho_name(const struct ortho_name *name)
{
    char platform[8], polarisation[8], time[INSTANT_TEXT_SIZE], clock[7] = "xxxxxx";

    lower(name->platform, platform, sizeof platform);
    lower(name->polarisation, polarisation, sizeof polarisation);
    instant_format(name->start_ms, time);
    if (!name->joined)
        snprintf(clock, sizeof clock, "%.2s%.2s%.2s", time + 11, time + 14, time + 17);
    return mem_printf("%s_%s_%s_%s_%03d_%.4s%.2s%.2st%s%s.tif", platform, name->tile, polarisation,
                      name->ascending ? "ASC" : "DES", name->relative_orbit, time, time + 5, time + 8, clock,
                      name->suffix ? name->suffix : "");
}

char *ortho_layer_name(const struct ortho_name *name, const char *layer)
{
    char platform[8];

    lower(name->platform, platform, sizeof platform);
    return mem_printf("%s_%s_%s_%s_%03d.tif", layer, platform, name->tile, name->ascending ? "ASC" : "DES", name->relative_orbit);
}
