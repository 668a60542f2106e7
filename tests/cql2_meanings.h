/* What expressions mean for one item: T(rue), F(alse) or U(nknown). Both evaluations of CQL2 are held to
 * these rows: cql2_match() by tests/unit/test_cql2_match.c, SQL by tests/db/test_search.c. Expected values
 * come from the standard's text, SQL, and PostGIS's documentation. */
#ifndef TESTS_CQL2_MEANINGS_H
#define TESTS_CQL2_MEANINGS_H

#include "cql2/cql2.h"

static const char meanings_item[] =
    "{\"type\":\"Feature\",\"stac_version\":\"1.0.0\",\"links\":[],\"assets\":{},\"id\":\"scene-1\",\"collection\":\"sets\","
    "\"bbox\":[0,0,10,10],"
    "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]},"
    "\"properties\":{\"datetime\":\"2024-02-29T12:00:00.5Z\",\"start_datetime\":\"2024-02-29T12:00:00Z\","
    "\"end_datetime\":\"2024-02-29T13:00:00+01:00\",\"created\":\"2024-03-01T00:00:00Z\",\"day\":\"2024-03-01\","
    "\"n\":5,\"x\":2.5,\"neg\":-7,\"zero\":0,\"huge\":1e300,\"flag\":true,\"none\":null,\"name\":\"Abc\","
    "\"street\":\"\\u039f\\u03b4\\u03cc\\u03c2\",\"german\":\"Stra\\u00dfe\",\"french\":\"d\\u00e9b\\u00e1rqu\\u00e9r\","
    "\"russian\":\"\\u0401\\u043b\\u043a\\u0430\",\"japanese\":\"\\u306f\\u3058\\u3081\",\"turkish\":\"\\u0131\","
    "\"emoji\":\"a\\ud83d\\ude00b\",\"percent\":\"100% a_b\\\\c\",\"mixed\":\"5\","
    "\"list\":[1,2.0,\"a\",true,[1,2]],\"empty\":[],\"words\":[\"x\",\"y\",\"x\"],"
    "\"bad_time\":\"yesterday\",\"s2:mgrs_tile\":\"33TWL\",\"sar:product_type\":\"GRD\",\"s2:product_type\":\"S2MSI2A\"}}";

/* Its properties, and some that it does not have. */
static struct cql2_property meanings_properties[] = {
    { "id", CQL2_TYPE_STRING },          { "collection", CQL2_TYPE_STRING },
    { "datetime", CQL2_TYPE_TIMESTAMP }, { "geometry", CQL2_TYPE_GEOMETRY },
    { "created", CQL2_TYPE_TIMESTAMP },  { "day", CQL2_TYPE_DATE },
    { "n", CQL2_TYPE_NUMBER },           { "x", CQL2_TYPE_NUMBER },
    { "neg", CQL2_TYPE_NUMBER },         { "zero", CQL2_TYPE_NUMBER },
    { "huge", CQL2_TYPE_NUMBER },        { "missing", CQL2_TYPE_NUMBER },
    { "flag", CQL2_TYPE_BOOLEAN },       { "none", CQL2_TYPE_ANY },
    { "name", CQL2_TYPE_STRING },        { "street", CQL2_TYPE_STRING },
    { "german", CQL2_TYPE_STRING },      { "french", CQL2_TYPE_STRING },
    { "russian", CQL2_TYPE_STRING },     { "japanese", CQL2_TYPE_STRING },
    { "turkish", CQL2_TYPE_STRING },     { "emoji", CQL2_TYPE_STRING },
    { "percent", CQL2_TYPE_STRING },     { "mixed", CQL2_TYPE_ANY },
    { "wrong", CQL2_TYPE_NUMBER },       { "list", CQL2_TYPE_ARRAY },
    { "empty", CQL2_TYPE_ARRAY },        { "words", CQL2_TYPE_ARRAY },
    { "bad_time", CQL2_TYPE_TIMESTAMP }, { "missing_time", CQL2_TYPE_TIMESTAMP },
    { "missing_text", CQL2_TYPE_STRING }, { "grid:code", CQL2_TYPE_STRING },
    { "product:type", CQL2_TYPE_STRING }, { "s2:mgrs_tile", CQL2_TYPE_STRING },
    { NULL, CQL2_TYPE_ANY },
};

