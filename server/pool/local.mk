libsentier_a_SOURCES += server/pool/roles.c server/pool/roles.h
