/* A walk over libxml2's tree in document order. The files are flat lists of a few thousand elements:
 * searching by name costs microseconds and needs no XPath. */
#include "ingest/xml.h"
#include "base/text.h"
#include <ctype.h>
#include <libxml/parser.h>
#include <string.h>

/* Called where a document type begins: before anything that it declares is read. */
static void refuse_type(void *parser, const xmlChar *name, const xmlChar *external,
                        const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    ((xmlParserCtxt *)parser)->_private = parser; /* notes why */
    xmlStopParser(parser);
}

bool xml_parse(const char *bytes, size_t size, const char *name, xmlDocPtr *ret_doc,
               struct err *err)
{
    AUTO(xmlDocPtr) xmlDocPtr doc = NULL;
    const xmlError *problem;
    xmlParserCtxt *parser;

    if (size > XML_MAX_BYTES)
        return err_set(err, ERR_FileContentInvalid, "%s: is larger than %d MB", name,
                       XML_MAX_BYTES >> 20);
    parser = xmlNewParserCtxt();
    parser->sax->internalSubset = refuse_type;
    doc = xmlCtxtReadMemory(parser, bytes, (int)size, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_NOBLANKS);
    problem = xmlCtxtGetLastError(parser);
    if (parser->disableSAX && parser->_private)
        err_set(err, ERR_FileContentInvalid,
                "%s: declares a document type (DOCTYPE), which is not accepted", name);
    else if (!doc)
        err_set(err, ERR_FileContentInvalid, "%s: no well-formed XML, line %d: %.200s", name,
                problem ? problem->line : 0,
                problem && problem->message ? problem->message : "unknown");
    xmlFreeParserCtxt(parser);
    if (err->code)
        return false;
    if (!xmlDocGetRootElement(doc))
        return err_set(err, ERR_FileContentInvalid, "%s: has no element", name);
    *ret_doc = doc;
    doc = NULL;
    return true;
}

/* The node after `node` in document order, not leaving `within`. */
static xmlNode *following(const xmlNode *within, xmlNode *node)
{
    if (node->children && node->type == XML_ELEMENT_NODE)
        return node->children;
    while (node && node != within && !node->next)
        node = node->parent;
    return !node || node == within ? NULL : node->next;
}

xmlNode *xml_find(xmlNode *within, const char *name, xmlNode *after)
{
    if (!within)
        return NULL;
    for (xmlNode *n = following(within, after ? after : within); n; n = following(within, n))
        if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, name))
            return n;
    return NULL;
}

static const char *trimmed(xmlChar *taken, struct arena *arena)
{
    char *start = (char *)taken, *end, *copy;

    if (!taken)
        return NULL;
    while (isspace((unsigned char)*start))
        start++;
    end = start + strlen(start);
    while (end > start && isspace((unsigned char)end[-1]))
        *--end = '\0';
    copy = arena_text(arena, start);
    xmlFree(taken);
    return copy;
}

xmlNode *xml_child(const xmlNode *parent, const char *name, const xmlNode *after)
{
    xmlNode *n = after ? after->next : parent ? parent->children : NULL;

    while (n && (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, name)))
        n = n->next;
    return n;
}

const char *xml_content(xmlNode *node, struct arena *arena)
{
    xmlBuffer *buffer;
    const char *copy;

    if (!xmlFirstElementChild(node))
        return xml_own_text(node, arena);
    buffer = xmlBufferCreate();
    for (xmlNode *n = node->children; n; n = n->next)
        xmlNodeDump(buffer, node->doc, n, 0, 0);
    copy = arena_text(arena, (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return copy;
}

const char *xml_own_text(const xmlNode *node, struct arena *arena)
{
    return node ? trimmed(xmlNodeGetContent(node), arena) : NULL;
}

const char *xml_text(xmlNode *within, const char *name, struct arena *arena)
{
    return xml_own_text(xml_find(within, name, NULL), arena);
}

const char *xml_attribute(const xmlNode *node, const char *name, struct arena *arena)
{
    return node ? trimmed(xmlGetProp(node, (const xmlChar *)name), arena) : NULL;
}

bool xml_number(xmlNode *within, const char *name, double *ret_number)
{
    AUTO(arena) struct arena *arena = arena_new();
    const char *text = xml_text(within, name, arena);

    return text && text_to_number(text, ret_number);
}
