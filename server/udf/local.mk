libsentier_a_SOURCES += \
	server/udf/answers.c server/udf/answers.h \
	server/udf/runtime.c server/udf/runtime.h \
	server/udf/udf.c server/udf/udf.h
