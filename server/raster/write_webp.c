/* WebP by libwebp: a film, or a picture where there is one date. */
#include "raster/show.h"
#include <webp/encode.h>
#include <webp/mux.h>

enum { METHOD = 3 /* of 0, quick, to 6, small */ };

static bool failed(const char *reason, struct err *err)
{
    return err_set(err, ERR_Internal, "A WebP could not be made: %s", reason && *reason ? reason : "no memory");
}

static bool put(WebPAnimEncoder *encoder, const struct show *show, const WebPConfig *config, const struct picture *picture, int at_ms,
                struct err *err)
{
    WebPPicture webp;
    bool ok;

    if (!WebPPictureInit(&webp))
        return failed("another version of libwebp", err);
    webp.width = show->width;
    webp.height = show->height;
    webp.use_argb = 1;
    ok = WebPPictureImportBGRX(&webp, (const uint8_t *)picture->pixels, 4 * show->width) &&
         WebPAnimEncoderAdd(encoder, &webp, at_ms, config);
    WebPPictureFree(&webp);
    return ok || failed(WebPAnimEncoderGetError(encoder), err);
}

static bool put_all(WebPAnimEncoder *encoder, struct show *show, WebPData *ret_data, struct err *err)
{
    struct picture picture;
    WebPConfig config;
    int at_ms = 0;

    if (!WebPConfigInit(&config))
        return failed("another version of libwebp", err);
    config.quality = (float)show->quality;
    config.method = METHOD;
    config.use_sharp_yuv = 1; /* for letters */
    for (size_t i = 0; i < show->count; i++) {
        if (!show_next(show, &picture, err) || !put(encoder, show, &config, &picture, at_ms, err))
            return false;
        at_ms += (int)picture.ms;
    }
    return (WebPAnimEncoderAdd(encoder, NULL, at_ms, NULL) && WebPAnimEncoderAssemble(encoder, ret_data)) ||
           failed(WebPAnimEncoderGetError(encoder), err);
}

bool write_webp(struct show *show, struct err *err)
{
    WebPAnimEncoderOptions options;
    WebPAnimEncoder *encoder;
    WebPData data;
    bool ok;

    WebPDataInit(&data);
    if (!WebPAnimEncoderOptionsInit(&options))
        return failed("another version of libwebp", err);
    options.anim_params.loop_count = show->loop ? 0 : 1;
    encoder = WebPAnimEncoderNew(show->width, show->height, &options);
    if (!encoder)
        return failed(NULL, err);
    ok = put_all(encoder, show, &data, err) && sink_write(show->path, data.bytes, data.size, err);
    WebPDataClear(&data);
    WebPAnimEncoderDelete(encoder);
    return ok;
}