static const struct meaning {
    char want;
    const char *text;
} meanings[] = {
    /* ---- a property of an older extension says what the newer one would ---- */
    { 'T', "\"grid:code\" = 'MGRS-33TWL'" }, { 'F', "\"grid:code\" = '33TWL'" },
    { 'F', "\"grid:code\" IS NULL" },        { 'T', "\"s2:mgrs_tile\" = '33TWL'" },
    { 'T', "\"product:type\" = 'GRD'" },     { 'T', "casei(\"product:type\") LIKE casei('gr%')" },

    /* ---- logic ---- */
    { 'T', "TRUE AND TRUE" },          { 'F', "TRUE AND FALSE" },
    { 'U', "TRUE AND missing = 1" },   { 'F', "FALSE AND missing = 1" },
    { 'F', "missing = 1 AND FALSE" },  { 'T', "TRUE OR missing = 1" },
    { 'T', "missing = 1 OR TRUE" },    { 'U', "FALSE OR missing = 1" },
    { 'U', "NOT missing = 1" },        { 'U', "missing = 1 AND missing = 2" },
    { 'T', "missing IS NULL" },        { 'T', "none IS NULL" },
    { 'F', "name IS NULL" },           { 'T', "name IS NOT NULL" },
    { 'T', "(missing = 1) IS NULL" },  { 'F', "(n = 1) IS NULL" },
    { 'F', "geometry IS NULL" },       { 'F', "5 IS NULL" },
    { 'T', "n / zero IS NULL" },       { 'T', "(n = 5) = (x = 2.5)" },
    { 'U', "(n = 5) = (missing = 2.5)" },

    /* ---- values ---- */
    { 'T', "n = 5" },                { 'T', "5.0 = n" },
    { 'F', "n <> 5" },               { 'T', "x < n" },
    { 'T', "name = 'Abc'" },         { 'F', "name = 'abc'" },
    { 'T', "name < 'abc'" },         { 'T', "'Z' < 'a' AND 'z' < 'é' AND '\xef\xbf\xbd' < '\xf0\x9f\x98\x80'" },
    { 'T', "flag = TRUE" },          { 'T', "flag > FALSE" },
    { 'T', "id = 'scene-1' AND collection = 'sets'" },
    { 'T', "mixed = '5'" },          { 'U', "mixed = 5" },
    { 'U', "mixed = missing" },      { 'T', "mixed = mixed" },
    { 'U', "mixed > none" },
    { 'T', "n BETWEEN 5 AND 6" },    { 'F', "n BETWEEN 6 AND 7" },
    { 'F', "n BETWEEN 6 AND missing" }, { 'U', "n BETWEEN 5 AND missing" },
    { 'T', "n NOT BETWEEN 6 AND 7" }, { 'T', "name BETWEEN 'A' AND 'B'" },
    { 'T', "n IN (1, 5)" },          { 'F', "n IN (1, 2)" },
    { 'U', "n IN (1, missing)" },    { 'T', "n IN (5, missing)" },
    { 'F', "n IN ()" },              { 'U', "missing IN (1)" },
    { 'T', "n NOT IN (1, 2)" },      { 'T', "n IN (2 * x, 7)" },

    /* ---- numbers are doubles ---- */
    { 'T', "n + x * 2 = 10" },       { 'T', "(n + x) * 2 = 15" },
    { 'T', "n - 1 - 1 = 3" },        { 'T', "2 ^ 3 = 8" },
    { 'T', "-2 ^ 2 = 4" },           { 'T', "-n = 0 - 5" },
    { 'T', "neg / 2 = -3.5" },       { 'T', "neg DIV 2 = -3" },
    { 'T', "neg % 3 = -1" },         { 'T', "7 % -3 = 1" },
    { 'T', "5.5 % 2 = 1.5" },        { 'T', "0.1 + 0.2 <> 0.3" },
    { 'U', "n / zero = 1" },         { 'U', "n DIV zero = 1" },
    { 'U', "n % zero = 1" },         { 'U', "zero ^ neg = 1" },
    { 'U', "neg ^ 0.5 = 1" },        { 'U', "huge * huge = 1" },
    { 'U', "huge ^ 2 = 1" },         { 'U', "1 / huge / huge = 0" },
    { 'T', "zero * huge = 0" },      { 'U', "missing + 1 = 1" },
    { 'T', "abs(neg) = 7" },         { 'T', "ceil(x) = 3 AND floor(x) = 2" },
    { 'T', "round(x) = 2 AND round(3.5) = 4 AND round(-2.5) = -2" },
    { 'T', "sqrt(4) = 2" },          { 'U', "sqrt(neg) = 2" },
    { 'U', "abs(missing) = 1" },

    /* ---- texts fold ---- */
    { 'T', "CASEI(name) = CASEI('aBC')" },
    { 'T', "CASEI(street) IN (CASEI('ΟΔΌΣ'), CASEI('x'))" },
    { 'T', "CASEI(german) IN (CASEI('x'), CASEI('STRASSE'))" },
    { 'T', "CASEI(german) = CASEI('STRAẞE')" },
    { 'F', "CASEI(turkish) = CASEI('I')" },
    { 'T', "CASEI('Å') = CASEI('å') AND CASEI('K') = CASEI('k')" },
    { 'T', "CASEI(russian) = CASEI('ЁЛКА')" },
    { 'T', "ACCENTI(french) = ACCENTI('debarquer')" },
    { 'T', "ACCENTI(french) = 'debarquer'" },
    { 'T', "ACCENTI(street) = ACCENTI('Οδος')" },
    { 'T', "ACCENTI(russian) = ACCENTI('Елка')" },
    { 'T', "CASEI(ACCENTI(street)) = CASEI(ACCENTI('οδοσ'))" },
    { 'F', "ACCENTI(japanese) = ACCENTI('はしめ')" },
    { 'T', "ACCENTI(japanese) = 'はじめ'" },
    { 'F', "CASEI(french) = CASEI('debarquer')" },
    { 'U', "CASEI(missing_text) = 'x'" },
    { 'T', "CASEI(name) LIKE CASEI('%BC')" },
    { 'F', "name LIKE CASEI('ABC')" },
    { 'T', "lower(name) = 'abc' AND upper(german) = 'STRASSE'" },
    { 'T', "length(emoji) = 3 AND length('') = 0" },
    { 'T', "trim('  a b ') = 'a b' AND concat(name, 'd') = 'Abcd'" },

    /* ---- patterns ---- */
    { 'T', "name LIKE 'Abc'" },      { 'F', "name LIKE 'ab%'" },
    { 'T', "name LIKE '%'" },        { 'T', "name LIKE '%b%'" },
    { 'T', "name LIKE 'A_c'" },      { 'F', "name LIKE 'A_'" },
    { 'T', "name LIKE '___'" },      { 'T', "name LIKE '%%c'" },
    { 'F', "name LIKE ''" },         { 'T', "'' LIKE ''" },
    { 'T', "'' LIKE '%'" },          { 'F', "'' LIKE '_'" },
    { 'T', "emoji LIKE 'a_b'" },     { 'F', "emoji LIKE 'a__b'" },
    { 'T', "percent LIKE '100\\% %'" }, { 'F', "name LIKE 'A\\%'" },
    { 'T', "percent LIKE '%a\\_b%'" }, { 'F', "name LIKE 'A\\_c'" },
    { 'T', "percent LIKE '%\\\\\\\\c'" }, { 'T', "percent LIKE '%b\\c'" },
    { 'F', "name LIKE 'A\\bc'" }, { 'T', "'aab' LIKE '%ab'" },
    { 'T', "'abcabd' LIKE '%ab_'" }, { 'F', "'abcabd' LIKE '%abc'" },
    { 'U', "missing_text LIKE '%'" }, { 'T', "name NOT LIKE 'x%'" },
    { 'T', "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaab' LIKE '%a%a%a%a%a%a%a%a%b'" },

    /* ---- times ---- */
    { 'T', "datetime = TIMESTAMP('2024-02-29T12:00:00.500000Z')" },
    { 'T', "datetime > TIMESTAMP('2024-02-29T12:00:00.499999Z')" },
    { 'T', "datetime > '2024-02-29T12:00:00Z'" },
    { 'T', "created = DATE('2024-03-01')" },
    { 'T', "created <= DATE('2024-03-01') AND created >= DATE('2024-03-01')" },
    { 'T', "day = DATE('2024-03-01')" },
    { 'T', "day < TIMESTAMP('2024-03-01T00:00:00.000001Z')" },
    { 'T', "created BETWEEN DATE('2024-02-28') AND '2024-03-02'" },
    { 'T', "created IN (DATE('2024-03-01'))" },
    { 'U', "bad_time > DATE('2024-03-01')" },
    { 'U', "missing_time > DATE('2024-03-01')" },
    { 'T', "T_AFTER(created, DATE('2024-02-29'))" },
    { 'F', "T_AFTER(created, DATE('2024-03-01'))" },
    { 'T', "T_BEFORE(created, DATE('2024-03-02'))" },
    { 'T', "T_INTERSECTS(created, DATE('2024-03-01'))" },
    { 'F', "T_EQUALS(created, DATE('2024-03-01'))" },
    { 'T', "T_EQUALS(day, DATE('2024-03-01'))" },
    { 'T', "T_EQUALS(created, TIMESTAMP('2024-03-01T00:00:00Z'))" },
    { 'T', "T_DISJOINT(created, DATE('2024-03-02'))" },
    /* the item lasts from noon to noon: its end has a zone */
    { 'T', "T_EQUALS(datetime, INTERVAL('2024-02-29T12:00:00Z', '2024-02-29T12:00:00Z'))" },
    { 'T', "T_DURING(datetime, INTERVAL('2024-02-29', '..'))" },
    { 'T', "T_CONTAINS(INTERVAL('..', '..'), datetime)" },
    { 'T', "T_MEETS(INTERVAL('..', '2024-02-29T12:00:00Z'), datetime)" },
    { 'T', "T_METBY(INTERVAL('2024-02-29T12:00:00Z', '..'), datetime)" },
    { 'T', "T_STARTS(datetime, INTERVAL('2024-02-29T12:00:00Z', '..'))" },
    { 'T', "T_STARTEDBY(INTERVAL('2024-02-29T12:00:00Z', '2025-01-01'), datetime)" },
    { 'T', "T_FINISHES(datetime, INTERVAL('2024-01-01', '2024-02-29T12:00:00Z'))" },
    { 'T', "T_FINISHEDBY(INTERVAL('2024-01-01', '2024-02-29T12:00:00Z'), datetime)" },
    { 'T', "T_OVERLAPS(INTERVAL('2024-01-01', '2024-03-01'), INTERVAL('2024-02-01', '2024-04-01'))" },
    { 'T', "T_OVERLAPPEDBY(INTERVAL('2024-02-01', '2024-04-01'), INTERVAL('2024-01-01', '2024-03-01'))" },
    { 'F', "T_OVERLAPS(INTERVAL('2024-02-01', '2024-04-01'), INTERVAL('2024-01-01', '2024-03-01'))" },
    /* a day is whole: the last microsecond of the end belongs to it */
    { 'T', "T_FINISHES(INTERVAL('2024-01-02', '2024-03-01T23:59:59.999999Z'), INTERVAL('2024-01-01', '2024-03-01'))" },
    { 'T', "T_EQUALS(INTERVAL('..', '..'), INTERVAL('..', '..'))" },
    { 'T', "T_INTERSECTS(INTERVAL(created, '..'), INTERVAL('..', created))" },
    { 'U', "T_INTERSECTS(INTERVAL(created, missing_time), INTERVAL('2030-01-01', '..'))" },
    { 'F', "T_INTERSECTS(INTERVAL(created, missing_time), INTERVAL('..', '2020-01-01'))" },
    { 'U', "T_AFTER(missing_time, DATE('2024-01-01'))" },
    { 'T', "INTERVAL(created, missing_time) IS NULL" },
    { 'T', "year(datetime) = 2024 AND month(datetime) = 2 AND day(datetime) = 29" },
    { 'T', "hour(datetime) = 12 AND doy(datetime) = 60" },
    { 'T', "doy(DATE('2023-12-31')) = 365 AND year(DATE('1969-12-31')) = 1969 AND hour('1969-12-31T23:00:00Z') = 23" },
    { 'U', "year(missing_time) = 2024" },

    /* ---- geometries, as in PostGIS ---- */
    { 'T', "S_INTERSECTS(geometry, POINT(5 5))" },
    { 'T', "S_INTERSECTS(geometry, POINT(10 10))" },
    { 'F', "S_INTERSECTS(geometry, POINT(11 10))" },
    { 'T', "S_INTERSECTS(geometry, POINT Z(5 5 900))" },
    { 'T', "S_DISJOINT(geometry, LINESTRING(11 0,11 10))" },
    { 'T', "S_WITHIN(geometry, BBOX(-1,-1,11,11))" },
    { 'T', "S_WITHIN(geometry, BBOX(-1,-1,100,11,11,200))" },
    { 'F', "S_WITHIN(geometry, BBOX(1,-1,11,11))" },
    { 'T', "S_CONTAINS(geometry, POINT(5 5))" },
    { 'F', "S_CONTAINS(geometry, POINT(0 0))" },
    { 'T', "S_TOUCHES(geometry, POINT(0 0))" },
    { 'T', "S_TOUCHES(geometry, POLYGON((10 0,20 0,20 10,10 0)))" },
    { 'T', "S_CROSSES(geometry, LINESTRING(-1 5,11 5))" },
    { 'F', "S_CROSSES(geometry, LINESTRING(1 5,9 5))" },
    { 'T', "S_OVERLAPS(geometry, BBOX(5,5,15,15))" },
    { 'T', "S_EQUALS(geometry, POLYGON((10 0,10 10,0 10,0 0,5 0,10 0)))" },
    { 'T', "S_EQUALS(MULTIPOINT(1 2,3 4), MULTIPOINT(3 4,1 2))" },
    { 'T', "S_INTERSECTS(geometry, BBOX(170,-5,-170,5)) = FALSE" },
    { 'T', "S_INTERSECTS(POINT(-175 0), BBOX(170,-5,-170,5))" },
    /* not valid: a bow tie is two triangles */
    { 'F', "S_INTERSECTS(POINT(5 1), POLYGON((0 0,10 10,10 0,0 10,0 0)))" },
    { 'T', "S_INTERSECTS(POINT(1 5), POLYGON((0 0,10 10,10 0,0 10,0 0)))" },
    /* nor are parts that overlap: they are one */
    { 'T', "S_INTERSECTS(POINT(5 5), MULTIPOLYGON(((0 0,6 0,6 6,0 6,0 0)),((4 4,9 4,9 9,4 9,4 4))))" },
    { 'T', "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(50 50),LINESTRING(5 5,6 6)))" },
    { 'T', "S_DISJOINT(geometry, GEOMETRYCOLLECTION(POINT(50 50),LINESTRING(25 5,26 6)))" },
    { 'T', "S_CONTAINS(geometry, GEOMETRYCOLLECTION(POINT(5 5),POINT(6 6)))" },
    { 'T', "S_CONTAINS(geometry, GEOMETRYCOLLECTION(POINT(5 5),LINESTRING(5 5,6 6)))" },
    { 'U', "S_CONTAINS(geometry, GEOMETRYCOLLECTION(POINT(5 4),LINESTRING(5 5,6 6)))" },
    { 'T', "S_INTERSECTS(POINT(5 5), GEOMETRYCOLLECTION(POLYGON((0 0,6 0,6 6,0 0)),POLYGON((4 4,9 4,9 9,4 4))))" },
    { 'T', "S_EQUALS(centroid(geometry), POINT(5 5))" },

    /* ---- arrays are sets ---- */
    { 'T', "A_CONTAINS(list, (1, 'a'))" },   { 'T', "A_CONTAINS(list, (2))" },
    { 'F', "A_CONTAINS(list, (3))" },        { 'T', "A_CONTAINS(list, ())" },
    { 'T', "A_CONTAINS(list, ((1, 2)))" },   { 'F', "A_CONTAINS(list, ((1)))" },
    { 'T', "A_EQUALS(words, ('y', 'x'))" },  { 'F', "A_EQUALS(words, ('x'))" },
    { 'T', "A_CONTAINEDBY(words, ('x', 'y', 'z'))" }, { 'F', "A_CONTAINEDBY(words, ('x'))" },
    { 'T', "A_CONTAINEDBY(empty, ())" },     { 'T', "A_EQUALS(empty, ())" },
    { 'T', "A_OVERLAPS(words, ('q', 'y'))" }, { 'F', "A_OVERLAPS(words, ('q'))" },
    { 'F', "A_OVERLAPS(empty, ())" },        { 'T', "A_OVERLAPS(list, (n - 4))" },
    { 'T', "A_CONTAINS((1, name, TRUE), (name))" }, { 'U', "A_CONTAINS(list, (missing))" },
    { 'U', "A_CONTAINS(none, (1))" },        { 'U', "A_CONTAINS(mixed, (1))" },
    { 'T', "A_CONTAINS((created, DATE('2024-01-01')), (TIMESTAMP('2024-03-01T00:00:00Z')))" },
    { 'T', "size(list) = 5 AND size(empty) = 0" }, { 'U', "size(none) = 1" },
};

#endif
