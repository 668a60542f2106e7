libsentier_a_SOURCES += server/config/config.c server/config/config.h server/config/config.def
