# Times R's forecast: FILE TASK COUNT TOOL, prints tool TAB task TAB series TAB seconds a series.
suppressMessages(library(forecast))
arguments <- commandArgs(trailingOnly = TRUE)
task <- arguments[2]
count <- as.integer(arguments[3])
tool <- arguments[4]
lines <- strsplit(readLines(arguments[1], n = count), ",")
fit <- switch(tool,
  "default" = function(y) auto.arima(y),
  "exact" = function(y) auto.arima(y, approximation = FALSE),
  "CSS-ML" = function(y) arima(y, c(2, 1, 2)),
  "ML" = function(y) arima(y, c(2, 1, 2), method = "ML"))
label <- switch(tool,
  "default" = "auto.arima", "exact" = "auto.arima, approximation = FALSE", paste0("arima, ", tool))
seconds <- 0
done <- 0
for (fields in lines) {
  y <- ts(as.numeric(fields[-(1:3)]), frequency = as.integer(fields[2]))
  start <- proc.time()
  fitted <- try(fit(y), silent = TRUE)
  taken <- proc.time() - start
  seconds <- seconds + taken[["user.self"]] + taken[["sys.self"]]
  if (!inherits(fitted, "try-error")) done <- done + 1
}
cat(sprintf("R forecast %s, %s\t%s\t%d\t%.17g\n", packageVersion("forecast"), label, task, done, seconds / count))
