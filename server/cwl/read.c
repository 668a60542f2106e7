/* A document is made uniform once, so that nothing later asks in which of several ways something was
 * written: maps become lists with ids, short types are spelled out, names of types are replaced by what they
 * name, ids lose their document and their process. Processes of other files join the graph. */
#include "cwl/cwl.h"
#include "base/text.h"
#include "json/js.h"
#include "json/yaml.h"
#include <string.h>

enum { MAX_DEPTH = 60, MAX_FILES = 200, MAX_TYPE_DEPTH = 30 };

struct reading {
    const struct cwl_reader *reader;
    json_t *graph;  /* id: process */
    size_t n_files;
    json_t *loaded; /* address of a file: id of its main process */
};

static bool add_document(struct reading *r, const char *bytes, size_t size, const char *base, const char *prefix,
                         const char *main_id, char **ret_main, struct err *err);

/* The last part of "file.cwl#main/step/in". */
static const char *plain_id(const char *id)
{
    const char *slash = strrchr(id, '/'), *mark = strrchr(id, '#');

    if (slash && (!mark || slash > mark))
        return slash + 1;
    return mark ? mark + 1 : id;
}

/* ---- lists ---- */

/* {name: value} -> [{key: name, ...}]; a value that is no object becomes {key: name, single: value}. */
static json_t *list_of(json_t *value, const char *key, const char *single)
{
    json_t *list, *one;
    const char *name;

    if (!json_is_object(value) || json_object_get(value, "class"))
        return json_is_array(value) ? json_incref(value) : json_array();
    list = json_array();
    json_object_foreach(value, name, one)
    {
        json_t *entry = json_is_object(one) && (!single || strcmp(single, "type") || json_object_get(one, "type"))
                            ? json_copy(one)
                            : json_object();

        if (single && (!json_is_object(one) || json_object_size(entry) == 0) && !json_is_null(one))
            json_object_set(entry, single, one);
        json_object_set_new(entry, key, json_string(name));
        json_array_append_new(list, entry);
    }
    return list;
}

static void make_list(json_t *object, const char *name, const char *key, const char *single)
{
    json_t *value = json_object_get(object, name);

    if (value)
        json_object_set_new(object, name, list_of(value, key, single));
}

static void make_array(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    if (value && !json_is_array(value))
        json_object_set_new(object, name, json_pack("[O]", value));
}

/* ---- types ---- */

static const json_t *named_type(const json_t *names, const char *name)
{
    const char *plain = plain_id(name);

    return json_object_get(names, plain);
}

static bool spell_type(json_t *type, const json_t *names, int depth, json_t **ret_type, struct err *err);

static bool spell_word(const char *word, const json_t *names, int depth, json_t **ret_type, struct err *err)
{
    static const char *const words[] = { "null", "boolean", "int", "long", "float", "double", "string", "File",
                                         "Directory", "Any", "stdin", "stdout", "stderr" };
    size_t length = strlen(word);
    AUTO(json) json_t *inner = NULL;

    if (length > 1 && word[length - 1] == '?') {
        AUTO(mem) char *bare = mem_textn(word, length - 1);

        if (!spell_word(bare, names, depth + 1, &inner, err))
            return false;
        *ret_type = json_pack("[s, O]", "null", inner);
        return true;
    }
    if (length > 2 && !strcmp(word + length - 2, "[]")) {
        AUTO(mem) char *bare = mem_textn(word, length - 2);

        if (!spell_word(bare, names, depth + 1, &inner, err))
            return false;
        *ret_type = json_pack("{s:s, s:O}", "type", "array", "items", inner);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!strcmp(word, words[i])) {
            *ret_type = json_string(word);
            return true;
        }
    if (named_type(names, word) && depth < MAX_TYPE_DEPTH)
        return spell_type((json_t *)named_type(names, word), names, depth + 1, ret_type, err);
    return err_set(err, ERR_BadRequest, "The type '%.100s' is none that CWL or SchemaDefRequirement defines.", word);
}

static bool spell_fields(json_t *type, const json_t *names, int depth, struct err *err)
{
    json_t *field;
    size_t i;

    make_list(type, "fields", "name", "type");
    json_array_foreach(json_object_get(type, "fields"), i, field)
    {
        json_t *inner;

        if (!json_is_string(json_object_get(field, "name")))
            return err_set(err, ERR_BadRequest, "A field of a record has no name.");
        json_object_set_new(field, "name", json_string(plain_id(js_text(field, "name"))));
        if (!spell_type(json_object_get(field, "type"), names, depth + 1, &inner, err))
            return false;
        json_object_set_new(field, "type", inner);
    }
    return true;
}

