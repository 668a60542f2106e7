/* What no row of the table names is an InvalidParameterValue when the client can change it, else
 * NoApplicableCode. */
#include "http/ows.h"
#include "base/text.h"

static const struct {
    enum err_code error;
    const char *code;
} codes[] = {
    {ERR_MethodNotAllowed, "OperationNotSupported"},
    {ERR_FeatureUnsupported, "OperationNotSupported"},
    {ERR_InfrastructureBusy, "ServerBusy"},
    {ERR_TooManyRequests, "ServerBusy"},
    {ERR_PayloadTooLarge, "FileSizeExceeded"},
    {ERR_FileSizeExceeded, "FileSizeExceeded"},
    {ERR_StorageQuotaExceeded, "NotEnoughStorage"},
    {ERR_NotFound, "NoApplicableCode"},
};

const char *ows_code(enum err_code code)
{
    int status = err_status(code);

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].error == code)
            return codes[i].code;
    return status == 400 || status == 404 ? "InvalidParameterValue" : "NoApplicableCode";
}

char *ows_report(enum ows_version version, const char *code, const char *locator,
                 const char *message)
{
    struct text xml = {0};

    text_printf(&xml,
                "<ows:ExceptionReport xmlns:ows=\"http://www.opengis.net/ows/%s\" version=\"%s\" "
                "xml:lang=\"en\">"
                "<ows:Exception exceptionCode=\"%s\"",
                version == OWS_2_0 ? "2.0" : "1.1", version == OWS_2_0 ? "2.0.0" : "1.0.0", code);
    if (locator) {
        text_add(&xml, " locator=\"");
        text_add_html(&xml, locator);
        text_add(&xml, "\"");
    }
    text_add(&xml, "><ows:ExceptionText>");
    text_add_html(&xml, message);
    text_add(&xml, "</ows:ExceptionText></ows:Exception></ows:ExceptionReport>");
    return text_take(&xml);
}
