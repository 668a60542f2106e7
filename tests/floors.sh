#!/bin/sh
# Holds the house against its drawing: a file includes only from its own room or from floors below,
# and each outside library has one door. Prints every include that climbs.
cd "${srcdir:-.}" || exit 99
find server processes -name '*.[ch]' | sort | xargs awk '
BEGIN {
    # from the ground up; rooms of one line share a floor and do not see each other
    floors = "base|config json sandbox|cql2 cwl|net store graph udf|ingest raster|processes|sar|jobs pool auth|feed|http|api|commands"
    # within a floor these arrows are wanted: they run one way
    split("json>config net>json store>json store>graph ingest>store ingest>raster jobs>auth pool>jobs", allow, " ")
    for (i in allow) good[allow[i]] = 1
    n = split(floors, floor, "|")
    for (i = 1; i <= n; i++) { m = split(floor[i], room, " "); for (j = 1; j <= m; j++) rank[room[j]] = i }
    door["microhttpd.h"] = "http commands"; door["gdal.h"] = "raster commands"
    door["libpq-fe.h"] = "store commands"; door["curl/curl.h"] = "net commands"
    door["oauth2/oauth2.h"] = "auth"; door["cjose/cjose.h"] = "auth"; door["sodium.h"] = "auth"
    door["ini.h"] = "config"; door["uuid/uuid.h"] = "base"; door["openssl/evp.h"] = "base"; door["proj.h"] = "graph"
    door["geos_c.h"] = "cql2 graph"; door["unicode/ustring.h"] = "cql2"; door["unicode/unorm2.h"] = "cql2"; door["unicode/uchar.h"] = "cql2"; door["archive.h"] = "ingest api"; door["libdeflate.h"] = "raster http"; door["zstd.h"] = "raster"; door["isa-l/igzip_lib.h"] = "raster"; door["minizip/unzip.h"] = "raster"; door["sqlite3.h"] = "raster"; door["yaml.h"] = "json"
    door["pango/pangocairo.h"] = "raster"; door["cairo.h"] = "raster"; door["gif_lib.h"] = "raster"; door["webp/encode.h"] = "raster"; door["webp/mux.h"] = "raster"
}
FNR == 1 { split(FILENAME, part, "/"); here = part[1] == "processes" ? "processes" : part[2] }
here == "main.c" { next }
/^#include "/ {
    split($0, quoted, "\""); split(quoted[2], part, "/"); there = part[1]
    if (!(there in rank) || there == here) next
    if (!(here in rank)) { print FILENAME ": room " here " is on no floor"; bad = 1; nextfile }
    if (rank[there] > rank[here] || (rank[there] == rank[here] && !((here ">" there) in good))) {
        print FILENAME ":" FNR ": " here " may not include " quoted[2]; bad = 1
    }
}
/^#include </ {
    match($0, /<[^>]*>/); header = substr($0, RSTART + 1, RLENGTH - 2)
    if (header in door && index(" " door[header] " ", " " here " ") == 0) {
        print FILENAME ":" FNR ": only " door[header] " may include " header; bad = 1
    }
}
END { exit bad }'