static bool spell_object(json_t *type, const json_t *names, int depth, json_t **ret_type, struct err *err)
{
    const char *kind = js_text(type, "type");
    AUTO(json) json_t *copy = json_deep_copy(type);
    json_t *inner;
    size_t i;

    if (kind && !strcmp(kind, "array")) {
        if (!spell_type(json_object_get(copy, "items"), names, depth + 1, &inner, err))
            return false;
        json_object_set_new(copy, "items", inner);
    } else if (kind && !strcmp(kind, "record")) {
        if (!spell_fields(copy, names, depth, err))
            return false;
    } else if (kind && !strcmp(kind, "enum")) {
        json_t *symbols = json_object_get(copy, "symbols");

        for (i = 0; i < json_array_size(symbols); i++) {
            const char *symbol = json_string_value(json_array_get(symbols, i));

            json_array_set_new(symbols, i, json_string(symbol ? plain_id(symbol) : ""));
        }
    } else {
        return spell_type(json_object_get(type, "type"), names, depth + 1, ret_type, err);
    }
    *ret_type = json_incref(copy);
    return true;
}

static bool spell_type(json_t *type, const json_t *names, int depth, json_t **ret_type, struct err *err)
{
    json_t *one, *inner;
    size_t i;

    if (depth > MAX_TYPE_DEPTH)
        return err_set(err, ERR_BadRequest, "A type is nested too deeply, or names itself.");
    if (json_is_string(type))
        return spell_word(json_string_value(type), names, depth, ret_type, err);
    if (json_is_object(type))
        return spell_object(type, names, depth, ret_type, err);
    if (!json_is_array(type))
        return js_refuse(type, "type", "a name, an object or a list of these", err);
    AUTO(json) json_t *list = json_array();

    json_array_foreach(type, i, one)
    {
        if (!spell_type(one, names, depth + 1, &inner, err))
            return false;
        if (json_is_array(inner)) { /* a union in a union */
            json_array_extend(list, inner);
            json_decref(inner);
        } else {
            json_array_append_new(list, inner);
        }
    }
    *ret_type = json_incref(list);
    return true;
}

static void add_names(json_t *type, json_t *names)
{
    const char *name = js_text(type, "name");
    json_t *one;
    size_t i;

    if (name)
        json_object_set(names, plain_id(name), type);
    json_array_foreach(type, i, one) /* of an import */
        add_names(one, names);
}

static json_t *type_names(const json_t *process)
{
    const json_t *definition = cwl_requirement(process, "SchemaDefRequirement", NULL);
    json_t *names = json_object(), *one;
    size_t i;

    json_array_foreach(json_object_get(definition, "types"), i, one)
        add_names(one, names);
    return names;
}

/* ---- processes ---- */

static bool check_secondary(const json_t *process, const char *member, const json_t *parameter, struct err *err)
{
    const json_t *wanted = json_object_get(parameter, "secondaryFiles"), *first = json_is_array(wanted) ? json_array_get(wanted, 0) : wanted;
    const char *version = js_text(process, "cwlVersion");

    return !json_is_object(first) || !version || strcmp(version, "v1.0") ||
           err_set(err, ERR_BadRequest, "/%s/%s/secondaryFiles: objects came with CWL v1.1", member, js_text(parameter, "id"));
}

static bool spell_parameters(json_t *process, const char *member, const json_t *names, struct err *err)
{
    json_t *one, *type;
    size_t i;

    make_list(process, member, "id", "type");
    json_array_foreach(json_object_get(process, member), i, one)
    {
        const char *id = js_text(one, "id");

        if (!id)
            return err_set(err, ERR_BadRequest, "/%s/%zu: has no id", member, i);
        json_object_set_new(one, "id", json_string(plain_id(id)));
        if (!check_secondary(process, member, one, err))
            return false;
        if (json_object_get(one, "type")) {
            if (!spell_type(json_object_get(one, "type"), names, 0, &type, err))
                return err_prefix(err, "/%s/%s", member, js_text(one, "id"));
            json_object_set_new(one, "type", type);
        } else {
            json_object_set_new(one, "type", json_string("Any"));
        }
    }
    return true;
}

