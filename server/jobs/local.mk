libsentier_a_SOURCES += \
	server/jobs/child.c \
	server/jobs/credentials.c server/jobs/credentials.h \
	server/jobs/download.c server/jobs/download.h \
	server/jobs/hook.c server/jobs/hook.h \
	server/jobs/leader.c \
	server/jobs/ortho.h server/jobs/ortho_items.c server/jobs/ortho_items.h server/jobs/ortho_place.c server/jobs/ortho_plan.c server/jobs/ortho_scenes.c server/jobs/ortho_steps.c server/jobs/perform_ortho.c \
	server/jobs/perform.c server/jobs/perform.h \
	server/jobs/perform_fetch.c \
	server/jobs/perform_files.c \
	server/jobs/perform_plan.c \
	server/jobs/perform_result.c \
	server/jobs/perform_stage.c server/jobs/perform_steps.c server/jobs/stage_in.c server/jobs/stage_in.h server/jobs/stage_out.c server/jobs/stage_out.h \
	server/jobs/fields.c server/jobs/fields.h server/jobs/perform_workflow.c \
	server/jobs/perform_remote.c server/jobs/remote.c server/jobs/remote.h server/jobs/remote_call.h server/jobs/remote_results.c \
	server/jobs/results_stac.c server/jobs/results_stac.h \
	server/jobs/product_files.c server/jobs/product_files.h \
	server/jobs/scratch.c server/jobs/scratch.h \
	server/jobs/slots.c \
	server/jobs/stac_url.c server/jobs/stac_url.h \
	server/jobs/supervisor.c \
	server/jobs/sweep.c \
	server/jobs/sweep_files.c \
	server/jobs/udf_host.c server/jobs/udf_host.h \
	server/jobs/unpacked.c server/jobs/unpacked.h \
	server/jobs/uploaded_file.c server/jobs/uploaded_file.h \
	server/jobs/url.c server/jobs/url.h \
	server/jobs/wire.h server/jobs/worker.h \
	server/jobs/workspace.c server/jobs/workspace.h \
	server/jobs/zygote.c server/jobs/zygote.h
