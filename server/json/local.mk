libsentier_a_SOURCES += server/json/js.c server/json/js.h server/json/js_patch.c server/json/js_patch.h server/json/js_text.c server/json/js_text.h \
	server/json/geojson.c server/json/geojson.h server/json/geojson_wkb.c server/json/schema.c server/json/schema.h \
	server/json/pattern.c server/json/pattern.h server/json/yaml.c server/json/yaml.h