/* "#main/step/out" -> "step/out", "#main/in" -> "in" */
static json_t *plain_source(const json_t *source, const char *process_id)
{
    const char *text = json_string_value(source), *mark;
    size_t length = strlen(process_id);

    if (!text)
        return json_null();
    mark = strchr(text, '#');
    text = mark ? mark + 1 : text;
    if (!strncmp(text, process_id, length) && text[length] == '/')
        text += length + 1;
    return json_string(text);
}

static void plain_sources(json_t *object, const char *member, const char *process_id)
{
    json_t *value = json_object_get(object, member), *one;
    size_t i;

    if (json_is_string(value)) {
        json_object_set_new(object, member, plain_source(value, process_id));
    } else if (json_is_array(value)) {
        json_t *list = json_array();

        json_array_foreach(value, i, one)
            json_array_append_new(list, plain_source(one, process_id));
        json_object_set_new(object, member, list);
    }
}

static bool add_process(struct reading *r, json_t *process, const char *prefix, const char *base,
                        const char *fallback_id, const char **ret_id, struct err *err);

/* `run` is a process, "#id" of this document, or a file with or without "#id". */
static bool resolve_run(struct reading *r, json_t *step, const char *prefix, const char *base, const char *name,
                        struct err *err)
{
    json_t *run = json_object_get(step, "run");
    const char *text = json_string_value(run), *id, *mark;
    AUTO(mem) char *bytes = NULL, *address = NULL, *main_id = NULL, *file = NULL;
    size_t size;

    if (json_is_object(run)) {
        if (!add_process(r, run, prefix, base, name, &id, err))
            return false;
        json_object_set_new(step, "run", json_string(id));
        return true;
    }
    if (!text)
        return js_refuse(run, "/run", "a process or the name of one", err);
    mark = strchr(text, '#');
    if (mark == text) {
        json_object_set_new(step, "run", json_pack("s+", prefix, text + 1));
        return true;
    }
    if (!r->reader)
        return err_set(err, ERR_BadRequest, "run: '%.200s' is another file; send a packed document ($graph).", text);
    file = mem_textn(text, mark ? (size_t)(mark - text) : strlen(text));
    if (++r->n_files > MAX_FILES)
        return err_set(err, ERR_BadRequest, "More than %d files belong to the document.", MAX_FILES);
    if (!r->reader->read(r->reader->context, file, base, &bytes, &size, &address, err))
        return false;
    AUTO(mem) char *own = mem_printf("%s%zu:", prefix, r->n_files);

    if (!add_document(r, bytes, size, address, own, mark ? mark + 1 : NULL, &main_id, err))
        return err_prefix(err, "%s", file);
    json_object_set_new(step, "run", json_string(main_id));
    return true;
}

static bool is_newest(const json_t *process)
{
    const char *version = js_text(process, "cwlVersion");

    return !version || !strcmp(version, "v1.2");
}

static bool spell_steps(struct reading *r, json_t *process, const char *prefix, const char *base,
                        const char *process_id, struct err *err)
{
    json_t *step, *in;
    size_t i, k;

    make_list(process, "steps", "id", NULL);
    json_array_foreach(json_object_get(process, "steps"), i, step)
    {
        const char *id = js_text(step, "id");

        if (!id)
            return err_set(err, ERR_BadRequest, "/steps/%zu: has no id", i);
        json_object_set_new(step, "id", json_string(plain_id(id)));
        AUTO(mem) char *name = mem_printf("%s/%s", process_id, js_text(step, "id"));

        if (json_object_get(step, "when") && !is_newest(process))
            return err_set(err, ERR_BadRequest, "/steps/%s/when: came with CWL v1.2", plain_id(id));
        make_list(step, "requirements", "class", NULL);
        make_list(step, "hints", "class", NULL);
        make_list(step, "in", "id", "source");
        json_array_foreach(json_object_get(step, "in"), k, in)
        {
            const char *in_id = js_text(in, "id");

            json_object_set_new(in, "id", json_string(plain_id(in_id ? in_id : "")));
            plain_sources(in, "source", process_id);
        }
        make_array(step, "out");
        json_array_foreach(json_object_get(step, "out"), k, in)
        {
            const char *out = json_is_object(in) ? js_text(in, "id") : json_string_value(in);

            json_array_set_new(json_object_get(step, "out"), k, json_string(plain_id(out ? out : "")));
        }
        make_array(step, "scatter");
        for (k = 0; k < json_array_size(json_object_get(step, "scatter")); k++) {
            const char *port = json_string_value(json_array_get(json_object_get(step, "scatter"), k));

            json_array_set_new(json_object_get(step, "scatter"), k, json_string(plain_id(port ? port : "")));
        }
        if (!resolve_run(r, step, prefix, base, name, err))
            return err_prefix(err, "/steps/%s", js_text(step, "id"));
    }
    return true;
}

