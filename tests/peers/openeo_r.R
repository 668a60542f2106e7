# openEO's R client: every call that it offers and a server can answer. Usage: Rscript openeo_r.R URL FOLDER
# The last line is what was told, as JSON; tests/clients/test_openeo_r.py looks at it. SENTIER_OIDC names an OpenID provider: then
# all that is done is a log-in by device code.
suppressMessages(library(openeo))
arguments <- commandArgs(TRUE)
folder <- arguments[2]
told <- list()
ids <- function(list, name) lapply(unname(list), function(one) one[[name]])
until_ended <- function(job) {
    for (i in 1:300) {
        if (status(job) %in% c("finished", "error", "canceled")) break
        Sys.sleep(0.1)
    }
    status(job)
}

# the server
connect(host = arguments[1])
told$client <- as.character(client_version())
told$versions <- unname(unlist(api_versions(sub("/openeo.*", "", arguments[1]))$api_version))
told$api <- capabilities()$api_version
told$features <- nrow(list_features())
told$conformance <- length(unlist(conformance()))
told$formats <- names(list_file_formats()$output)
told$services <- names(list_service_types())
told$runtimes <- names(list_udf_runtimes())
told$terms <- !is.null(terms_of_service())
told$providers <- names(list_oidc_providers())

# log-in
if (nzchar(Sys.getenv("SENTIER_OIDC"))) {
    login(provider = Sys.getenv("SENTIER_OIDC"))
    told$account <- describe_account()$name
    cat(jsonlite::toJSON(told, auto_unbox = TRUE), "\n")
    quit()
}
login(user = Sys.getenv("SENTIER_USER"), password = Sys.getenv("SENTIER_PASSWORD"))
told$account <- describe_account()$name

# collections and processes
told$collections <- names(list_collections())
told$dimensions <- names(dimensions(describe_collection("sentinel-2-l2a")))
told$predefined <- length(list_processes())
told$described <- describe_process("ndvi")$id

# a graph by the builder; arithmetic in callbacks
p <- processes()
load <- p$load_collection(id = "sentinel-2-l2a", spatial_extent = list(west = 15.2, south = 45.6, east = 15.21, north = 45.61),
                          temporal_extent = c("2023-08-15", "2023-08-16"), bands = c("B04", "B08"))
index <- p$reduce_dimension(data = load, dimension = "bands", reducer = function(data, context) (data[2] - data[1]) / (data[2] + data[1]))
mean <- p$reduce_dimension(data = index, dimension = "t", reducer = function(data, context) p$mean(data))
graph <- p$save_result(data = mean, format = "GTiff")
told$valid <- length(validate_process(graph = graph)$errors)
wrong <- p$save_result(data = p$filter_bands(data = load, bands = c("B99")), format = "GTiff")
told$invalid <- ids(validate_process(graph = wrong)$errors, "code")
told$computed <- basename(compute_result(graph = graph, output_file = file.path(folder, "computed.tif")))

# jobs
before <- length(list_jobs())
job <- create_job(graph = graph, title = "from R", description = "made by a test")
update_job(job$id, title = "changed")
told$title <- describe_job(job)$title
told$estimate <- estimate_job(job)$duration
start_job(job)
told$status <- until_ended(job)
told$levels <- unique(unlist(ids(log_job(job)$logs, "level")))
told$assets <- length(list_results(job)$assets)
told$downloads <- lapply(download_results(job, file.path(folder, "results")), basename)
told$listed <- length(list_jobs()) - before
long <- create_job(graph = graph)
start_job(long)
told$stopped <- tryCatch({ stop_job(long); status(long) %in% c("canceled", "finished") }, error = function(e) conditionMessage(e))
delete_job(long)
delete_job(job)
told$left <- length(list_jobs()) - before

# a user's own process, by its name in another graph
create_user_process(graph = index, id = "r_index", summary = "An index", submit = TRUE)
told$own <- "r_index" %in% names(list_user_processes())
update_user_process(id = "r_index", graph = as(index, "Process"), summary = "Another")
told$summary <- describe_user_process("r_index")$summary
again <- user_processes()$r_index()
told$used <- length(validate_process(graph = p$save_result(data = p$reduce_dimension(data = again, dimension = "t",
    reducer = function(data, context) p$max(data)), format = "GTiff"))$errors)
delete_user_process("r_index")
told$own_left <- "r_index" %in% names(list_user_processes())

# files
writeLines("from R", file.path(folder, "text.txt"))
upload_file(content = file.path(folder, "text.txt"), target = "r/text.txt")
told$files <- unlist(as.data.frame(list_files())$path)
download_file(src = "r/text.txt", dst = file.path(folder, "back.txt"))
delete_file(src = "r/text.txt")

# services
picture <- p$save_result(data = mean, format = "PNG")
service <- create_service(type = "xyz", graph = picture, title = "tiles")
told$service <- describe_service(service)$type
update_service(service, title = "more tiles")
told$service_title <- describe_service(service)$title
told$service_log <- length(log_service(service)$logs)
told$service_listed <- length(list_services())
delete_service(service)
logout()

cat(jsonlite::toJSON(told, auto_unbox = TRUE), "\n")
