/* What every document of the service has. */
#include "api/common/page.h"
#include "api/wps/wps.h"
#include "json/js.h"
#include <string.h>

bool wps_send(struct reply *reply, struct text *xml)
{
    AUTO(text) struct text body = *xml;
    char *whole;
    size_t size;

    *xml = (struct text){ 0 };
    for (size_t i = 0; i < body.length; i++)
        if ((unsigned char)body.data[i] < ' ' && !strchr("\t\r\n", body.data[i]))
            body.data[i] = '?';
    whole = mem_printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n%s\n", body.data);
    size = strlen(whole);
    return reply_bytes(reply, 200, whole, size, WPS_MEDIA);
}

void wps_add_element(struct text *xml, const char *name, const char *text)
{
    if (text)
        page_add(xml, "<%s>%s</%s>", name, text, name);
}

void wps_add_identity(struct text *xml, enum ows_version version, const char *id,
                      const json_t *description)
{
    const char *title = js_text(description, "title");
    const json_t *keywords = json_object_get(description, "keywords");
    size_t i;
    json_t *word;

    if (version == OWS_1_1)
        wps_add_element(xml, "ows:Identifier", id);
    wps_add_element(xml, "ows:Title", title ? title : id);
    wps_add_element(xml, "ows:Abstract", js_text(description, "description"));
    if (version == OWS_1_1)
        return;
    if (json_array_size(keywords)) {
        text_add(xml, "<ows:Keywords>");
        json_array_foreach((json_t *)keywords, i, word)
            wps_add_element(xml, "ows:Keyword", json_string_value(word));
        text_add(xml, "</ows:Keywords>");
    }
    wps_add_element(xml, "ows:Identifier", id);
}