static bool add_process(struct reading *r, json_t *process, const char *prefix, const char *base,
                        const char *fallback_id, const char **ret_id, struct err *err)
{
    static const char *const classes[] = { "CommandLineTool", "Workflow", "ExpressionTool" };
    const char *class_name = js_text(process, "class");
    const char *id = js_text(process, "id");
    AUTO(mem) char *own = NULL, *key = NULL;
    AUTO(json) json_t *names = NULL;
    size_t i = 0, k;
    json_t *output;

    while (i < ARRAY_LEN(classes) && (!class_name || strcmp(classes[i], class_name)))
        i++;
    if (i == ARRAY_LEN(classes))
        return err_set(err, ERR_BadRequest, "/class: expected CommandLineTool, Workflow or ExpressionTool, found '%.60s'",
                       class_name ? class_name : "nothing");
    own = mem_text(id ? (strchr(id, '#') ? strrchr(id, '#') + 1 : id) : fallback_id);
    key = mem_printf("%s%s", prefix, own);
    make_list(process, "requirements", "class", NULL);
    make_list(process, "hints", "class", NULL);
    names = type_names(process);
    if (!spell_parameters(process, "inputs", names, err) || !spell_parameters(process, "outputs", names, err))
        return false;
    make_array(process, "baseCommand");
    make_array(process, "arguments");
    json_array_foreach(json_object_get(process, "outputs"), k, output)
        plain_sources(output, "outputSource", own);
    if (!strcmp(class_name, "Workflow") && !spell_steps(r, process, prefix, base, own, err))
        return false;
    json_object_set_new(process, "id", json_string(key));
    json_object_set(r->graph, key, process);
    *ret_id = js_text(process, "id");
    return true;
}

/* ---- documents ---- */

/* $import takes a document's place, $include its text. */
static bool include(struct reading *r, json_t *value, const char *base, int depth, json_t **ret_value,
                    struct err *err)
{
    const char *import = js_text(value, "$import");
    const char *text = js_text(value, "$include"), *key;
    AUTO(mem) char *bytes = NULL, *address = NULL;
    size_t size, i;
    json_t *one, *made;

    *ret_value = NULL;
    if (depth > MAX_DEPTH)
        return err_set(err, ERR_BadRequest, "The document is nested too deeply.");
    if (import || text) {
        if (!r->reader || ++r->n_files > MAX_FILES)
            return err_set(err, ERR_BadRequest, "'%.200s' is another file; send a document that is whole.",
                           import ? import : text);
        if (!r->reader->read(r->reader->context, import ? import : text, base, &bytes, &size, &address, err))
            return false;
        if (text) {
            *ret_value = json_stringn(bytes, size);
            return *ret_value || err_set(err, ERR_BadRequest, "%.200s: is no UTF-8", text);
        }
        AUTO(json) json_t *other = NULL;

        if (!yaml_parse(bytes, size, MAX_DEPTH, &other, err) || !include(r, other, address, depth + 1, &made, err))
            return err_prefix(err, "%.200s", import);
        *ret_value = made ? made : json_incref(other);
        return true;
    }
    json_array_foreach(value, i, one)
    {
        if (!include(r, one, base, depth + 1, &made, err))
            return false;
        if (made)
            json_array_set_new(value, i, made);
    }
    json_object_foreach(value, key, one)
    {
        if (!include(r, one, base, depth + 1, &made, err))
            return false;
        if (made)
            json_object_set_new(value, key, made);
    }
    return true;
}

static bool check_version(const json_t *document, struct err *err)
{
    static const char *const known[] = { "v1.0", "v1.1", "v1.2" };
    const char *version = js_text(document, "cwlVersion");

    for (size_t i = 0; version && i < ARRAY_LEN(known); i++)
        if (!strcmp(version, known[i]))
            return true;
    return err_set(err, ERR_BadRequest, "/cwlVersion: expected v1.0, v1.1 or v1.2, found '%.40s'",
                   version ? version : "nothing");
}

static const char *choose_main(json_t *graph, const char *main_id)
{
    const char *first = NULL, *named = NULL;
    json_t *one;
    size_t i;

    json_array_foreach(graph, i, one)
    {
        const char *id = js_text(one, "id");
        const char *plain = id ? (strchr(id, '#') ? strrchr(id, '#') + 1 : id) : "";

        if (main_id && !strcmp(plain, main_id))
            return plain;
        if (!strcmp(plain, "main"))
            named = plain;
        first = first ? first : plain;
    }
    return main_id ? NULL : named ? named : first;
}

