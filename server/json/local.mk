libsentier_a_SOURCES += server/json/js.c server/json/js.h
