"""The commented settings file that `workbench init` writes."""

COMMENTED = """\
# Settings of Incident Workbench. Every line is optional; what is commented out shows the default or an example.

store = "./store"
environment = "prod"
# zone = "America/Toronto"        # clock shown beside UTC
# currency = "C$"
# retain_days = 90                # rows older than this are let go; by default none

# Live sources that `workbench serve` pulls, each on its own and from where it left off.
# [[sources]]
# kind = "mlflow"
# uri = "http://127.0.0.1:5000"
# interval = "60s"
#
# [[sources]]
# kind = "prometheus"
# uri = "http://127.0.0.1:9090"
# interval = "30s"
# options = { queries = ["up", "DCGM_FI_DEV_GPU_UTIL"] }
# Secrets stand outside: options = { token = "env:PROMETHEUS_TOKEN" } or "file:/run/secrets/token".

# Files of your own that enter a declared table: own columns on the right.
# [[tables]]
# files = "predictions*.parquet"
# as = "predictions"
# map = { prediction_id = "id", time_ns = "ts", score = "p" }

[server]
host = "127.0.0.1"
port = 4318

# [prices]
# gpu_hour = 2.80
# energy_kwh = 0.14

# What may be run from the app, each time only after somebody has approved exactly what will run.
# [[hooks]]
# name = "Roll the alias back"
# kind = "mlflow_alias"
# signatures = ["wrong_snapshot", "bad_deploy"]
# uri = "http://127.0.0.1:5000"
# model = "fraud"
# alias = "champion"
# [act]
# never = ["dataset:payments*", "telemetry_fault"]

# Told when an incident is resolved; nothing is sent to what is not set.
# [exports]
# link = "https://workbench.example.com"
# slack = "env:SLACK_WEBHOOK"
# pagerduty = "env:PAGERDUTY_KEY"
# cdevents = "http://127.0.0.1:8090/events"
# openlineage = "http://127.0.0.1:5000/api/v1/lineage"

# [mask]
# addresses = true                # mask IP addresses as well
# keys = ["customer_ref"]
"""