static bool add_graph(struct reading *r, json_t *document, const char *base, const char *prefix,
                      const char *main_id, char **ret_main, struct err *err)
{
    json_t *graph = json_object_get(document, "$graph"), *one;
    const char *chosen = choose_main(graph, main_id), *id;
    size_t i;

    if (!chosen)
        return err_set(err, ERR_WorkflowNotFound, "The document has no process '%.100s'.", main_id ? main_id : "main");
    *ret_main = mem_printf("%s%s", prefix, chosen);
    json_array_foreach(graph, i, one)
    {
        if (!json_object_get(one, "id"))
            return err_set(err, ERR_BadRequest, "/$graph/%zu: has no id", i);
        if (!json_object_get(one, "cwlVersion") && json_is_object(one))
            json_object_set(one, "cwlVersion", json_object_get(document, "cwlVersion"));
        if (!add_process(r, one, prefix, base, "main", &id, err))
            return err_prefix(err, "/$graph/%zu", i);
    }
    return true;
}

void cwl_format_expand(json_t *value, const json_t *spaces)
{
    const char *format = js_text(value, "format"), *colon = format ? strchr(format, ':') : NULL, *space;

    if (!colon)
        return;
    AUTO(mem) char *prefix = mem_textn(format, (size_t)(colon - format));

    if ((space = js_text(spaces, prefix)))
        json_object_set_new(value, "format", json_pack("s+", space, colon + 1));
}

static void expand_formats(json_t *value, const json_t *spaces, int depth)
{
    const char *key;
    json_t *one;
    size_t i;

    if (!spaces || depth > MAX_DEPTH)
        return;
    cwl_format_expand(value, spaces);
    json_array_foreach(value, i, one)
        expand_formats(one, spaces, depth + 1);
    json_object_foreach(value, key, one)
        expand_formats(one, spaces, depth + 1);
}

static bool add_document(struct reading *r, const char *bytes, size_t size, const char *base, const char *prefix,
                         const char *main_id, char **ret_main, struct err *err)
{
    AUTO(json) json_t *document = NULL, *replaced = NULL;
    const char *id;

    if (!yaml_parse(bytes, size, MAX_DEPTH, &document, err) || !include(r, document, base, 0, &replaced, err))
        return false;
    if (!json_is_object(document))
        return js_refuse(document, "", "an object", err);
    if (!check_version(document, err))
        return false;
    if (json_object_get(document, "$schemas"))
        json_object_set_new(document, "has_ontology", json_true());
    expand_formats(document, json_object_get(document, "$namespaces"), 0);
    if (json_object_get(document, "$graph"))
        return add_graph(r, document, base, prefix, main_id, ret_main, err);
    if (!add_process(r, document, prefix, base, "main", &id, err))
        return false;
    *ret_main = mem_text(id);
    return !main_id || !strcmp(id + strlen(prefix), main_id) ||
           err_set(err, ERR_WorkflowNotFound, "The document has no process '%.100s'.", main_id);
}

static bool check_runs(const json_t *graph, struct err *err)
{
    const char *id;
    json_t *process, *step;
    size_t i;

    json_object_foreach((json_t *)graph, id, process)
        json_array_foreach(json_object_get(process, "steps"), i, step)
        {
            const char *run = js_text(step, "run");

            if (!run || !json_object_get(graph, run))
                return err_set(err, ERR_BadRequest, "%s/%s: the document has no process '%.100s'", id,
                               js_text(step, "id"), run ? run : "");
        }
    return true;
}

bool cwl_read(const char *bytes, size_t size, const char *base, const char *main_id,
              const struct cwl_reader *reader, json_t **ret_document, struct err *err)
{
    AUTO(json) json_t *graph = json_object();
    struct reading r = { .reader = reader, .graph = graph };
    AUTO(mem) char *chosen = NULL;

    if (!add_document(&r, bytes, size, base, "", main_id, &chosen, err) || !check_runs(graph, err))
        return false;
    *ret_document = json_pack("{s:s, s:O}", "main", chosen, "graph", graph);
    return true;
}

const json_t *cwl_process(const json_t *document, const char *id)
{
    return json_object_get(json_object_get(document, "graph"), id);
}

const json_t *cwl_main(const json_t *document)
{
    return cwl_process(document, js_text(document, "main"));
}
