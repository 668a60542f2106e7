libsentier_a_SOURCES += server/net/fetch.c server/net/fetch.h server/net/mail.c server/net/mail.h
